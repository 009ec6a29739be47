"""Docker takes every folder of a V1 archive for an image.

Seen with Docker 20.10.24: `open .../.cpt_hardlink_dir_.../json: no such file or directory`.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.builders.legacy import steps_of, write_v1
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

STRAY = {
    "an empty folder": (".cpt_hardlink_dir_a920e4dd/", None),
    "a folder with a file": ("blobs/.DS_Store", b"Bud1"),
    "a file at the top": (".DS_Store", b"Bud1"),
}


def with_stray(maker: Maker, name: str, data: bytes | None) -> Path:
    """A V1 archive with one thing more."""
    path = write_v1(steps_of({"a": maker.layer().raw}, {"b": b"2"}), maker.path(), "demo:1")
    with tarfile.open(path, "a") as tar:
        member = tarfile.TarInfo(name)
        member.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
        member.size = len(data or b"")
        tar.addfile(member, io.BytesIO(data or b""))
    return path


@pytest.mark.parametrize("target", ["docker@1.9", "docker@20.10", "docker@28"])
@pytest.mark.parametrize("stray", STRAY)
def test_a_stray_folder(stray: str, target: str, tmp_path: Path) -> None:
    found = answer(with_stray(Maker(tmp_path), *STRAY[stray]), target)
    assert codes(found)["reasons"] == ({"needs-v1"} if "folder" in stray else set())
    assert bool(found.repair) is ("folder" in stray)
