"""Into a folder: nothing outside of it is written, whatever is in a layer."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout import export, temporary
from oci_layout.disk.raze import raze
from oci_layout.disk.tree import Access, Tree
from oci_layout.errors import DamagedError, DestinationError, UsageError
from tests.builders.trees import fingerprint
from tests.command import layout, process
from tests.rootfs.entries import entry, folder, hardlink, layer, symlink
from tests.rootfs.made import written
from tests.rootfs.seen import of_folder

ROOT = os.geteuid() == 0
AS_ROOT = pytest.mark.skipif(not ROOT, reason="only root may do that")

OUTSIDE = "@OUTSIDE@"  # stands for a folder beside the destination

# Each tries to write, link to or change something outside.
HOSTILE: dict[str, tuple[bytes, ...]] = {
    "a name with ..": (layer(entry("../evil", b"x"), entry("../../../../evil", b"x")),),
    "an absolute name": (layer(entry("/evil", b"x"), entry(f"{OUTSIDE}/evil", b"x")),),
    "a link out, and a file behind it": (layer(symlink("l", ".."), entry("l/evil", b"x")),),
    "an absolute link, and a file behind it": (
        layer(symlink("l", OUTSIDE), entry("l/evil", b"x")),
    ),
    "a link out in one layer, a file behind it in the next": (
        layer(symlink("l", OUTSIDE)),
        layer(entry("l/evil", b"x")),
    ),
    "a link below, its file above": (
        layer(entry("l/evil", b"x")),
        layer(entry(".wh.l"), symlink("l", OUTSIDE)),
    ),
    "a link to a link out": (
        layer(symlink("a", OUTSIDE), symlink("b", "a"), entry("b/evil", b"x")),
    ),
    "a link out and back": (layer(symlink("l", "../rootfs"), entry("l/evil", b"x")),),
    "a folder replaced by a link": (
        layer(folder("d"), symlink("d", OUTSIDE), entry("d/evil", b"x")),
    ),
    "a folder over a link": (layer(symlink("d", OUTSIDE), folder("d"), entry("d/evil", b"x")),),
    "a file over a link": (layer(symlink("f", f"{OUTSIDE}/kept"), entry("f", b"x")),),
    "a file through a hard link to a link": (
        layer(symlink("s", f"{OUTSIDE}/kept"), hardlink("h", "s"), entry("h", b"x")),
    ),
    "a hard link to a file outside": (layer(hardlink("h", f"{OUTSIDE}/kept"), entry("h", b"x")),),
    "a hard link with ..": (layer(hardlink("h", "../outside/kept"), entry("h", b"x")),),
    "a hard link through a link": (
        layer(symlink("l", OUTSIDE), hardlink("h", "l/kept"), entry("h", b"x")),
    ),
    "metadata of what is outside": (
        layer(symlink("l", OUTSIDE), folder("l", mode=0o777), folder("l/kept", mode=0o777)),
    ),
    "metadata of the folder around": (layer(folder("..", mode=0o777), folder("./..", mode=0o777)),),
    "a whiteout of what is outside": (
        layer(symlink("l", OUTSIDE), entry("l/.wh.kept"), entry("../outside/.wh.kept")),
    ),
    "whiteouts of dots": (layer(entry(".wh.."), entry(".wh..."), entry("a/.wh..")),),
    "an opaque folder outside": (layer(entry("../outside/.wh..wh..opq")),),
    "a FIFO": (layer(entry("pipe", kind=tarfile.FIFOTYPE), hardlink("again", "pipe")),),
    "a device": (
        layer(
            entry("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
            entry("disk", kind=tarfile.BLKTYPE, devmajor=8, devminor=0),
            hardlink("disk2", "disk"),
        ),
    ),
    "a name that is no name": (layer(entry("."), entry("..")),),
    "a name with a newline": (layer(entry("a\nb", b"x"), entry("\x1b[31m", b"x")),),
    "a very deep path": (layer(entry("/".join(["d"] * 2000), b"x")),),
    "a name that is too long": (layer(entry("n" * 300, b"x")),),
    "an owner that nobody is": (layer(entry("f", uid=2**40)),),
    "times before the flood": (layer(entry("f", pax_headers={"mtime": "-9999999999999"})),),
}


def _with_outside(tar: bytes, outside: Path) -> bytes:
    """The same layer with the real folder in its names."""
    entries = []
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            content = data.read() if data is not None else b""
            member.name = member.name.replace(OUTSIDE, str(outside))
            member.linkname = member.linkname.replace(OUTSIDE, str(outside))
            headers = {k: v for k, v in member.pax_headers.items() if k == "mtime"}
            member.pax_headers = headers
            entries.append((member, content))
    return layer(*entries)


@pytest.mark.parametrize("devices", [False, pytest.param(True, marks=AS_ROOT)])
@pytest.mark.parametrize("case", HOSTILE)
def test_nothing_is_written_outside(case: str, devices: bool, tmp_path: Path) -> None:
    work, outside = tmp_path / "work", tmp_path / "work" / "outside"
    outside.mkdir(parents=True)
    (outside / "kept").write_bytes(b"kept")
    layers = [_with_outside(tar, outside) for tar in HOSTILE[case]]
    source = written(tmp_path, *layers)
    before, status = fingerprint(outside), os.stat(work)
    refused = False
    try:
        export(source, work / "rootfs", devices=devices)
    except (DamagedError, DestinationError):
        refused = True
    assert (work / "rootfs").exists() is not refused
    assert fingerprint(outside) == before
    assert os.stat(outside / "kept").st_nlink == 1
    assert stat.S_IMODE(os.stat(outside).st_mode) & 0o002 == 0
    assert stat.S_IMODE(os.stat(work).st_mode) == stat.S_IMODE(status.st_mode)
    assert set(os.listdir(work)) <= {"outside", "rootfs"}
    assert set(os.listdir(tmp_path)) == {"image", "work"}
    if case == "a very deep path":  # which neither os.walk can follow, nor pytest remove
        parent = os.open(work, os.O_RDONLY)
        assert raze(parent, "rootfs")
        os.close(parent)
    elif not refused:
        kinds = {each.kind for each in of_folder(work / "rootfs").values()}
        assert devices or not kinds & {"character", "block"}


def test_devices_are_left_out_and_told(tmp_path: Path) -> None:
    report = export(written(tmp_path, *HOSTILE["a device"]), tmp_path / "rootfs")
    assert report.devices_left_out == 3
    assert os.listdir(tmp_path / "rootfs") == []
    done = layout("export", tmp_path / "image", "-o", tmp_path / "other")
    assert b"left out: 3 device nodes (--devices makes them; a tar has them)" in done.stdout


@AS_ROOT
def test_root_makes_devices_where_asked(tmp_path: Path) -> None:
    export(written(tmp_path, *HOSTILE["a device"]), tmp_path / "rootfs", devices=True)
    seen = of_folder(tmp_path / "rootfs")
    assert {path: (each.kind, each.device) for path, each in seen.items()} == {
        "null": ("character", (1, 3)),
        "disk": ("block", (8, 0)),
        "disk2": ("block", (8, 0)),
    }


@AS_ROOT
def test_root_keeps_owners_and_setuid(tmp_path: Path) -> None:
    source = written(tmp_path, layer(entry("su", b"x", mode=0o4755, uid=7, gid=8)))
    assert export(source, tmp_path / "rootfs").owners
    status = os.stat(tmp_path / "rootfs" / "su")
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (7, 8, 0o4755)


def test_another_user_keeps_neither(tmp_path: Path) -> None:
    source = written(
        tmp_path,
        layer(
            folder("closed", mode=0),
            entry("closed/su", b"x", mode=0o6755, uid=7),
            folder("."),
            entry("unreadable", b"x", mode=0),
        ),
    )
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o777)
    for path in (tmp_path, *tmp_path.parents):
        if ROOT and path != Path("/") and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)
    report = tmp_path / "report"
    report.mkdir()
    report.chmod(0o777)
    export(source, tmp_path / "first", devices=ROOT)  # all modules are there before the fork
    child = os.fork()
    if not child:
        ended = 1
        try:
            if ROOT:
                os.setgid(65534)
                os.setuid(65534)
            told = export(source, place / "rootfs")
            ended = 0 if not told.owners else 2
        finally:
            os._exit(ended)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    rootfs = place / "rootfs"
    assert stat.S_IMODE(os.stat(rootfs / "closed").st_mode) == 0
    if ROOT:
        status = os.stat(rootfs / "closed" / "su")
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (65534, 0o755)


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    source = written(tmp_path, layer(entry("a")))
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_bytes(b"1")
    with pytest.raises(DestinationError, match="never replaced"):
        export(source, taken)
    with pytest.raises(UsageError, match="--force is for archives"):
        export(source, taken, force=True)
    assert os.listdir(taken) == ["mine"]
    empty = tmp_path / "empty"
    empty.mkdir()
    export(source, empty)
    assert os.listdir(empty) == ["a"]


def test_holes_take_no_room(tmp_path: Path) -> None:
    """A sparse file of GNU's: one byte after a gigabyte of nothing."""
    member = tarfile.TarInfo("sparse")
    member.type, member.size = b"S", 512
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    size = (1 << 30) + 1
    block[386:410] = b"%011o\0%011o\0" % (size - 1, 1)
    block[124:136] = b"%011o\0" % 1
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    tar = bytes(block) + b"x".ljust(512, b"\0") + bytes(1024)
    export(written(tmp_path, tar), tmp_path / "rootfs")
    status = os.stat(tmp_path / "rootfs" / "sparse")
    assert status.st_size == size
    assert status.st_blocks * 512 < 1 << 20


def test_holes_without_end_are_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("sparse")
    member.type = b"S"
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"\x80" + (1 << 60).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    for dest in ("rootfs", "rootfs.tar"):
        with pytest.raises(DamagedError) as caught:
            export(written(tmp_path, bytes(block) + bytes(1024)), tmp_path / dest)
        assert caught.value.code == "bomb"
        assert not (tmp_path / dest).exists()


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".rootfs.layout-0123abcd.tmp"
    (left / "deep" / "er").mkdir(parents=True)
    (left / "deep" / "er" / "file").write_bytes(b"x")
    (left / "link").symlink_to("/etc")
    export(written(tmp_path, layer(entry("a"))), tmp_path / "rootfs")
    assert sorted(os.listdir(tmp_path)) == ["image", "rootfs"]


def test_razing_follows_nothing_and_goes_deep(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"x")
    top = tmp_path / "top"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _ in range(3000):  # deeper than a path may be, and than Python recurses
        os.mkdir("d", dir_fd=fd)
        os.symlink(str(outside), "link", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    (top / "closed").mkdir(mode=0)
    parent = os.open(tmp_path, os.O_RDONLY)
    assert raze(parent, "top")
    assert raze(parent, "nothing")
    os.close(parent)
    assert os.listdir(tmp_path) == ["outside"]
    assert os.listdir(outside) == ["kept"]


def test_a_tree_enters_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(outside)
    fd = os.open(top, os.O_RDONLY)
    access = Access(mode=0o644, owner=None, mtime=0)
    with Tree(fd) as tree:
        tries: list[Callable[[], None]] = [
            lambda: tree.file("link/f", [b"x"], access),
            lambda: tree.folder("link/d"),
            lambda: tree.symlink("link/s", "x", access),
            lambda: tree.node("link/p", stat.S_IFIFO, (0, 0), access),
            lambda: tree.link("h", "link/kept"),
            lambda: tree.link("h", ".."),
            lambda: tree.settle("link", access),
            lambda: tree.settle("..", access),
            lambda: tree.file("../f", [b"x"], access),
            lambda: tree.folder(".."),
            lambda: tree.folder("a/../.."),
        ]
        for make in tries:
            with pytest.raises(OSError, match=r"directory|links|link") as caught:
                make()
            assert caught.value.errno in (errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.ENOENT)
    os.close(fd)
    assert os.listdir(outside) == []
    assert sorted(os.listdir(tmp_path)) == ["outside", "top"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path, layer(entry("a", b"x"), entry("b", b"x")))
    before = os.write

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DestinationError, match="No space left"):
        export(source, tmp_path / "rootfs")
    monkeypatch.setattr(os, "write", before)
    assert os.listdir(tmp_path) == ["image"]
    assert temporary.remove_all() is None  # type: ignore[func-returns-value]


def test_a_process_of_its_own(tmp_path: Path) -> None:
    source = written(tmp_path, layer(entry("a", b"x")))
    done = process("export", source, "-o", "-")
    assert done.returncode == 0
    assert b"wrote standard output: 1 file" in done.stderr
    (tmp_path / "x.tar").write_bytes(done.stdout)
    with tarfile.open(tmp_path / "x.tar") as tar:
        assert tar.getnames() == ["a"]
