"""The files of a layer: what Python's tarfile and GNU tar say of them too."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.streams.layerfiles import FileType, LayerFile, read_layer
from oci_layout.streams.member import BytesMember
from oci_layout.streams.whiteouts import Whiteout, WhiteoutKind, whiteout
from oci_layout.where import Where
from tests.streams.tars import BLOCK, END, checksummed, member, padded, pax

LAYER = Where(member="layer")
LONG = "d" * 60 + "/" + "e" * 90 + "/" + "f" * 120
FORMS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
TYPES = {
    tarfile.REGTYPE: FileType.FILE,
    tarfile.DIRTYPE: FileType.DIRECTORY,
    tarfile.SYMTYPE: FileType.SYMLINK,
    tarfile.LNKTYPE: FileType.HARDLINK,
    tarfile.CHRTYPE: FileType.CHARACTER,
    tarfile.BLKTYPE: FileType.BLOCK,
    tarfile.FIFOTYPE: FileType.FIFO,
}


class Dribble:
    """Gives a few bytes at a time, as decompressors may."""

    def __init__(self, data: bytes, step: int) -> None:
        self._reader, self._step = io.BytesIO(data), step

    def read(self, size: int, /) -> bytes:
        return self._reader.read(min(size, self._step))


def files(archive: bytes, *, contents: bool = True) -> list[LayerFile]:
    return list(read_layer(BytesMember.of("m", archive).open(), LAYER, contents=contents))


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info


ENTRIES = [
    (entry("etc/", tarfile.DIRTYPE, mode=0o1777, mtime=1), b""),
    (entry("etc/hosts", mode=0o640, uid=5, gid=6, uname="u", gname="g", mtime=1700000000), b"h"),
    (entry("bin/su", mode=0o4755), b"x" * 1000),
    (entry("link", tarfile.SYMTYPE, linkname="../etc/hosts"), b""),
    (entry("hard", tarfile.LNKTYPE, linkname="etc/hosts"), b""),
    (entry("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
    (entry("dev/loop", tarfile.BLKTYPE, devmajor=7, devminor=9), b""),
    (entry("pipe", tarfile.FIFOTYPE), b""),
    (entry("empty"), b""),
    (entry("n" * 100), b"y" * 512),
    (entry("p" * 100 + "/" + "q" * 90), b"z" * 513),
]
LARGE = [
    (entry(LONG, uid=3_000_000, gid=2**31), b"long"),
    (entry("s", tarfile.SYMTYPE, linkname=LONG), b""),
    (entry("t", tarfile.LNKTYPE, linkname=LONG), b""),
    (entry("\u00fcml\u00e4ut \udcff"), b"name"),
]


def built(form: int, entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=form) as tar:
        for info, data in entries:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def by_tarfile(archive: bytes) -> Iterator[LayerFile]:
    """What the standard library makes of the same bytes."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for info in tar:
            regular = info.isreg()
            held = tar.extractfile(info) if regular else None
            yield LayerFile(
                path=info.name,
                type=FileType.FILE if regular else TYPES[info.type],
                mode=info.mode,
                uid=info.uid,
                gid=info.gid,
                uname=info.uname,
                gname=info.gname,
                mtime=int(info.mtime) * 10**9,
                size=info.size if regular else 0,
                linkname=info.linkname if info.issym() or info.islnk() else "",
                device=(info.devmajor, info.devminor) if info.ischr() or info.isblk() else None,
                content=Digest.of(held.read()) if held else None,
            )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_all_that_tarfile_reads(form: int) -> None:
    entries = ENTRIES + (LARGE if form != tarfile.USTAR_FORMAT else [])
    archive = built(form, entries)
    assert files(archive) == list(by_tarfile(archive))
    assert len(files(archive)) == len(entries)


@pytest.mark.parametrize("step", [1, 7, 511, 513])
def test_it_does_not_matter_how_the_bytes_come(step: int) -> None:
    archive = built(tarfile.PAX_FORMAT, ENTRIES + LARGE)
    assert list(read_layer(Dribble(archive, step), LAYER, contents=True)) == files(archive)


def test_contents_are_digested_only_when_asked() -> None:
    archive = built(tarfile.GNU_FORMAT, ENTRIES)
    assert {each.content for each in files(archive, contents=False)} == {None}


def test_pax_times_owners_and_attributes() -> None:
    archive = (
        pax(
            ("mtime", "1700000000.1234567891"),
            ("uid", "4294967294"),
            ("gid", "-2"),
            ("uname", "somebody"),
            ("SCHILY.xattr.user.b", "1=2\n"),
            ("SCHILY.xattr.security.capability", "\x01\x02"),
            ("comment", "none"),
        )
        + member("a")
        + pax(("mtime", "-0.5"), ("path", ""))
        + member("b")
        + END
    )
    first, second = files(archive)
    assert (first.mtime, first.uid, first.gid) == (1700000000_123456789, 4294967294, -2)
    assert first.uname == "somebody"
    assert first.xattrs == (("security.capability", b"\x01\x02"), ("user.b", b"1=2\n"))
    assert (second.path, second.mtime, second.xattrs) == ("b", -500_000_000, ())


def test_numbers_in_base_256() -> None:
    header = bytearray(member("old"))
    header[108:116] = b"\x80" + (3_000_000).to_bytes(7, "big")
    header[136:148] = (-5).to_bytes(12, "big", signed=True)
    (old,) = files(checksummed(bytes(header)) + END)
    assert (old.uid, old.mtime) == (3_000_000, -5 * 10**9)


def test_names_have_one_spelling() -> None:
    names = ["./", "./a", "/b", "c//d/.", "../up", "e/../f"]
    read = files(b"".join(member(name) for name in names) + END)
    assert [each.path for each in read] == [".", "a", "b", "c/d", "../up", "e/../f"]
    (linked,) = files(member("l", kind=b"1", linkname="./a//b") + END)
    assert linked.linkname == "a/b"


def test_only_regular_files_have_data() -> None:
    archive = b"".join(member(kind.decode(), kind=kind, size=700) for kind in (b"1", b"2", b"5"))
    assert [each.size for each in files(archive + member("end", b"x") + END)] == [0, 0, 0, 1]


def test_global_headers_are_passed_over_as_engines_do() -> None:
    archive = pax(("path", "no"), kind=b"g") + member("yes", b"x") + END
    assert [each.path for each in files(archive)] == ["yes"]


def sparse_file(path: Path) -> bytes:
    with path.open("wb") as file:
        for at in range(0, 40 << 16, 2 << 16):  # more extents than the header block has room for
            file.seek(at)
            file.write(b"data at %d" % at)
        file.truncate((40 << 16) + 777)
    return path.read_bytes()


@pytest.mark.skipif(shutil.which("tar") is None, reason="there is no GNU tar")
@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        ["--format=pax", "--sparse-version=0.0"],
        ["--format=pax", "--sparse-version=0.1"],
        ["--format=pax", "--sparse-version=1.0"],
    ],
    ids=" ".join,
)
def test_sparse_files_of_gnu_tar(options: list[str], tmp_path: Path) -> None:
    content = sparse_file(tmp_path / "holes")
    (tmp_path / "after").write_bytes(b"after")
    command = ["tar", *options, "--sparse", "-cf", "s.tar", "holes", "after"]
    subprocess.run(command, cwd=tmp_path, check=True)
    archive = (tmp_path / "s.tar").read_bytes()
    if len(archive) > len(content) // 2:
        pytest.skip("the file system of the test does not keep holes")
    expected = [
        ("holes", FileType.FILE, len(content), Digest.of(content)),
        ("after", FileType.FILE, 5, Digest.of(b"after")),
    ]
    assert [(f.path, f.type, f.size, f.content) for f in files(archive)] == expected
    assert [f.size for f in files(archive, contents=False)] == [len(content), 5]
    for cut in (len(archive) // 2, BLOCK + 3):
        with pytest.raises(DamagedError):
            files(archive[:cut])


def sparse_1_0(real: int, table: bytes, data: bytes = b"") -> bytes:
    records = (("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"))
    body = padded(table) + data
    return pax(*records, ("GNU.sparse.realsize", str(real))) + member("x", body) + END


def test_holes_without_end_are_refused_when_they_would_be_digested() -> None:
    archive = sparse_1_0(1 << 60, b"1\n0\n3\n", b"abc")
    assert [each.size for each in files(archive, contents=False)] == [1 << 60]
    with pytest.raises(DamagedError) as caught:
        files(archive)
    assert caught.value.code == "bomb"


@pytest.mark.parametrize(
    ("real", "table"),
    [
        (10, b"1\n0\n4\n"),  # not the data that is there
        (2, b"1\n0\n3\n"),  # beyond the end
        (90, b"2\n5\n2\n0\n1\n"),  # backwards
        (90, b"1\n0\n"),  # ends too early
        (90, b"x\n"),
        (90, b"9" * 600),
        (90, b"99999999\n"),
    ],
)
def test_maps_of_sparse_files_that_are_none(real: int, table: bytes) -> None:
    with pytest.raises(DamagedError) as caught:
        files(sparse_1_0(real, table, b"abc"))
    assert caught.value.code == "bad-tar-header"


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (b"x" * BLOCK, "bad-tar-header"),
        (member("a") + b"short", "truncated"),
        (member("a", size=9000) + END, "truncated"),
        (member("a", b"x" * 700)[: BLOCK + 600], "truncated"),
        (bytes(BLOCK) + member("a"), "bad-tar-header"),
        (pax(("size", "x")) + member("a") + END, "bad-tar-header"),
        (pax(("mtime", "1.x")) + member("a") + END, "bad-tar-header"),
        (pax(("path", "a\0b")) + member("a") + END, "bad-tar-header"),
        (member("x", kind=b"x", size=limits.PAX_BYTES + 1) + END, "bad-tar-header"),
        (member("L", kind=b"L", size=limits.MEMBER_NAME_BYTES + 1) + END, "bad-tar-header"),
        (member("a", size=b"0000000000z\0") + END, "bad-tar-header"),
        (member("s", kind=b"S", magic=b"ustar\x0000") + END, "bad-tar-header"),
    ],
)
def test_damage_is_told(archive: bytes, code: str) -> None:
    with pytest.raises(DamagedError) as caught:
        files(archive)
    assert caught.value.code == code
    assert caught.value.where.member == "layer"
    assert caught.value.where.offset is not None


@pytest.mark.parametrize("archive", [b"", END, bytes(BLOCK)])
def test_empty_layers(archive: bytes) -> None:
    assert files(archive) == []


def test_an_end_marker_is_not_asked_for_and_what_follows_it_is_read() -> None:
    assert len(files(member("a"))) == 1
    reader = Dribble(member("a") + END + b"x" * 9000, 4096)
    assert len(list(read_layer(reader, LAYER))) == 1
    assert reader.read(1) == b""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("etc/.wh.passwd", Whiteout(WhiteoutKind.FILE, "etc/passwd")),
        (".wh.a", Whiteout(WhiteoutKind.FILE, "a")),
        ("var/lib/.wh..wh..opq", Whiteout(WhiteoutKind.OPAQUE, "var/lib")),
        (".wh..wh..opq", Whiteout(WhiteoutKind.OPAQUE, ".")),
        (".wh..wh.plnk", Whiteout(WhiteoutKind.METADATA, ".wh..wh.plnk")),
        ("a/.wh.", None),
        ("etc/passwd", None),
        (".wh.dir/file", None),
    ],
)
def test_whiteouts(path: str, expected: Whiteout | None) -> None:
    assert whiteout(path) == expected
    (file,) = files(member(path) + END)
    assert file.whiteout == expected


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_damage_makes_it_crash_or_loop(data: st.DataObject) -> None:
    archive = built(tarfile.GNU_FORMAT, ENTRIES[:4] + LARGE) + sparse_1_0(9, b"1\n0\n3\n", b"abc")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(archive) - 1))
        archive = archive[:at] + data.draw(st.binary(max_size=12)) + archive[at + 4 :]
        if data.draw(st.booleans()):  # a checksum that holds, so that more is read
            at -= at % BLOCK
            archive = archive[:at] + checksummed(archive[at : at + BLOCK]) + archive[at + BLOCK :]
    with contextlib.suppress(DamagedError):
        assert all(each.content for each in files(archive) if each.type is FileType.FILE)


def test_many_files_take_no_memory() -> None:
    """What is read is not kept: only the reader's own buffer is."""

    class Endless:
        def __init__(self) -> None:
            self.left = 40_000
            self.block = member("f") * 100

        def read(self, size: int, /) -> bytes:
            self.left -= 100
            return self.block if self.left >= 0 else b""

    tracemalloc.start()
    assert sum(1 for _ in read_layer(Endless(), LAYER)) == 40_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


@pytest.mark.parametrize("value", ["--5", "--5.5", "-+5", "5.-5"])
def test_a_time_has_one_sign(value: str) -> None:
    with pytest.raises(DamagedError):
        files(pax(("mtime", value)) + member("f") + END)


def test_holes_of_all_files_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files just below the bound cost as much as one above it."""
    monkeypatch.setattr("oci_layout.limits.BOMB_BYTES", 3_000_000)
    one = sparse_1_0(1_000_000, b"1\n0\n3\n", b"abc").rstrip(b"\0")
    one += bytes(-len(one) % BLOCK)
    assert len(files(one * 3 + END)) == 3
    with pytest.raises(DamagedError) as caught:
        files(one * 4 + END)
    assert caught.value.code == "bomb"


@pytest.mark.parametrize("key", ["mtime", "uid", "gid"])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("digits", [20, 4_295, 5_000])
def test_a_number_that_go_cannot_hold_is_damage(key: str, sign: str, digits: int) -> None:
    with pytest.raises(DamagedError, match="64 bits") as caught:
        files(pax((key, sign + "9" * digits)) + member("f") + END)
    assert caught.value.code == "bad-tar-header"
