"""A disk that fills up at twenty points of the work: status 5, one line, the old one stays."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import write_docker_archive
from tests.builders.trees import heavy_image
from tests.command import layout, names_in, the_line
from tests.conftest import Figure
from tests.stages import INDEX_LEFTOVER, TARGETS, Stage

POINTS = 22  # the last one or two leave enough
_SIZE = 48 << 20


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of its own, 48 MB."""
    folder = tmp_path_factory.mktemp("disk")
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root's rights")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def room(path: Path) -> int:
    """Bytes that may still be written."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def leave(disk: Path, free: int) -> None:
    """Fill the disk but for so many bytes."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    fd = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(fd, 0, room(disk) - free)
    finally:
        os.close(fd)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("how", ["keep", "gzip"])
def test_full_at_twenty_points(
    target: str, how: str, disk: Path, tmp_path: Path, figure: Figure
) -> None:
    """From no room at all to nearly enough, twenty times at least, then enough."""
    (tmp_path / "source").mkdir()
    source = write_docker_archive([heavy_image(1, "heavy:1", layers=4)], tmp_path / "source/in.tar")
    folder = disk / f"{target}-{how}".replace(" ", "-")
    stage = Stage(folder, source, target, flags=("--compression", how))
    needed = int(4.3 * (1 << 20)) * (1 if how == "keep" or "arch" not in target else 2)
    counts: Counter[str] = Counter()
    try:
        for point in range(POINTS + 1):
            stage.reset()
            leave(disk, needed * point // POINTS)
            done = layout(*stage.words)
            state = stage.state()
            if done.returncode == 0:
                assert state == "new"
            else:
                assert "No space left on device" in the_line(done, 5)
                assert state == "old"
            assert stage.leftovers() == []
            if target == "append":
                assert INDEX_LEFTOVER not in names_in(stage.dest)
            counts["refused" if done.returncode else "written"] += 1
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        stage.reset()
    assert counts["refused"] >= 20
    assert counts["written"]
    figure(f"disk full, {target}, {how}: {dict(counts)}")


@pytest.mark.parametrize("part", [0.0, 0.5, 0.9])
def test_full_tmp(part: float, disk: Path, tmp_path: Path) -> None:
    """`--tmp` is full, where standard input is spooled or layers wait: its name is said."""
    source = write_docker_archive([heavy_image(1, "heavy:1", layers=4)], tmp_path / "in.tar")
    spool = disk / "spool"
    spool.mkdir(exist_ok=True)
    dest = tmp_path / "out.tar"
    leave(disk, int(part * (4 << 20)))
    try:
        piped = ("repack", "-", "--to", "oci", "-o", dest, "--tmp", spool)
        packed = ("repack", source, "--to", "oci", "--compression", "gzip", "-o", dest)
        for done in (layout(*piped, stdin=source.read_bytes()), layout(*packed, "--tmp", spool)):
            line = the_line(done, 5)
            assert "No space left on device" in line
            assert str(spool) in line
            assert names_in(tmp_path) == ["in.tar"]
            assert names_in(spool) == []
    finally:
        (disk / "ballast").unlink(missing_ok=True)


def test_spooled_beside_the_destination(disk: Path, tmp_path: Path) -> None:
    """Without `--tmp`, standard input goes where the result goes, not to the system's folder."""
    source = write_docker_archive([heavy_image(1, "heavy:1", layers=4)], tmp_path / "in.tar")
    folder = disk / "beside"
    folder.mkdir(exist_ok=True)
    leave(disk, 1 << 20)
    try:
        words = ("repack", "-", "--to", "oci", "-o", folder / "out.tar")
        line = the_line(layout(*words, stdin=source.read_bytes()), 5)
    finally:
        (disk / "ballast").unlink(missing_ok=True)
    assert "spool" in line
    assert str(folder) in line
    assert names_in(folder) == []
