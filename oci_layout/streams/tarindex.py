"""Where each member of a tar lies: one pass over the headers, no data read, everything bounded."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings, Where
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarheader import (
    BLOCK,
    EXTENDED,
    ZERO,
    checksum_holds,
    decimal,
    extended_limit,
    number,
    pax_records,
    text,
    ustar_name,
)

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


def read_size(header: bytes) -> int:
    """The size that a header states.

    Raises:
        ValueError: its checksum does not hold, or the size is no number.
    """
    if not checksum_holds(header):
        raise ValueError("the checksum of a tar header does not hold")
    return number(header[124:136])


def member_kind(kind: bytes) -> MemberType:
    """What a member is, by the type flag of its header."""
    return _TYPES.get(kind, MemberType.SPECIAL)


def pax_size(data: bytes) -> int | None:
    """The size that a PAX header gives the next member; None when it gives none.

    Raises:
        ValueError: not a PAX header.
    """
    size = pax_records(data).get("size")
    return None if size is None else int(size)


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
            self.size = decimal(records["size"])
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
        if len(header) == BLOCK and header != ZERO:
            if not checksum_holds(header):
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
        size = number(header[124:136])
        if kind in EXTENDED:
            self._extend(kind, size, start)
            return None
        self._count += 1
        if self._count > limits.MEMBERS:
            raise DamagedError(
                what=f"more than {limits.MEMBERS} members",
                where=self._file.path,
                code="too-many-members",
            )
        pending = self._pending
        if pending.start >= 0:
            self._pending = _Pending()
        name = pending.name if pending.name is not None else ustar_name(header)
        linkname = pending.linkname if pending.linkname is not None else text(header[157:257])
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
        holds_data = member_type is MemberType.FILE or member_type is MemberType.SPECIAL
        data_size = size if holds_data else 0
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
        limit = extended_limit(kind)
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
            self._pending.name = text(data)
        elif kind == b"K":
            self._pending.linkname = text(data)
        elif kind == b"x":
            self._pending.take_pax(pax_records(data))
        else:
            self._global(pax_records(data))
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
