"""Walks a tar as it streams by, to know whether it is whole, and of which types its members are."""

from __future__ import annotations

import os

from oci_layout.streams.tarheader import (
    BLOCK,
    ZERO,
    extended_limit,
    pax_records,
    pax_size,
    text,
)
from oci_layout.streams.tarindex import HEADER_ONLY, member_kind, read_size

_NAME_BYTES = 255  # NAME_MAX: of a file in a folder; a name in a header block alone is shorter
# moby pkg/archive/archive.go, containerd archive/tar.go, containers/storage: all others are
# "unhandled tar header type".
_UNPACKED = frozenset({b"\0", *(b"%c" % each for each in b"0123456xgLK")})
_PLAIN = b"\x000"  # files
_EXTENDED = (b"x", b"g", b"L", b"K")
_BARE = b"123456"  # what has no data, whatever size it states


class TarWalker:
    """Is told every byte of a tar, and knows whether it came to its end-of-archive marker.

    Args:
        strict: whether the checksum of every header is held, as who wants to know whether the tar
            is whole must. Without it usual members are passed over by their sizes.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._usual = not strict  # whether no extended header speaks of the next member
        self._pending = b""
        self._skip = 0  # bytes of data and padding until the next header
        self._padding = 0  # those of them that may be missing at the end
        self._extended: bytearray | None = None  # a PAX header that is being read
        self._extended_left = 0
        self._long = b""  # type of the extended header that is being read
        self._size: int | None = None  # what a PAX header says of the next member
        self._name = ""  # likewise, or a long name of GNU's
        self.refused: set[str] = set()  # what no engine unpacks
        self.ended = False
        self.broken = False

    @property
    def whole(self) -> bool:
        """Whether the end-of-archive marker has been seen, after whole members."""
        return self.ended and not self.broken

    @property
    def torn(self) -> str:
        """What no engine unpacks of a tar that ends here; empty where nothing is wrong.

        Go's archive/tar, Reader.next: neither the end-of-archive marker nor padding need be there.
        """
        if self.broken:
            return "has a header that is none"
        if not self.ended and (self._pending or self._skip > self._padding):
            return "ends inside a file"
        return ""

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
            if self._usual and not self._pending:
                at = self._usual_members(data, at)
            take = BLOCK - len(self._pending)
            self._pending += data[at : at + take]
            at += take
            if len(self._pending) == BLOCK:
                header, self._pending = self._pending, b""
                self._header(header)

    def _usual_members(self, data: bytes, at: int) -> int:
        """Pass over members of which nothing but the size matters; where the next header begins.

        Args:
            data: the bytes.
            at: where a header begins in them.
        """
        end = len(data) - BLOCK
        while at <= end:
            kind = data[at + 156]
            if kind in _PLAIN:
                try:
                    size = int(data[at + 124 : at + 135], 8)
                except ValueError:  # base-256, or the end
                    break
                if size < 0:
                    break
                at += BLOCK - (-size // BLOCK) * BLOCK
            elif kind in _BARE:
                at += BLOCK
            else:
                break
        if at > len(data):
            self._skip, self._padding = at - len(data), -size % BLOCK
            return len(data)
        return at

    def _header(self, header: bytes) -> None:
        try:
            if self._extended is not None:
                self._told(bytes(self._extended))
                self._extended = None
            if header == ZERO:
                self.ended = True
                return
            size = read_size(header)
        except ValueError:
            self.broken = True
            return
        kind = header[156:157]
        if kind in (b"x", b"L"):
            if size > extended_limit(kind):
                self.broken = True
                return
            self._extended, self._extended_left, self._long = bytearray(), size, kind
            self._usual = False
        elif kind not in (b"g", b"K"):
            self._judge(kind)
            size, self._size = self._size if self._size is not None else size, None
            if member_kind(kind) in HEADER_ONLY:
                size = 0
        elif kind == b"g":
            self._size, self._name = None, ""  # Go hands it out as a member of its own
        if kind not in (b"x", b"L", b"K"):
            self._usual = not self._strict
        self._skip = -(-size // BLOCK) * BLOCK
        self._padding = self._skip - size if kind not in _EXTENDED else 0  # those are read whole

    def _told(self, data: bytes) -> None:
        """What an extended header says of the next member; a long name of GNU's counts first."""
        if self._long == b"L":
            self._name = text(data)
            return
        records = pax_records(data)
        self._size = pax_size(records)
        self._name = self._name or records.get("path", "")

    def _judge(self, kind: bytes) -> None:
        """What of a member no engine unpacks; a name in the header block alone is short."""
        name, self._name = self._name, ""
        if kind not in _UNPACKED:
            self.refused.add(f"members of the type {kind.decode('latin-1')!r}")
        if (
            len(name) > _NAME_BYTES
            and max(map(len, map(os.fsencode, name.split("/")))) > _NAME_BYTES
        ):
            self.refused.add(f"a name of more than {_NAME_BYTES} bytes")
