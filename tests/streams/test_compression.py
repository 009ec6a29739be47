"""Unpacking: every kind comes back whole, in however many pieces and streams it was packed."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import random
import weakref
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout.mediatype import Compression
from oci_layout.streams.compression import decoded
from oci_layout.where import Where
from tests.builders import layer_tar
from tests.streams.packing import EACH, PACK, Bytes, sniffed, unpack, zstd

NOISE = random.Random(7).randbytes(300_000)  # noqa: S311  the same noise each time
DATA = NOISE + b"text " * 60_000 + bytes(200_000)


@EACH
@pytest.mark.parametrize("data", [b"", b"x", DATA], ids=["empty", "one", "large"])
@pytest.mark.parametrize("piece", [7, 65_537, 1 << 20])
def test_round_trip(kind: Compression, data: bytes, piece: int) -> None:
    if piece == 7:
        data = data[-50_000:]
    packed = PACK[kind](data)
    assert sniffed(packed) is kind
    assert unpack(packed, kind, piece=piece) == data


@EACH
def test_read_in_small_bites(kind: Compression) -> None:
    data = NOISE[:3000] + bytes(3000)
    assert unpack(PACK[kind](data), kind, size=100) == data


@EACH
@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
def test_several_streams_are_one(kind: Compression, piece: int) -> None:
    parts = [b"one" * 100, b"", b"two" * 200, NOISE[:5000]]
    packed = b"".join(PACK[kind](part) for part in parts)
    assert unpack(packed, kind, piece=piece) == b"".join(parts)


@EACH
def test_what_is_read_is_freed(kind: Compression) -> None:
    """A window of zstd is megabytes, and a cycle through its reader is never freed."""
    source = io.BytesIO(PACK[kind](DATA))
    seen, reader = weakref.ref(source), decoded(source, kind, Where(member="x"))
    while reader.read(1 << 20):
        pass
    del source, reader
    gc.collect()
    assert seen() is None


@settings(deadline=None, max_examples=60)
@given(
    kind=st.sampled_from(list(PACK)),
    parts=st.lists(st.binary(max_size=400), min_size=1, max_size=4),
    piece=st.integers(1, 50),
)
def test_any_bytes_come_back(kind: Compression, parts: list[bytes], piece: int) -> None:
    packed = b"".join(PACK[kind](part) for part in parts)
    assert unpack(packed, kind, piece=piece) == b"".join(parts)


def test_raw_bytes_pass_unchanged() -> None:
    reader = Bytes(DATA)
    assert decoded(reader, Compression.NONE, Where(member="blob")) is reader


def test_a_gzip_header_with_every_field() -> None:
    out = io.BytesIO()
    with gzip.GzipFile("a name", "wb", fileobj=out, mtime=1_700_000_000) as file:
        file.write(DATA)
    assert unpack(out.getvalue(), Compression.GZIP) == DATA
    extra, name, comment = b"\x04\x00abcd", b"n\0", b"c\0"
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + extra + name + comment
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    member = header + gzip.compress(DATA, mtime=0)[10:]
    assert unpack(member, Compression.GZIP) == DATA


def test_zstd_frames_with_and_without_size_and_checksum() -> None:
    parts = []
    for size, checksum in ((True, True), (True, False), (False, True), (False, False)):
        packer = zstandard.ZstdCompressor(write_content_size=size, write_checksum=checksum)
        parts.append(packer.compress(NOISE[:1000] + bytes(200_000)))
    assert unpack(b"".join(parts), Compression.ZSTD) == (NOISE[:1000] + bytes(200_000)) * 4


@pytest.mark.parametrize("number", [0, 1, 15])
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_zstd_skippable_frames_hold_nothing(number: int, piece: int) -> None:
    skippable = (0x184D2A50 + number).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"table"
    empty = (0x184D2A50 + number).to_bytes(4, "little") + bytes(4)
    packed = skippable + zstd(b"one") + empty + skippable + zstd(b"two") + skippable
    assert sniffed(packed) is Compression.ZSTD
    assert unpack(packed, Compression.ZSTD, piece=piece) == b"onetwo"


def test_xz_streams_may_be_padded() -> None:
    packed = lzma.compress(b"one") + bytes(8) + lzma.compress(b"two") + bytes(4)
    assert unpack(packed, Compression.XZ) == b"onetwo"


@pytest.mark.parametrize("check", [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_SHA256])
def test_xz_checks(check: int) -> None:
    assert unpack(lzma.compress(DATA, check=check), Compression.XZ) == DATA


TAR = layer_tar({"a": b"x"})


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", Compression.NONE),
        (b"\x1f", Compression.NONE),
        (b"\x1f\x8b", Compression.NONE),
        (b"\x1f\x8b\x07", Compression.NONE),  # not deflate
        (b"BZh9", Compression.NONE),
        (b"BZhello world", Compression.NONE),
        (b"\xfd7zXZ", Compression.NONE),
        (b"\x28\xb5\x2f", Compression.NONE),
        (b'{"json": 1}', Compression.NONE),
        (bytes(512), Compression.NONE),
        (TAR[:512], Compression.NONE),
        (gzip.compress(b"", mtime=0), Compression.GZIP),
        (bz2.compress(b""), Compression.BZIP2),
        (bz2.compress(b"x", 1), Compression.BZIP2),
        (lzma.compress(b""), Compression.XZ),
        (zstd(b""), Compression.ZSTD),
    ],
)
def test_sniffing(head: bytes, kind: Compression) -> None:
    assert sniffed(head) is kind


@pytest.mark.parametrize(
    "name", ["BZh91AY&SYfile", "\x1f\x08name", "\x28file", "(\x35/name", "\x50*M\x18x"]
)
def test_a_tar_may_begin_with_a_name_like_a_magic(name: str) -> None:
    assert sniffed(layer_tar({name: b"data"})) is Compression.NONE


@pytest.mark.parametrize("kind", list(PACK), ids=str)
def test_a_tar_header_behind_a_magic_is_a_tar(kind: Compression) -> None:
    magic = PACK[kind](b"data")[:10]
    assert sniffed(magic + TAR[10:512]) is Compression.NONE
