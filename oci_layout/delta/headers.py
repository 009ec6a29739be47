"""Header blocks without the two fields that change where nothing else does.

A rebuild gives every file another time, and so another checksum. Both are taken out of a header:
the times go into a stream of their own, and the checksum is computed anew (POSIX ustar, "chksum").
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from oci_layout.streams.tarheader import BLOCK

TIME = 12  # bytes of the field mtime
_TIME_AT, _SUM_AT, _AFTER = 136, 148, 156
_MARK = b"\xff" * (_AFTER - _SUM_AT)  # in the place of a checksum: the block was blanked
_BLANK = bytes(TIME) + _MARK
_SPACES = 8 * 32 - sum(_MARK)


def _checksum(without: bytes) -> bytes:
    """The checksum of a blanked block with its time, as nearly all writers write it.

    The lower half of an Adler-32 is one and the sum of the bytes, below 65521.
    """
    total = (zlib.adler32(without[:256]) & 0xFFFF) + (zlib.adler32(without[256:]) & 0xFFFF) - 2
    return b"%06o\0 " % (total + _SPACES)


def blank(blocks: bytes) -> tuple[bytes, bytes]:
    """Take the times and checksums out of header blocks; blocks of another sort stay.

    Args:
        blocks: any bytes; what is no whole block stays, too.

    Returns:
        The blocks, as long as they were, and the times that were taken out.
    """
    kept, times = [], []
    for at in range(0, len(blocks), BLOCK):
        block = blocks[at : at + BLOCK]
        if block[257:262] == b"ustar" and len(block) == BLOCK:
            bare = block[:_SUM_AT] + _MARK + block[_AFTER:]
            if _checksum(bare) == block[_SUM_AT:_AFTER]:
                times.append(block[_TIME_AT:_SUM_AT])
                block = block[:_TIME_AT] + _BLANK + block[_AFTER:]
        kept.append(block)
    return b"".join(kept), b"".join(times)


def fill(blocks: bytes, take: Callable[[int], bytes]) -> bytes:
    """Put times and checksums back.

    Args:
        blocks: blanked; any bytes.
        take: gives the next bytes of the times.
    """
    if _MARK not in blocks:
        return blocks
    made = []
    for at in range(0, len(blocks), BLOCK):
        block = blocks[at : at + BLOCK]
        if block[_SUM_AT:_AFTER] == _MARK:
            bare = block[:_TIME_AT] + take(TIME) + block[_SUM_AT:]
            block = bare[:_SUM_AT] + _checksum(bare) + bare[_AFTER:]
        made.append(block)
    return b"".join(made)


def reversible(blocks: bytes) -> bool:
    """Whether ``fill`` brings back what ``blank`` was given: no block looks blanked already."""
    return len(blocks) % BLOCK == 0 and all(
        blocks[at + _SUM_AT : at + _AFTER] != _MARK for at in range(0, len(blocks), BLOCK)
    )
