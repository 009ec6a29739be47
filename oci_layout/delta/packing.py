"""Frames: packed by zstd at its level 19, against old bytes where there are any.

Bytes that are like no old ones go into one stream through all segments, so that far parts of a tar
can be told by each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, cast

import zstandard

from oci_layout.counting import plural
from oci_layout.delta.form import DeltaError

LEVEL = 19
_CHAIN_LOG = 22  # level 19 takes 24: a quarter of the memory for a few parts in a thousand
_HASH_LOG = 20
_MIN_LOG = 10
_STREAM_LOG = 24  # the window of the stream of new bytes, with long-distance matching


def pack(data: bytes, old: bytes = b"") -> bytes:
    """One zstd frame.

    Args:
        data: what is in it.
        old: what it may refer to, raw; the nearest to its end is the cheapest to refer to.
    """
    log = max(_MIN_LOG, (len(data) + len(old)).bit_length())
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        source_size=len(data) + len(old),
        window_log=log,
        chain_log=min(_CHAIN_LOG, log + 1),
        hash_log=min(_HASH_LOG, log),
        write_checksum=False,
        write_content_size=True,
        write_dict_id=False,
    )
    return zstandard.ZstdCompressor(
        compression_params=parameters, dict_data=_dictionary(old)
    ).compress(data)


def unpack(frame: bytes, size: int, old: bytes = b"") -> bytes:
    """What is in a frame.

    Args:
        frame: its bytes.
        size: of what is in it; nothing of another size is unpacked.
        old: what it refers to.

    Raises:
        DeltaError: it is no such frame.
    """
    try:
        stated = zstandard.frame_content_size(frame)
        if stated != size:
            raise DeltaError(f"a frame holds {stated} bytes, its table says {size}")
        data = zstandard.ZstdDecompressor(dict_data=_dictionary(old)).decompress(
            frame, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise DeltaError(f"a frame cannot be unpacked: {error}") from error
    if len(data) != size:
        raise DeltaError(f"a frame holds {plural(len(data), 'byte')}, its table says {size}")
    return data


def _dictionary(old: bytes) -> zstandard.ZstdCompressionDict | None:
    if len(old) < 8:  # zstd takes no less
        return None
    return zstandard.ZstdCompressionDict(old, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


class NewBytes:
    """Packs the stream of new bytes, one part after the other."""

    def __init__(self) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            LEVEL,
            window_log=_STREAM_LOG,
            chain_log=_CHAIN_LOG,
            hash_log=_HASH_LOG,
            enable_ldm=True,
            write_checksum=False,
            write_content_size=False,
        )
        self._parameters = parameters
        self._packer: zstandard.ZstdCompressionObj | None = None

    def pack(self, data: bytes) -> bytes:
        """The next part: with it and those before it, all of its bytes can be unpacked."""
        if self._packer is None:
            self._packer = zstandard.ZstdCompressor(
                compression_params=self._parameters
            ).compressobj()
        packed = self._packer.compress(data)
        return packed + self._packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


class NewBytesReader:
    """Unpacks the stream of new bytes.

    Args:
        more: gives the packed bytes of the next part; empty at the end.
    """

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more, self._rest = more, b""
        self._end = _LAST_BLOCK
        # A part that grows beyond all measure is unpacked no further than it is asked for.
        self._reader = zstandard.ZstdDecompressor(max_window_size=1 << _STREAM_LOG).stream_reader(
            cast("IO[bytes]", self), read_size=_READ
        )

    def read(self, size: int, /) -> bytes:
        """Packed bytes, for the unpacker."""
        if not self._rest:
            self._rest = self._more()
            if not self._rest:
                self._rest, self._end = self._end, b""
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def take(self, size: int) -> bytes:
        """The next unpacked bytes.

        Raises:
            DeltaError: there are fewer, or the stream is damaged.
        """
        pieces, left = [], size
        try:
            while left and (data := self._reader.read(left)):
                pieces.append(data)
                left -= len(data)
        except zstandard.ZstdError as error:
            raise DeltaError(f"the stream of new bytes cannot be unpacked: {error}") from error
        if left:
            raise DeltaError("the stream of new bytes ends too early")
        return b"".join(pieces)


_READ = 128 << 10
_LAST_BLOCK = b"\x01\0\0"  # RFC 8878, 3.1.1.2: an empty one; nobody writes it into a delta
