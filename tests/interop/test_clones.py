"""A file system whose files can share blocks: kept blobs are cloned there, and still checked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from oci_layout import repack
from oci_layout.errors import DamagedError
from tests import independent
from tests.builders import make_image, write_oci_layout
from tests.interop.conftest import REQUIRED

NOISE = os.urandom(3 << 20)
IMAGE = make_image([{"noise": NOISE}, {"b": b"2"}], compression="gzip")


@pytest.fixture
def xfs(tmp_path: Path) -> Iterator[Path]:
    """A small file system of that kind."""
    if shutil.which("mkfs.xfs") is None:
        reason = "needs mkfs.xfs (scripts/install-engines)"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    image, folder = tmp_path / "disk", tmp_path / "xfs"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(320 << 20)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    done = subprocess.run(
        ["mount", "-o", "loop", image, folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this machine mounts no file systems: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def used(folder: Path) -> int:
    """Bytes taken on the disk, once all is written."""
    subprocess.run(["sync", "-f", folder], check=True)
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


@pytest.mark.parametrize("link", [False, True])
def test_kept_blobs_share_their_blocks(xfs: Path, link: bool) -> None:
    source = write_oci_layout([IMAGE], xfs / "in")
    before = used(xfs)
    report = repack(str(source), str(xfs / "out"), to="docker", link=link)
    assert used(xfs) - before < len(NOISE) / 4
    assert (report.linked, report.cloned) == (0, 2 if link else 0)
    independent.check(xfs / "out")
    for layer in IMAGE.layers:
        path = xfs / "out/blobs" / layer.digest.replace(":", "/")
        assert path.stat().st_nlink == 1, "a clone has a life of its own"


def test_a_clone_is_checked_all_the_same(xfs: Path) -> None:
    source = write_oci_layout([IMAGE], xfs / "in")
    path = source / "blobs" / IMAGE.layers[0].digest.replace(":", "/")
    raw = bytearray(path.read_bytes())
    raw[1 << 20] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DamagedError):
        repack(str(source), str(xfs / "out"), to="oci")
    assert not (xfs / "out").exists()
