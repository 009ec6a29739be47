"""The walker over zstd frames agrees with libzstd about where a frame ends."""

from __future__ import annotations

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout.streams.codecs.zstdframes import FrameWalker, is_skippable
from tests.streams.packing import zstd

SKIPPABLE = (0x184D2A53).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"


def walked(data: bytes, piece: int) -> FrameWalker:
    walker = FrameWalker()
    for at in range(0, len(data), piece):
        walker.feed(data[at : at + piece])
    return walker


@settings(deadline=None, max_examples=80)
@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    sizes=st.booleans(),
    checksum=st.booleans(),
    level=st.sampled_from([1, 3, 19]),
    piece=st.integers(1, 400),
)
def test_whole_frames_in_any_pieces(
    parts: list[bytes], sizes: bool, checksum: bool, level: int, piece: int
) -> None:
    packer = zstandard.ZstdCompressor(
        level=level, write_content_size=sizes, write_checksum=checksum
    )
    data = b"".join(packer.compress(part) for part in parts)
    walker = walked(data, piece)
    assert walker.complete
    assert (walker.frames, walker.garbage) == (len(parts), False)


@pytest.mark.parametrize("size", [1, 100, 1 << 17, (1 << 18) + 5])
def test_complete_at_the_end_and_nowhere_before(size: int) -> None:
    data = zstd(b"ab" * size)[:400] if size == 1 else zstd(bytes(range(256)) * (size // 256 + 1))
    walker = FrameWalker()
    for at in range(len(data)):
        assert walker.complete == (at == 0)
        walker.feed(data[at : at + 1])
    assert walker.complete


def test_the_window_is_that_of_the_header() -> None:
    for log in (10, 17, 23, 27):
        parameters = zstandard.ZstdCompressionParameters(window_log=log, write_content_size=False)
        packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        data = packer.compress(b"x" * 100) + packer.flush()
        stated = zstandard.get_frame_parameters(data).window_size
        assert walked(data, 1).window == stated


@pytest.mark.parametrize("piece", [1, 5, 100])
def test_garbage_is_told_from_frames(piece: int) -> None:
    walker = walked(zstd(b"x") + b"nothing like a frame", piece)
    assert (walker.garbage, walker.complete) == (True, False)


@pytest.mark.parametrize("piece", [1, 4, 8, 100])
def test_skippable_frames_are_passed_over(piece: int) -> None:
    data = SKIPPABLE + zstd(b"x") + SKIPPABLE
    assert is_skippable(data)
    walker = walked(data, piece)
    assert walker.complete
    assert walker.frames == 1
    assert not walked(data[:-1], piece).complete
