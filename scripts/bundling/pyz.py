"""The .pyz: one archive for every Python and machine that the project is for; Python is there.

The shared objects of all of them are inside, each loaded from memory, as in the one file.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bundling import contents, inputs, lock
from bundling.onefile import unpacked
from bundling.shell import HERE, ROOT, say

_SHEBANG = b"#!/usr/bin/env python3\n"
# Any Python can read it, so that an old one says what it lacks.
_MAIN = """\
import sys
if sys.version_info[:2] < {oldest}:
    sys.exit("layout: needs Python {shown} or later, this is %d.%d; the one file needs none"
             % sys.version_info[:2])
import layout_bundle
layout_bundle.run_archive()
"""


def make(work: Path, output: Path, version: str, pythons: list[str], machines: list[str]) -> Path:
    """Make the .pyz; its path.

    Args:
        work: the folder that is kept between runs.
        output: the folder for it.
        version: of the project.
        pythons: versions whose shared objects are put in.
        machines: likewise; some of MACHINES.
    """
    output.mkdir(parents=True, exist_ok=True)
    result = output / f"layout-{version}.pyz"
    partial = result.with_name(f".{result.name}.partial")
    partial.write_bytes(_SHEBANG)
    with tempfile.TemporaryDirectory() as folder:
        sites = {
            (machine, python): unpacked(
                inputs.wheels(work, machine, python), Path(folder) / f"{machine}-{python}"
            )
            for machine in machines
            for python in pythons
        }
        contents.write(str(partial), _entries(sites))
    partial.chmod(0o755)
    partial.rename(result)
    say(f"made {result}: {result.stat().st_size / 1e6:.1f} MB, for Python {', '.join(pythons)}")
    return result


def _entries(sites: dict[tuple[str, str], Path]) -> Iterator[tuple[str, bytes]]:
    oldest = min(tuple(map(int, each.split("."))) for each in lock.versions())
    shown = ".".join(map(str, oldest))
    yield "__main__.py", _MAIN.format(oldest=oldest, shown=shown).encode()
    yield "layout_bundle.py", (HERE / "layout_bundle.py").read_bytes()
    site = next(iter(sites.values()))
    for package in contents.WHOLE:
        for root, inside in contents.files(package, [str(ROOT), str(site)]):
            kept = package == "oci_layout" or inside.endswith(".py")
            if kept and not inside.endswith((".pyc", ".pyi")) and not _absent(inside):
                yield inside, (Path(root) / inside).read_bytes()
    for root, inside in contents.files(".", [str(site)]):
        if re.search(r"\.dist-info/.*(LICEN|COPYING|NOTICE)", inside):
            yield f"licences/{inside[2:]}", (Path(root) / inside).read_bytes()
    yield "licences/oci-layout/LICENSE", (ROOT / "LICENSE").read_bytes()
    done = set()
    for (machine, _), folder in sites.items():
        for name, of, file in contents.shared_objects([str(folder)]):
            if name not in done:
                yield f"{name.replace('.', '/')}.py", contents.STUB.encode()
            if (name, of, machine) not in done:
                yield (
                    f"shared/{of}-{machine}/{name}.so",
                    contents.loadable(Path(file).read_bytes()),
                )
            done |= {name, (name, of, machine)}


def _absent(inside: str) -> bool:
    name = inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name in contents.ABSENT
