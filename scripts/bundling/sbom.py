"""The parts of the one file as CycloneDX, with versions, licences and sums.

Run by the Python of the tools, which has the library:

    python sbom.py FILE VERSION MACHINE INPUTS RUNTIME WHEELS ZIG
"""

from __future__ import annotations

import datetime
import email
import hashlib
import json
import os
import re
import sys
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

# Of Debian's packages: what is in them, and under which licence.
_LIBRARIES = {
    "libbz2-dev": ("bzip2", "bzip2-1.0.6"),
    "libffi-dev": ("libffi", "MIT"),
    "liblzma-dev": ("xz-utils", "LicenseRef-public-domain"),
    "libsqlite3-dev": ("sqlite", "blessing"),
    "libssl-dev": ("openssl", "Apache-2.0"),
    "zlib1g-dev": ("zlib", "Zlib"),
}
# Of what CPython has inside of its own source: what is compiled here.
_EMBEDDED = {"hacl-star": "Apache-2.0 OR MIT", "libb2": "CC0-1.0", "mpdecimal": "BSD-2-Clause"}
_SPACE = uuid.UUID("7b0a5b8e-5a0c-5f0e-9d0c-3f1f6f7a9e11")
_LICENCES = LicenseFactory()


def component(
    name: str,
    version: str,
    licence: str,
    purl: PackageURL | None = None,
    *,
    file: Path | None = None,
    kind: ComponentType = ComponentType.LIBRARY,
    found_in: str = "",
) -> Component:
    """One part.

    Args:
        name: of it.
        version: of it.
        licence: an expression of SPDX.
        purl: where it comes from.
        file: what it was taken from; its sum is told.
        kind: library or application.
        found_in: the part that it is compiled into.
    """
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=_sha256(file))] if file else []
    inside = [Property(name="oci-layout:compiled-into", value=found_in)] if found_in else []
    return Component(
        type=kind,
        name=name,
        version=version,
        licenses=[_LICENCES.make_from_string(licence)],
        purl=purl,
        bom_ref=f"{name}@{version}" + (f"#{found_in}" if found_in else ""),
        hashes=hashes,
        properties=inside,
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_debian(inputs: Path, machine: str) -> Iterator[Component]:
    """CPython, what is inside of it, and the C libraries."""
    (source,) = (inputs / "source").glob("*.dsc")
    (text,) = (inputs / "source").glob("*.orig.tar.xz")
    name, version = source.stem.split("_")
    where = PackageURL("deb", "debian", name, version, {"arch": "source"})
    yield component("cpython", version, "Python-2.0.1", where, file=text)
    for package in sorted((inputs / f"libraries-{machine}").glob("*.deb")):
        name, version, architecture = package.stem.replace("%3a", ":").split("_")
        title, licence = _LIBRARIES[name]
        where = PackageURL("deb", "debian", name, version, {"arch": architecture})
        yield component(title, version, licence, where, file=package)


def of_cpython(runtime: Path) -> Iterator[Component]:
    """What CPython's source has of others."""
    listed = json.loads((runtime / "source/Misc/sbom.spdx.json").read_text(encoding="utf-8"))
    for each in listed["packages"]:
        if each["name"] in _EMBEDDED:
            yield component(
                each["name"], each["versionInfo"], _EMBEDDED[each["name"]], found_in="cpython"
            )


def of_wheels(wheels: Path) -> Iterator[Component]:
    """Packages, and the C libraries that are compiled into them."""
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            about = _metadata(archive)
            name, version = about["Name"], about["Version"]
            if name == "pycparser":
                continue
            where = PackageURL("pypi", None, name, version)
            yield component(name, version, about["License-Expression"], where, file=wheel)
            yield from _compiled_in(name, archive)


def _metadata(archive: zipfile.ZipFile) -> email.message.Message:
    (path,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(archive.read(path))


def _compiled_in(name: str, archive: zipfile.ZipFile) -> Iterator[Component]:
    """What a wheel says, or its machine code, of other parts inside."""
    code = b"".join(archive.read(each) for each in archive.namelist() if each.endswith(".so"))
    if name == "zstandard":
        header = re.search(rb"\0(1\.\d+\.\d+)\0", code)
        yield component("zstd", header[1].decode() if header else "", "BSD-3-Clause", found_in=name)
    if name == "isal":
        yield component("isa-l", "", "BSD-3-Clause", found_in=name)
    if name == "cryptography":
        version = re.search(rb"OpenSSL (\d+\.\d+\.\d+)", code)
        told = version[1].decode() if version else ""
        yield component("openssl", told, "Apache-2.0", found_in=name)
        for path in archive.namelist():
            if path.endswith("rust.cyclonedx.json"):
                yield from _crates(json.loads(archive.read(path)), name)


def _crates(listed: dict[str, object], name: str) -> Iterator[Component]:
    for each in listed.get("components", ()):
        licences = each.get("licenses") or [{}]
        first = licences[0]
        licence = first.get("expression") or first.get("license", {}).get("id") or "NOASSERTION"
        licence, version = licence.replace("/", " OR "), each.get("version", "")
        where = PackageURL("cargo", None, each["name"], version)
        yield component(each["name"], version, licence, where, found_in=name)


def whole(file: Path, version: str, parts: Iterable[Component]) -> Bom:
    """The list; the same for the same file."""
    bom = Bom(
        components=parts,
        serial_number=uuid.uuid5(_SPACE, _sha256(file)),
    )
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    bom.metadata.component = component(
        "oci-layout", version, "Apache-2.0", file=file, kind=ComponentType.APPLICATION
    )
    bom.register_dependency(bom.metadata.component, bom.components)
    return bom


def main(file: Path, version: str, machine: str, folders: list[Path], zig: str) -> None:
    """Write the list beside the file."""
    inputs, runtime, wheels = folders
    about_zig = "the start of a program, what old glibc lacks, compiler-rt"
    parts = [
        *of_debian(inputs, machine),
        *of_cpython(runtime),
        component("zig", zig, "MIT", PackageURL("pypi", None, "ziglang", zig), found_in=about_zig),
        *of_wheels(wheels),
    ]
    outputter = make_outputter(whole(file, version, parts), OutputFormat.JSON, SchemaVersion.V1_6)
    target = file.with_name(f"{file.name}.cdx.json")
    target.write_text(outputter.output_as_string(indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _, path, number, arch, *rest, compiler = sys.argv
    main(Path(path), number, arch, [Path(each) for each in rest], compiler)
