"""Headers that are written are read back by another reader, and by our own."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from oci_layout.streams import tarwrite
from oci_layout.streams.tarindex import MemberType
from tests.streams.tars import scan

SHA512 = "blobs/sha512/" + "0123456789abcdef" * 8
SIZES = [0, 1, 511, 512, 513, 8**11 - 1, 8**11, 8 << 30, (8 << 30) - 1, 10 << 40]


def parsed(header: bytes) -> tarfile.TarInfo:
    """What tarfile makes of a header whose data is not there."""
    blocks = io.BytesIO(header)
    with tarfile.open(fileobj=io.BytesIO(bytes(1024))) as archive:
        archive.fileobj = blocks  # TarInfo reads from there
        archive.offset = 0
        return tarfile.TarInfo.fromtarfile(archive)


@pytest.mark.parametrize(
    "name", ["oci-layout", "blobs/sha256/" + "0" * 64, SHA512, "n" * 100, "n" * 101]
)
@pytest.mark.parametrize("size", SIZES)
def test_names_and_sizes_come_back(name: str, size: int) -> None:
    header = tarwrite.header(name, size)
    assert len(header) % tarwrite.BLOCK == 0
    info = parsed(header)
    assert (info.name, info.size, info.type) == (name, size, tarfile.REGTYPE)
    assert (info.mode, info.uid, info.gid, info.mtime) == (0o644, 0, 0, 0)
    assert (info.uname, info.gname) == ("", "")


def test_short_names_and_sizes_need_no_extension() -> None:
    assert len(tarwrite.header("n" * 100, 8**11 - 1)) == tarwrite.BLOCK
    assert len(tarwrite.header("n" * 101, 1)) == 3 * tarwrite.BLOCK


def test_a_whole_archive_by_two_readers(tmp_path: Path) -> None:
    files = {"oci-layout": b"{}", SHA512: b"x" * 700, "empty": b"", "b" * 100: b"y" * 512}
    raw = b"".join(
        tarwrite.header(name, len(data)) + data + bytes(tarwrite.padding(len(data)))
        for name, data in files.items()
    )
    raw += tarwrite.END
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        read = {}
        for info in archive:
            data = archive.extractfile(info)
            assert data is not None
            read[info.name] = data.read()
    assert read == files
    members, findings = scan(raw, tmp_path)
    assert not findings.found
    assert {each.name: raw[each.offset : each.offset + each.size] for each in members} == files
    assert all(each.type is MemberType.FILE for each in members)


def test_a_large_member_is_read_back_by_our_own(tmp_path: Path) -> None:
    size = (8 << 30) + 1
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        file.write(tarwrite.header(SHA512, size))
        file.seek(size + tarwrite.padding(size), 1)
        file.write(tarwrite.END)
    members, findings = scan(path, tmp_path)
    assert not findings.found
    assert [(each.name, each.size) for each in members] == [(SHA512, size)]
    with tarfile.open(path, "r:") as archive:
        assert [(info.name, info.size) for info in archive] == [(SHA512, size)]
