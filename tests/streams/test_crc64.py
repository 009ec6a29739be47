"""CRC-64 on long integers against the same byte by byte."""

from __future__ import annotations

import random

import pytest

from oci_layout.streams.crc64 import Crc64
from tests.builders.dockerroot import crc64


def test_known_value() -> None:
    """The catalogue of parametrised CRC algorithms has this as the check of CRC-64/GO-ISO."""
    crc = Crc64()
    crc.feed(b"123456789")
    assert crc.digest().hex() == "b90956c775a41001"


@pytest.mark.parametrize(
    "size", [0, 1, 7, 8, 9, 63, 64, 65, 127, 1000, 15863, 15864, 15865, 31728, 50_001]
)
def test_any_size_in_any_pieces(size: int) -> None:
    rng = random.Random(size)  # noqa: S311  bytes of a test
    data = rng.randbytes(size)
    whole, pieces = Crc64(), Crc64()
    whole.feed(data)
    at = 0
    while at < size:
        step = rng.randint(1, 1 + size // 3)
        pieces.feed(data[at : at + step])
        at += step
    assert whole.digest() == pieces.digest() == crc64(data)


def test_a_flipped_bit_shows() -> None:
    data = bytearray(20_000)
    clean = crc64(bytes(data))
    for at in (0, 9_999, 19_999):
        data[at] ^= 0x80
        crc = Crc64()
        crc.feed(bytes(data))
        assert crc.digest() != clean
        data[at] ^= 0x80
