"""Unpacking: sniffed by the first bytes, bounded, strict about how a stream ends."""

from __future__ import annotations

from oci_layout.mediatype import Compression
from oci_layout.streams.codecs import BY_NAME, CODECS
from oci_layout.streams.codecs.codec import Guard
from oci_layout.streams.growth import Growth
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

SNIFF_BYTES = 512


def sniff(head: bytes) -> Compression:
    """How bytes are packed, by their beginning.

    Args:
        head: the first 512 bytes, fewer only where there are no more.
    """
    if head[257:262] == b"ustar":  # a tar may begin with a file called BZh9...
        return Compression.NONE
    for codec in CODECS:
        if codec.begins(head):
            return codec.compression
    return Compression.NONE


def decoded(
    reader: Reader,
    compression: Compression,
    where: Where,
    *,
    growth: Growth | None = None,
    guard: Guard | None = None,
) -> Reader:
    """A reader of the unpacked bytes; its end is reached only if the packed bytes are whole.

    Args:
        reader: the packed bytes; read to their end by the time the result is.
        compression: what ``sniff`` said.
        where: the place, for messages.
        growth: what this and other readers may grow to; None for one of its own.
        guard: bounds it; None for one of its own.

    Raises:
        DamagedError: while reading: ``corrupt-stream``, ``truncated-stream``,
            ``trailing-garbage``, ``zstd-window``, ``bomb``.
    """
    if compression is Compression.NONE:
        return reader
    guard = guard or Guard(where, growth or Growth())
    return BY_NAME[compression].reader(reader, guard, where)
