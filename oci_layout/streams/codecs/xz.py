"""xz (xz-file-format.txt): read only, as Docker reads layers that are packed so."""

from __future__ import annotations

import lzma

from oci_layout.mediatype import Compression
from oci_layout.streams.codecs.codec import Codec, Guard
from oci_layout.streams.codecs.runs import Decompressor, Kind, Streams
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

_MAGIC = b"\xfd7zXZ\x00"


def _kind(memory: int) -> Kind:
    def stream() -> Decompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory)

    return Kind(
        name="xz",
        magic=_MAGIC,
        new=stream,
        broken=(lzma.LZMAError, OSError, EOFError, ValueError),
        padding=True,
    )


def _reader(reader: Reader, guard: Guard, where: Where) -> Reader:
    return Streams(reader, guard, where, _kind(guard.memory))


CODEC = Codec(
    compression=Compression.XZ,
    begins=lambda head: head[:6] == _MAGIC,
    reader=_reader,
)
