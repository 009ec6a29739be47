"""Walks the frames of a zstd stream without decoding them.

libzstd's streaming reader ends quietly where its input ends, so a truncated layer would pass for
a whole one. The frame format (RFC 8878, section 3) says where each frame ends: that is enough.
"""

from __future__ import annotations

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_ID_SIZES = (0, 1, 2, 4)
_CONTENT_SIZES = (0, 2, 4, 8)


def is_skippable(head: bytes) -> bool:
    """Whether these bytes begin a skippable frame (RFC 8878, 3.1.2)."""
    return len(head) >= 4 and int.from_bytes(head[:4], "little") in _SKIPPABLE


def window(head: bytes) -> int:
    """How much memory the first frame of a stream asks for, by the first bytes; 0 if they are few.

    Args:
        head: at least 18 bytes, where there are so many.
    """
    walker = FrameWalker()
    walker.feed(head)
    return walker.window


class FrameWalker:
    """Is told every byte of a stream, and knows whether it may end there."""

    def __init__(self) -> None:
        self._pending = b""
        self._skip = 0  # bytes of a block, checksum or skippable frame still to come
        self._in_frame = False
        self._checksum = 0
        self.frames = 0
        self.window = 0  # the largest window a frame asks for, in bytes
        self.garbage = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self.garbage:
            return
        at, end = 0, len(data)
        while at < end or self._pending:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
                at += step
                if self._skip or at >= end:
                    return
            if self._pending:
                data, at = self._pending + data[at:], 0
                end, self._pending = len(data), b""
            used = self._block(data, at) if self._in_frame else self._header(data, at)
            if self.garbage:
                return
            if not used:
                self._pending = data[at:]
                return
            at += used

    @property
    def complete(self) -> bool:
        """Whether the stream is a whole number of frames so far."""
        return not (self._in_frame or self._skip or self._pending or self.garbage)

    def _block(self, data: bytes, at: int) -> int:
        if len(data) - at < 3:
            return 0
        header = int.from_bytes(data[at : at + 3], "little")
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        self._skip = 1 if kind == 1 else size  # an RLE block stores one byte
        if last:
            self._in_frame = False
            self._skip += self._checksum
        return 3

    def _header(self, data: bytes, at: int) -> int:
        if len(data) - at < 4:
            # A few bytes that cannot begin a frame are garbage, not a frame cut short.
            return 0
        if is_skippable(data[at : at + 4]):
            if len(data) - at < 8:
                return 0
            self._skip = int.from_bytes(data[at + 4 : at + 8], "little")
            return 8
        if data[at : at + 4] != MAGIC:
            self.garbage = True
            return 0
        if len(data) - at < 5:
            return 0
        flags = data[at + 4]
        single = flags >> 5 & 1
        content = _CONTENT_SIZES[flags >> 6] or single
        size = 5 + (not single) + _ID_SIZES[flags & 3] + content
        if len(data) - at < size:
            return 0
        if single:
            window = int.from_bytes(data[at + size - content : at + size], "little")
            window += 256 if content == 2 else 0
        else:
            exponent, mantissa = data[at + 5] >> 3, data[at + 5] & 7
            base = 1 << (10 + exponent)
            window = base + (base >> 3) * mantissa
        self.window = max(self.window, window)
        self._checksum = 4 if flags >> 2 & 1 else 0
        self._in_frame = True
        self.frames += 1
        return size
