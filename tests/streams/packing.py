"""Packed bytes of every kind, and ways to read them, for the tests of this folder."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest
import zstandard

from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import decoded, sniff
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

Pack = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    """One zstd frame with a checksum, as zstd(1) writes it."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACK: dict[Compression, Pack] = {
    Compression.GZIP: lambda data: gzip.compress(data, mtime=0),
    Compression.ZSTD: zstd,
    Compression.BZIP2: bz2.compress,
    Compression.XZ: lzma.compress,
}
EACH = pytest.mark.parametrize("kind", list(PACK), ids=str)


class Bytes:
    """A reader of bytes in pieces of a given size."""

    def __init__(self, data: bytes, piece: int = 1 << 20) -> None:
        self._data, self._piece, self._at = data, piece, 0

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        end = self._at + min(size, self._piece)
        data, self._at = self._data[self._at : end], min(end, len(self._data))
        return data


def pull(reader: Reader, size: int = 1 << 16) -> bytes:
    """All that a reader gives."""
    parts = []
    while data := reader.read(size):
        assert len(data) <= size
        parts.append(data)
    assert reader.read(size) == b""
    return b"".join(parts)


def unpack(data: bytes, kind: Compression, *, piece: int = 1 << 20, size: int = 1 << 16) -> bytes:
    """Unpack bytes of a kind."""
    return pull(decoded(Bytes(data, piece), kind, Where(member="blob")), size)


def sniffed(data: bytes) -> Compression:
    """What the first bytes are taken for."""
    return sniff(data[:512])


def code_of(data: bytes, kind: Compression, **how: int) -> str:
    """The code of the error that unpacking ends in."""
    with pytest.raises(DamagedError) as caught:
        unpack(data, kind, **how)
    assert "blob" in str(caught.value)
    return caught.value.code
