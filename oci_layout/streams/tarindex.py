"""Where each member of a tar lies: one pass over the headers, no data read, everything bounded.

POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar "Basic Tar Format" for long names and
base-256 numbers.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings, Where
from oci_layout.streams.reader import HeldFile

BLOCK = 512
_ZERO = bytes(BLOCK)
_WINDOW = 64 << 10


class MemberType(enum.Enum):
    """What a member is, as far as an image archive cares."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hard link"
    SPECIAL = "special"


_TYPES = {
    b"\0": MemberType.FILE,
    b"0": MemberType.FILE,
    b"7": MemberType.FILE,
    b"1": MemberType.HARDLINK,
    b"2": MemberType.SYMLINK,
    b"5": MemberType.DIRECTORY,
}


@attrs.frozen
class TarMember:
    """One member as its headers tell it.

    Args:
        name: as written.
        type: what it is.
        size: bytes of data.
        offset: where its data begins in the file.
        header: where its headers begin.
        linkname: what a link points at, as written.
    """

    name: str
    type: MemberType
    size: int
    offset: int
    header: int
    linkname: str = ""


class _Window:
    """Reads small stretches of a file through one buffer."""

    def __init__(self, file: HeldFile) -> None:
        self._file, self._start, self._data = file, 0, b""

    def get(self, offset: int, size: int) -> bytes:
        begin = offset - self._start
        if begin < 0 or begin + size > len(self._data):
            self._start, begin = offset, 0
            self._data = self._file.pread(max(size, _WINDOW), offset)
        return self._data[begin : begin + size]


def looks_like_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a tar header (or the end of an empty tar)."""
    if len(head) < BLOCK:
        return False
    return head[:BLOCK] == _ZERO or _checksum_holds(head[:BLOCK])


def _checksum_holds(header: bytes) -> bool:
    try:
        stated = _octal(header[148:156])
    except ValueError:
        return False
    plain = sum(header) - sum(header[148:156]) + 8 * 32
    if stated == plain:
        return True
    # Some old writers summed signed characters.
    signed = sum(b - 256 if b > 127 else b for b in header[:148] + header[156:]) + 8 * 32
    return stated == signed


def read_size(header: bytes) -> int:
    """The size that a header states.

    Raises:
        ValueError: its checksum does not hold, or the size is no number.
    """
    if not _checksum_holds(header):
        raise ValueError("the checksum of a tar header does not hold")
    return _octal(header[124:136])


def member_kind(kind: bytes) -> MemberType:
    """What a member is, by the type flag of its header."""
    return _TYPES.get(kind, MemberType.SPECIAL)


def pax_size(data: bytes) -> int | None:
    """The size that a PAX header gives the next member; None when it gives none.

    Raises:
        ValueError: not a PAX header.
    """
    text = _pax(data).get("size")
    return None if text is None else int(text)


def _octal(field: bytes) -> int:
    """A number of a header: octal, or base-256 (GNU) when the first bit is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40:
            raise ValueError("a negative number")
        return value
    text = field.split(b"\0", 1)[0].strip(b" ")
    if not text:
        return 0
    if not all(48 <= digit <= 55 for digit in text):
        raise ValueError(f"{text!r} is not an octal number")
    return int(text, 8)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _pax(data: bytes) -> dict[str, str]:
    """The records of a PAX header: ``LENGTH KEY=VALUE`` and a newline, each."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        if space < 0 or not data[at:space].isdigit():
            if not data[at:].strip(b"\0"):
                break
            raise ValueError("a record without a length")
        end = at + int(data[at:space])
        if end > len(data) or end <= space + 1 or data[end - 1 : end] != b"\n":
            raise ValueError("a record with a wrong length")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals:
            raise ValueError("a record without a value")
        records[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        at = end
    return records


@attrs.define
class _Pending:
    """What extended headers say about the member that follows."""

    start: int = -1
    name: str | None = None
    linkname: str | None = None
    size: int | None = None
    sparse: bool = False

    def take_pax(self, records: dict[str, str]) -> None:
        self.name = records.get("path", self.name)
        self.linkname = records.get("linkpath", self.linkname)
        if "size" in records:
            text = records["size"]
            if not (text.isascii() and text.isdigit()):
                raise ValueError(f"size {text[:40]!r}")
            self.size = int(text)
        self.sparse = self.sparse or any(key.startswith("GNU.sparse.") for key in records)


class TarScanner:
    """Iterates over the members of a tar.

    Args:
        file: the archive.
        findings: told what is wrong or odd.
        start: offset of the archive in the file, bytes.
        end: offset at which it ends; None for the end of the file.
    """

    def __init__(
        self, file: HeldFile, findings: Findings, *, start: int = 0, end: int | None = None
    ) -> None:
        self._file, self._findings = file, findings
        self._window = _Window(file)
        self._at = start
        self._end = file.size if end is None else end
        self._pending = _Pending()
        self._count = 0

    def __iter__(self) -> Iterator[TarMember]:
        while (header := self._header()) is not None:
            try:
                member = self._member(header)
            except ValueError as error:
                self._findings.error("bad-tar-header", str(error), self._where())
                return  # where the next header would be is unknown
            if member is not None:
                yield member

    def _where(self, member: str = "") -> Where:
        return Where(member=member or self._file.path, offset=self._at)

    def _header(self) -> bytes | None:
        """The next header block; None at the end, which is judged here."""
        left = self._end - self._at
        header = self._window.get(self._at, min(BLOCK, max(0, left)))
        if len(header) == BLOCK and header != _ZERO:
            if not _checksum_holds(header):
                self._findings.error(
                    "bad-tar-header", "the checksum of a tar header does not hold", self._where()
                )
                return None
            return header
        if self._pending.start >= 0:
            self._findings.error(
                "truncated", "the archive ends after an extended header", self._where()
            )
        elif len(header) < BLOCK and header.strip(b"\0"):
            self._findings.error("truncated", "the archive ends inside a tar header", self._where())
        elif len(header) < BLOCK or not self._second_zero():
            self._findings.warning(
                "no-end-marker",
                "the archive has no end-of-archive marker; it may have been cut short",
                self._where(),
                "compare its size with the original's",
            )
        return None

    def _second_zero(self) -> bool:
        second = self._window.get(self._at + BLOCK, BLOCK) if self._end > self._at + BLOCK else b""
        if second.strip(b"\0"):
            self._findings.error(
                "bad-tar-header",
                "a zero block stands between two members: readers disagree whether the "
                "archive ends there",
                self._where(),
            )
            return True
        if len(second) < BLOCK:
            return False
        tail_at = self._at + 2 * BLOCK
        tail = self._file.pread(min(limits.CHUNK, max(0, self._end - tail_at)), tail_at)
        if tail.strip(b"\0"):
            self._findings.warning(
                "trailing-data",
                "data follows the end-of-archive marker; no reader sees it",
                Where(member=self._file.path, offset=tail_at),
            )
        return True

    def _member(self, header: bytes) -> TarMember | None:
        """The member a header begins; None for an extended header."""
        start = self._at
        kind = header[156:157]
        size = _octal(header[124:136])
        if kind in {b"x", b"L", b"K", b"g"}:
            self._extend(kind, size, start)
            return None
        self._count += 1
        if self._count > limits.MEMBERS:
            raise DamagedError(
                what=f"more than {limits.MEMBERS} members",
                where=self._file.path,
                code="too-many-members",
            )
        pending, self._pending = self._pending, _Pending()
        name = pending.name if pending.name is not None else _ustar_name(header)
        linkname = pending.linkname if pending.linkname is not None else _text(header[157:257])
        if pending.size is not None:
            if size not in (0, pending.size):
                self._findings.error(
                    "size-conflict",
                    f"the PAX header says {pending.size} bytes, the tar header {size}: "
                    "readers would see different members",
                    Where(member=name, offset=start),
                )
            size = pending.size
        member_type = _TYPES.get(kind, MemberType.SPECIAL)
        if pending.sparse:
            member_type = MemberType.SPECIAL
        if member_type is MemberType.FILE and name.endswith("/"):
            member_type = MemberType.DIRECTORY  # how pre-POSIX tars wrote directories
        data_size = size if member_type in {MemberType.FILE, MemberType.SPECIAL} else 0
        offset = start + BLOCK
        if offset + data_size > self._end:
            self._findings.error(
                "truncated",
                f"the archive ends at byte {self._end}, inside this member "
                f"({offset + data_size - self._end} of {data_size} bytes are missing)",
                Where(member=name, offset=offset),
                "copy the file again",
            )
            self._at = self._end
            return None
        self._at = min(offset + -(-data_size // BLOCK) * BLOCK, self._end)
        return TarMember(
            name=name,
            type=member_type,
            size=data_size,
            offset=offset,
            header=start if pending.start < 0 else pending.start,
            linkname=linkname,
        )

    def _extend(self, kind: bytes, size: int, start: int) -> None:
        limit = limits.MEMBER_NAME_BYTES if kind in {b"L", b"K"} else limits.PAX_BYTES
        if size > limit:
            raise ValueError(f"an extended header of {size} bytes; at most {limit} are read")
        data = self._window.get(start + BLOCK, size)
        if len(data) < size or start + BLOCK + size > self._end:
            self._findings.error(
                "truncated", "the archive ends inside an extended header", self._where()
            )
            self._at = self._end
            self._pending = _Pending()
            return
        if self._pending.start < 0:
            self._pending.start = start
        if kind == b"L":
            self._pending.name = _text(data)
        elif kind == b"K":
            self._pending.linkname = _text(data)
        elif kind == b"x":
            self._pending.take_pax(_pax(data))
        else:
            self._global(_pax(data))
        self._at = start + BLOCK + -(-size // BLOCK) * BLOCK

    def _global(self, records: dict[str, str]) -> None:
        # Go ignores them, libarchive and Python apply them: only harmless ones may pass.
        if records.keys() & {"path", "linkpath", "size"}:
            self._findings.error(
                "bad-tar-header",
                "a global PAX header sets a name or size: readers disagree what it means",
                self._where(),
            )
        if self._pending.start == self._at:
            self._pending = _Pending()


def _ustar_name(header: bytes) -> str:
    name = _text(header[0:100])
    if header[257:263] == b"ustar\0":
        prefix = _text(header[345:500])
        if prefix:
            return f"{prefix}/{name}"
    return name
