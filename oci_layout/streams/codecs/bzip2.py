"""bzip2: read only, as Docker reads layers that are packed so."""

from __future__ import annotations

import bz2

from oci_layout.mediatype import Compression
from oci_layout.streams.codecs.codec import Codec, Guard
from oci_layout.streams.codecs.runs import Kind, Streams
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

# After "BZh" and a level follows a block, or the end of an empty stream.
_NEXT = {b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"}
_KIND = Kind(
    name="bzip2",
    magic=b"BZh",
    new=bz2.BZ2Decompressor,
    broken=(OSError, EOFError, ValueError),
)


def _reader(reader: Reader, guard: Guard, where: Where) -> Reader:
    return Streams(reader, guard, where, _KIND)


CODEC = Codec(
    compression=Compression.BZIP2,
    begins=lambda head: head[:3] == b"BZh" and head[4:10] in _NEXT,
    reader=_reader,
)
