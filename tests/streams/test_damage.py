"""Packed streams that are cut, changed, followed by garbage, or out of all proportion."""

from __future__ import annotations

import gzip
import lzma
import random

import pytest
import zstandard

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import decoded
from oci_layout.streams.growth import Growth
from oci_layout.where import Where
from tests.corrupt import flip_byte
from tests.streams.packing import EACH, PACK, Bytes, code_of, pull, unpack, zstd

BLOB = Where(member="blob")
SMALL = random.Random(3).randbytes(60) + bytes(400) + b"layer" * 30  # noqa: S311  not a secret


@EACH
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_cut_anywhere_is_an_error(kind: Compression, piece: int) -> None:
    packed = PACK[kind](SMALL)
    for size in range(1, len(packed)):
        code = code_of(packed[:size], kind, piece=piece)
        assert code in {"truncated-stream", "corrupt-stream"}, size


@EACH
def test_cut_in_a_second_stream_is_an_error(kind: Compression) -> None:
    one, two = PACK[kind](SMALL), PACK[kind](SMALL[::-1])
    for size in range(1, len(two)):
        code_of(one + two[:size], kind)
    assert unpack(one + two, kind) == SMALL + SMALL[::-1]


@EACH
def test_no_flipped_byte_changes_what_comes_out(kind: Compression) -> None:
    """Checksums cover the data; a byte of the header may say nothing of it."""
    packed = PACK[kind](SMALL)
    errors = 0
    for at in range(len(packed)):
        try:
            assert unpack(flip_byte(packed, at), kind) == SMALL, at
        except DamagedError:
            errors += 1
    assert errors > len(packed) - 12


@pytest.mark.parametrize("at", [-1, -4, -5, -8])
def test_a_wrong_crc_or_length_of_gzip(at: int) -> None:
    assert code_of(flip_byte(gzip.compress(SMALL), at), Compression.GZIP) == "corrupt-stream"
    assert (
        code_of(flip_byte(gzip.compress(SMALL), at) + gzip.compress(b"x"), Compression.GZIP)
        == "corrupt-stream"
    )


def test_a_wrong_checksum_of_zstd() -> None:
    assert code_of(flip_byte(zstd(SMALL)), Compression.ZSTD) == "corrupt-stream"


GARBAGE = [
    b"x",
    b"\0",
    b"garbage!",
    bytes(512),
    bytes(70_000),
    b"\x1f",
    b"\x28\xb5",
    b"BZ",
    b"\xfd7",
]


@EACH
@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda g: f"{g[:4]!r}x{len(g)}")
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_garbage_behind_the_end(kind: Compression, garbage: bytes, piece: int) -> None:
    if kind is Compression.XZ and not garbage.strip(b"\0") and len(garbage) % 4 == 0:
        assert unpack(PACK[kind](SMALL) + garbage, kind, piece=piece) == SMALL  # padding
        return
    code = code_of(PACK[kind](SMALL) + garbage, kind, piece=piece)
    assert code in {"trailing-garbage", "truncated-stream", "corrupt-stream"}
    if len(garbage) >= 6 and piece > 1:
        assert code == "trailing-garbage"


def test_xz_padding_comes_in_fours() -> None:
    """xz-file-format 2.2: a multiple of four bytes."""
    for size in (1, 2, 3, 5):
        code_of(lzma.compress(SMALL) + bytes(size), Compression.XZ)


@EACH
def test_another_kind_behind_the_end_is_garbage(kind: Compression) -> None:
    for other, pack in PACK.items():
        if other is not kind:
            assert code_of(PACK[kind](SMALL) + pack(b"x"), kind) == "trailing-garbage"


@pytest.mark.parametrize("kind", [Compression.GZIP, Compression.BZIP2, Compression.XZ], ids=str)
def test_nothing_at_all_is_no_stream(kind: Compression) -> None:
    assert code_of(b"", kind) == "truncated-stream"


@EACH
def test_a_bomb_is_stopped(kind: Compression) -> None:
    bomb = PACK[kind](bytes(30 << 20))
    assert len(bomb) * limits.BOMB_RATIO < 30 << 20
    reader = decoded(Bytes(bomb), kind, BLOB, growth=Growth(1 << 20))
    got = 0

    def pull_all() -> None:
        nonlocal got
        while data := reader.read(1 << 16):
            got += len(data)

    with pytest.raises(DamagedError) as caught:
        pull_all()
    assert caught.value.code == "bomb"
    assert got < 8 << 20


@EACH
def test_large_or_dense_alone_is_no_bomb(kind: Compression) -> None:
    dense = bytes(1 << 20)
    assert pull(decoded(Bytes(PACK[kind](dense)), kind, BLOB, growth=Growth(2 << 20))) == dense
    noise = random.Random(1).randbytes(1 << 19)  # noqa: S311  not a secret
    assert pull(decoded(Bytes(PACK[kind](noise)), kind, BLOB, growth=Growth(1 << 10))) == noise


@EACH
def test_bombs_count_together(kind: Compression) -> None:
    growth = Growth(4 << 20)
    bomb = PACK[kind](bytes(3 << 20))
    assert len(bytes(3 << 20)) > 2 * limits.BOMB_RATIO * len(bomb)
    assert pull(decoded(Bytes(bomb), kind, Where(member="one"), growth=growth)) == bytes(3 << 20)
    with pytest.raises(DamagedError, match=r"two: .*grown"):
        pull(decoded(Bytes(bomb + PACK[kind](b"x")), kind, Where(member="two"), growth=growth))
    assert pull(decoded(Bytes(PACK[kind](SMALL)), kind, BLOB, growth=growth)) == SMALL


def test_many_empty_streams_end() -> None:
    assert unpack(gzip.compress(b"", mtime=0) * 2000, Compression.GZIP) == b""
    assert unpack(zstd(b"") * 2000, Compression.ZSTD) == b""


def test_a_zstd_window_is_bounded() -> None:
    def packed(log: int) -> bytes:
        parameters = zstandard.ZstdCompressionParameters(
            window_log=log, write_content_size=False, write_checksum=True
        )
        packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        return packer.compress(SMALL * 10) + packer.flush()

    assert limits.UNPACK_MEMORY == 1 << 27
    assert unpack(packed(23), Compression.ZSTD) == SMALL * 10
    assert unpack(packed(27), Compression.ZSTD) == SMALL * 10
    assert code_of(packed(28), Compression.ZSTD) == "zstd-window"
    assert code_of(packed(30), Compression.ZSTD) == "zstd-window"
    growth = Growth(memory=1 << 28)
    assert (
        pull(decoded(Bytes(packed(28)), Compression.ZSTD, Where(member="x"), growth=growth))
        == SMALL * 10
    )


def test_xz_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = lzma.compress(SMALL * 10, preset=9)
    assert unpack(packed, Compression.XZ) == SMALL * 10
    monkeypatch.setattr(limits, "UNPACK_MEMORY", 8 << 20)
    assert code_of(packed, Compression.XZ) == "corrupt-stream"
