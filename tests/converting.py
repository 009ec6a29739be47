"""Convert in this process, and look at what came out with the independent checker."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import independent
from tests.builders import full_name
from tests.command import layout, names_in, refuse, report


@dataclass(frozen=True)
class Result:
    """One image that came out."""

    names: tuple[str, ...]
    config: dict[str, Any]
    config_digest: str
    diff_ids: tuple[str, ...]


def images_of(path: Path) -> list[Result]:
    """The images of a layout or archive, every digest and diff_id recomputed."""
    found = independent.check(path)
    names: dict[str, list[str]] = {}
    for entry in found.index["manifests"]:
        name = entry.get("annotations", {}).get(independent.NAME)
        names.setdefault(entry["digest"], []).extend([name] if name else [])
    results = []
    for digest, held in names.items():
        config = found.manifests[digest]["config"]["digest"]
        results.append(
            Result(
                names=tuple(sorted(held)),
                config=json.loads(found.configs[config]),
                config_digest=config,
                diff_ids=tuple(found.diff_ids[config]),
            )
        )
    return results


def convert(source: Path, folder: Path, *flags: object) -> list[Result]:
    """Convert to an OCI layout and to a Docker archive, which must hold the same images."""
    report(source, "--to", "oci", "-o", folder / "out", *flags)
    report(source, "--to", "docker", "-o", folder / "out.tar", *flags)
    plain = images_of(folder / "out")
    both = images_of(folder / "out.tar")
    key = "config_digest"
    assert sorted(getattr(each, key) for each in plain) == sorted(
        getattr(each, key) for each in both
    )
    tags = {
        full_name(tag)
        for entry in independent.check(folder / "out.tar").docker or []
        for tag in entry["RepoTags"] or []
    }
    assert tags == {name for each in plain for name in each.names}
    return plain


def convert_one(source: Path, folder: Path, *flags: object) -> Result:
    """The same, of a source with one image."""
    (result,) = convert(source, folder, *flags)
    return result


def verified(path: Path, *flags: object) -> tuple[int, set[tuple[str, str]]]:
    """Exit status of `verify`, and what it found as severity and code."""
    done = layout("verify", path, "--json", *flags)
    assert done.returncode in (0, 1), done.stderr.decode()
    (value,) = json.loads(done.stdout)["reports"]
    return done.returncode, {(each["severity"], each["code"]) for each in value["findings"]}


def messages(path: Path, code: str, *flags: object) -> list[str]:
    """The messages that `verify` has for a code."""
    (value,) = json.loads(layout("verify", path, "--json", *flags).stdout)["reports"]
    return [each["message"] for each in value["findings"] if each["code"] == code]


def sound(path: Path, *flags: object) -> None:
    """`verify` finds nothing but notes."""
    status, found = verified(path, *flags)
    assert status == 0
    assert {severity for severity, _ in found} <= {"note"}, found


def refused(source: Path, folder: Path, code: str, *flags: object) -> str:
    """Both conversions stop with exit 3 and write nothing; `verify` has the code. The line."""
    folder.mkdir(exist_ok=True)
    line = refuse(3, source, "--to", "oci", "-o", folder / "out", *flags)
    refuse(3, source, "--to", "docker", "-o", folder / "out.tar", *flags)
    assert names_in(folder) == []
    status, found = verified(source)
    assert status == 1
    assert ("error", code) in found, found
    return line


@dataclass(frozen=True)
class Archive:
    """A legacy archive, read with tarfile alone."""

    files: dict[str, bytes]
    links: dict[str, str]
    order: list[str]

    def layer(self, identity: str) -> bytes:
        """The layer of a step, a link followed."""
        name = f"{identity}/layer.tar"
        if name in self.links:
            assert self.links[name].startswith("../")
            name = self.links[name][3:]
        return self.files[name]

    def chain(self, top: str) -> list[dict[str, Any]]:
        """The steps of an image, base first, as Docker before 1.10 walks them."""
        chain: list[dict[str, Any]] = []
        while top:
            assert self.files[f"{top}/VERSION"] == b"1.0"
            step = json.loads(self.files[f"{top}/json"])
            assert step["id"] == top
            assert len(chain) < 500
            chain.append(step)
            top = step.get("parent", "")
        return chain[::-1]

    def diff_ids(self, top: str) -> list[str]:
        """The digests of an image's layers."""
        layers = [self.layer(step["id"]) for step in self.chain(top)]
        return ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]

    @property
    def tops(self) -> dict[str, str]:
        """The top step of each tagged name."""
        found = json.loads(self.files["repositories"])
        return {f"{repo}:{tag}": top for repo, tags in found.items() for tag, top in tags.items()}


def archive(path: Path) -> Archive:
    """Read an archive whose members are files and links, none of them twice."""
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    order = []
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            assert member.name not in files
            assert member.name not in links
            order.append(member.name)
            if member.issym():
                links[member.name] = member.linkname
                continue
            data = tar.extractfile(member)
            assert member.isreg()
            assert data is not None
            files[member.name] = data.read()
    return Archive(files, links, order)
