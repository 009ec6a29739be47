"""Frames: packed by zstd at its level 19, against old bytes where there are any."""

from __future__ import annotations

import zstandard

from oci_layout.delta.form import DeltaError

LEVEL = 19
_CHAIN_LOG = 22  # level 19 takes 24: a quarter of the memory for a few parts in a thousand
_HASH_LOG = 20
_MIN_LOG = 10


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
        raise DeltaError(f"a frame holds {len(data)} bytes, its table says {size}")
    return data


def _dictionary(old: bytes) -> zstandard.ZstdCompressionDict | None:
    if len(old) < 8:  # zstd takes no less
        return None
    return zstandard.ZstdCompressionDict(old, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
