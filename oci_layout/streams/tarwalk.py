"""Walks a tar as it streams by, to know whether it is whole, and of which types its members are."""

from __future__ import annotations

from oci_layout import limits
from oci_layout.streams.tarheader import BLOCK, ZERO, pax_records, pax_size
from oci_layout.streams.tarindex import HEADER_ONLY, member_kind, read_size

# moby pkg/archive/archive.go, containerd archive/tar.go, containers/storage: all others are
# "unhandled tar header type".
_UNPACKED = frozenset({b"\0", *(b"%c" % each for each in b"0123456xgLK")})


class TarWalker:
    """Is told every byte of a tar, and knows whether it came to its end-of-archive marker."""

    def __init__(self) -> None:
        self._pending = b""
        self._skip = 0  # bytes of data and padding until the next header
        self._extended: bytearray | None = None  # a PAX header that is being read
        self._extended_left = 0
        self._size: int | None = None  # what a PAX header says of the next member
        self.refused: set[str] = set()  # types of members that no engine unpacks
        self.ended = False
        self.broken = False

    @property
    def whole(self) -> bool:
        """Whether the end-of-archive marker has been seen, after whole members."""
        return self.ended and not self.broken

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        at = 0
        while at < len(data) and not (self.ended or self.broken):
            if self._skip:
                step = min(self._skip, len(data) - at)
                if self._extended is not None and self._extended_left:
                    taken = min(step, self._extended_left)
                    self._extended += data[at : at + taken]
                    self._extended_left -= taken
                self._skip -= step
                at += step
                continue
            if not self._pending and len(data) - at >= BLOCK:
                self._header(data[at : at + BLOCK])
                at += BLOCK
                continue
            take = BLOCK - len(self._pending)
            self._pending += data[at : at + take]
            at += take
            if len(self._pending) == BLOCK:
                header, self._pending = self._pending, b""
                self._header(header)

    def _header(self, header: bytes) -> None:
        try:
            if self._extended is not None:
                self._size = pax_size(pax_records(bytes(self._extended)))
                self._extended = None
            if header == ZERO:
                self.ended = True
                return
            size = read_size(header)
        except ValueError:
            self.broken = True
            return
        kind = header[156:157]
        if kind not in _UNPACKED:
            self.refused.add(kind.decode("latin-1"))
        if kind == b"x":
            if size > limits.PAX_BYTES:
                self.broken = True
                return
            self._extended, self._extended_left = bytearray(), size
        elif kind not in (b"g", b"L", b"K"):
            size, self._size = self._size if self._size is not None else size, None
            if member_kind(kind) in HEADER_ONLY:
                size = 0
        elif kind == b"g":
            self._size = None  # Go hands it out as a member: what was said before it is gone
        self._skip = -(-size // BLOCK) * BLOCK
