"""Times in the headers of a tar, none of them after another one; all else of the tar as it was.

A time that is kept keeps its bytes. One that is after the latest becomes the latest, in the header
block and without a fraction: a PAX record of it goes, and with its last record the PAX header, so
that two builds of one file come to the same bytes. Times of access and change, which have no place
in a usual header block, stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from oci_layout.errors import DamagedError
from oci_layout.streams.reader import Reader
from oci_layout.streams.tarheader import (
    BLOCK,
    ZERO,
    Format,
    checksum_holds,
    decimal,
    extended_limit,
    format_of,
    pax_fields,
    pax_pairs,
    pax_size,
    signed_number,
)
from oci_layout.streams.tarindex import HEADER_ONLY, member_kind, read_size
from oci_layout.where import Where

_CHUNK = 256 << 10  # bytes of a member's data that pass at a time
_MTIME = (136, 148)
_SUM = slice(148, 156)
_DIGITS = re.compile(rb"( *)([0-7]+)(.*)", re.DOTALL)
_GNU_TIMES = ((345, 357), (357, 369))  # of access, of change
_STAR_TIMES = ((476, 488), (488, 500))
_TIMES = ("mtime", "atime", "ctime")
_SPARSE_MORE, _EXTENSION_MORE = 482, 504  # whether a block of GNU's sparse map follows


class Clamping:
    """A tar that is read through it has no time after the latest.

    Args:
        reader: the tar.
        latest: seconds since 1970, that eleven octal digits hold.
        where: the layer, for messages.
    """

    def __init__(self, reader: Reader, latest: int, where: Where) -> None:
        self._reader, self._latest, self._where = reader, latest, where
        self.changed = False
        self._fraction = False  # whether a record of the next member's time has gone
        self._bytes = self._passed()
        self._held = b""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        while not self._held:
            data = next(self._bytes, None)
            if data is None:
                return b""
            self._held = data
        data, self._held = self._held[:size], self._held[size:]
        return data

    def _exactly(self, size: int) -> bytes:
        """So many bytes, or what is left of a tar that was cut."""
        data = self._reader.read(size)
        if len(data) == size or not data:
            return data
        pieces, left = [data], size - len(data)
        while left and (data := self._reader.read(left)):
            pieces.append(data)
            left -= len(data)
        return b"".join(pieces)

    def _data(self, size: int) -> Iterator[bytes]:
        left = -(-size // BLOCK) * BLOCK
        while left and (data := self._reader.read(min(left, _CHUNK))):
            left -= len(data)
            yield data

    def _passed(self) -> Iterator[bytes]:
        stated: int | None = None  # what a PAX header says of the next member's size
        while True:
            header = self._exactly(BLOCK)
            if len(header) < BLOCK or header == ZERO:
                yield header
                while data := self._reader.read(_CHUNK):
                    yield data
                return
            try:
                size = read_size(header)
                kind = header[156:157]
                if kind in (b"x", b"g"):
                    pieces, told = self._extended(header, size, kind)
                    stated = told if kind == b"x" else None
                    yield from pieces
                    continue
                if self._fraction and kind not in (b"L", b"K"):
                    header, self._fraction = _with(header, _MTIME, self._latest), False
                new = self._block(header)
            except ValueError as error:
                raise DamagedError(
                    what=f"a header that cannot be edited: {error}",
                    where=self._where,
                    code="layer-member",
                ) from error
            yield new
            if kind in (b"L", b"K"):
                yield from self._data(size)
                continue
            size, stated = stated if stated is not None else size, None
            if kind == b"S" and format_of(header) is Format.GNU:
                more = header[_SPARSE_MORE]
                while more and len(block := self._exactly(BLOCK)) == BLOCK:
                    yield block
                    more = block[_EXTENSION_MORE]
            yield from self._data(0 if member_kind(kind) in HEADER_ONLY else size)

    def _extended(self, header: bytes, size: int, kind: bytes) -> tuple[list[bytes], int | None]:
        """A PAX header, and the size that it states; without its records of times that go."""
        if size > extended_limit(kind):
            raise ValueError("a PAX header of too many bytes")
        data = self._exactly(-(-size // BLOCK) * BLOCK)
        pairs = pax_pairs(data[:size])
        told = pax_size(pax_fields(pairs))
        kept = [
            (key, self._clamped_text(value) if key in _TIMES else value) for key, value in pairs
        ]
        if kept == pairs:
            return [self._block(header), data], told
        self.changed = True
        left = kept
        if kind == b"x":
            left = [each for each in kept if each[0] != "mtime" or each in pairs]
            self._fraction = len(left) < len(kept)
        if not left:
            return [], told
        records = b"".join(_record(key, value) for key, value in left)
        padded = records + bytes(-len(records) % BLOCK)
        return [self._block(_with(header, (124, 136), len(records))), padded], told

    def _clamped_text(self, value: str) -> str:
        """A time of a PAX record, which may have a fraction and a sign."""
        if not value or value.startswith("-"):
            return value
        whole, _, fraction = value.partition(".")
        seconds = decimal(whole)
        late = seconds > self._latest or (seconds == self._latest and bool(fraction.strip("0")))
        return str(self._latest) if late else value

    def _block(self, header: bytes) -> bytes:
        """A header block, none of whose times is after the latest."""
        form = format_of(header)
        fields = [_MTIME]
        if form is Format.STAR:
            fields += _STAR_TIMES
        elif form is Format.GNU:
            fields += [field for field in _GNU_TIMES if _is_number(header[slice(*field)])]
        new = header
        for field in fields:
            if signed_number(header[slice(*field)]) > self._latest:
                new = _with(new, field, self._latest)
        if new != header:
            if not checksum_holds(header):
                raise ValueError("a wrong checksum")
            self.changed = True
        return new


def late(reader: Reader, latest: int, where: Where) -> bool:
    """Whether some time of a tar is after the latest; all of it is read.

    Args:
        reader: the tar.
        latest: seconds since 1970.
        where: the layer, for messages.
    """
    clamping = Clamping(reader, latest, where)
    while clamping.read(_CHUNK):
        pass
    return clamping.changed


def _is_number(field: bytes) -> bool:
    try:
        return signed_number(field) is not None
    except ValueError:
        return False


def _with(header: bytes, field: tuple[int, int], value: int) -> bytes:
    """A header with another number in a field, and the checksum that goes with it."""
    begin, end = field
    old = header[begin:end]
    last = old[-1:] if old[-1:] in (b" ", b"\0") and not old[0] & 0x80 else b"\0"
    new = b"%0*o" % (end - begin - 1, value) + last
    match = _DIGITS.fullmatch(header[_SUM])
    if match is None:
        raise ValueError("a checksum that is no number")
    total = int(match[2], 8) - sum(old) + sum(new)
    width = len(match[1]) + len(match[2])
    digits = (b"%o" % total).rjust(len(match[2]), b"0").rjust(width, b" ")
    changed = header[:begin] + new + header[end:]
    return changed[: _SUM.start] + digits + match[3] + changed[_SUM.stop :]


def _record(key: str, value: str) -> bytes:
    """A PAX record, whose length counts its own digits."""
    body = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    size = len(body) + 1
    while len(body) + len(str(size)) != size:
        size = len(body) + len(str(size))
    return str(size).encode() + body
