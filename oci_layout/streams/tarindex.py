"""Where each member of a tar lies: one pass over the headers, no data read, everything bounded.

Members are those that Go's archive/tar sees (reader.go: Reader.next), since the engines are Go.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.sparsefiles import Sparse, old_sparse, pax_sparse
from oci_layout.streams.tarheader import (
    BLOCK,
    EXTENDED,
    ZERO,
    check_numbers,
    checksum_holds,
    extended_limit,
    format_of,
    number,
    pax_fields,
    pax_pairs,
    pax_records,
    pax_size,
    signed_number,
    text,
    ustar_name,
)
from oci_layout.where import Where

_WINDOW = 64 << 10
_OLD_GNU = b"S"
_SPARSE = "GNU.sparse."


class MemberType(enum.Enum):
    """What a member is, as far as an image archive cares."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hard link"
    SPECIAL = "device or FIFO"
    OTHER = "of an unknown type"


# They have no data, whatever size they state. A tuple: an enum's hash costs more than five looks.
HEADER_ONLY = (MemberType.DIRECTORY, MemberType.SYMLINK, MemberType.HARDLINK, MemberType.SPECIAL)
_TYPES = {
    b"\0": MemberType.FILE,
    b"0": MemberType.FILE,
    b"7": MemberType.FILE,
    b"1": MemberType.HARDLINK,
    b"2": MemberType.SYMLINK,
    b"3": MemberType.SPECIAL,
    b"4": MemberType.SPECIAL,
    b"5": MemberType.DIRECTORY,
    b"6": MemberType.SPECIAL,
}


@attrs.frozen(eq=False, repr=False, match_args=False)
class TarMember:
    """One member as its headers tell it.

    Args:
        name: as written.
        type: what it is.
        size: bytes of data.
        offset: where its data begins in the file.
        header: where its headers begin.
        linkname: what a link points at, as written.
        format_bits: the bits of its mode beyond permissions, which tell some readers its type.
        sparse: which stretches of it are there, where not all are; its data are these.
        old_gnu: whether it is a sparse file of GNU's own type, which not every engine reads.
    """

    name: str
    type: MemberType
    size: int
    offset: int
    header: int
    linkname: str = ""
    format_bits: int = 0
    sparse: Sparse | None = None
    old_gnu: bool = False


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
    return _TYPES.get(kind, MemberType.OTHER)


@attrs.define(eq=False, repr=False, match_args=False)
class _Pending:
    """What extended headers say about the member that follows.

    Of two PAX headers the last replaces the other; a GNU long name counts before a PAX path.
    """

    start: int = -1
    long_name: str = ""
    long_link: str = ""
    pairs: list[tuple[str, str]] = attrs.field(factory=list)

    @property
    def records(self) -> dict[str, str]:
        """What PAX says; of two records of one name the last."""
        return pax_fields(self.pairs)


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
        self._holes = 0  # bytes of all sparse files that are not there

    def __iter__(self) -> Iterator[TarMember]:
        while (header := self._header()) is not None:
            try:
                member = self._member(header)
            except ValueError as error:
                self._findings.error("bad-tar-header", str(error), self._where())
                return  # where the next header would be is unknown
            if member is not None:
                yield member

    def _where(self) -> Where:
        return Where(file=self._file.path, offset=self._at)

    def _cut(self, place: str) -> None:
        self._findings.error(
            "truncated", f"the archive ends {place}", self._where(), "copy the file again"
        )

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
            self._cut("after an extended header")
        elif 0 < len(header) < BLOCK:
            self._cut("inside a tar header")
        elif len(header) < BLOCK or not self._second_zero():
            self._findings.warning(
                "no-end-marker",
                "the archive has no end-of-archive marker; it may have been cut short",
                self._where(),
                "compare its size with the original's",
            )
        return None

    def _second_zero(self) -> bool:
        left = min(BLOCK, max(0, self._end - self._at - BLOCK))
        second = self._window.get(self._at + BLOCK, left)
        if second.strip(b"\0"):
            self._findings.error(
                "bad-tar-header",
                "a zero block stands between two members: readers disagree whether the "
                "archive ends there",
                self._where(),
            )
            return True
        if 0 < len(second) < BLOCK:
            self._cut("inside its end-of-archive marker")
            return True
        if not second:
            return False
        tail_at = self._at + 2 * BLOCK
        tail = self._file.pread(min(limits.CHUNK, max(0, self._end - tail_at)), tail_at)
        if tail.strip(b"\0"):
            self._findings.warning(
                "trailing-data",
                "data follows the end-of-archive marker; no reader sees it",
                Where(file=self._file.path, offset=tail_at),
            )
        return True

    def _member(self, header: bytes) -> TarMember | None:
        """The member a header begins; None for an extended header."""
        start = self._at
        form = format_of(header)
        check_numbers(header, form)
        kind = header[156:157]
        member_type = member_kind(kind)
        size = 0 if member_type in HEADER_ONLY else number(header[124:136])
        if kind in EXTENDED:
            self._extend(kind, size, start)
            return None
        self._count += 1
        if self._count > limits.MEMBERS:
            raise DamagedError(
                what=f"more than {limits.MEMBERS} members",
                where=Where(file=self._file.path),
                code="too-many-members",
            )
        pending = self._pending
        records = {}
        if pending.start >= 0:
            self._pending = _Pending()
            records = pending.records
        name = pending.long_name or records.get("path") or ustar_name(header, form)
        linkname = pending.long_link or records.get("linkpath") or text(header[157:257])
        if kind == b"\0" and name.endswith("/"):
            member_type = MemberType.DIRECTORY  # how pre-POSIX tars wrote directories
        pax = pax_size(records) if records else None
        if pax is not None and member_type not in HEADER_ONLY:
            if size not in (0, pax):
                self._findings.error(
                    "size-conflict",
                    f"the PAX header says {pax} bytes, the tar header {size}: "
                    "readers would see different members",
                    Where(member=name, offset=start),
                )
            size = pax
        data_size = 0 if member_type in HEADER_ONLY else size
        offset = start + BLOCK
        sparse = None
        if kind == _OLD_GNU or pending.pairs:
            sparse, offset = self._sparse(header, member_type, pending.pairs, size, offset)
        if sparse is not None:
            member_type, name = MemberType.FILE, sparse.name or name
            data_size -= sparse.map_bytes
            offset += sparse.map_bytes
        if offset + data_size > self._end:
            self._findings.error(
                "truncated",
                f"the archive ends at byte {self._end}, inside this member "
                f"(missing: {offset + data_size - self._end} of {data_size} bytes)",
                Where(member=name, offset=offset),
                "copy the file again",
            )
            self._at = self._end
            return None
        self._at = min(offset + -(-data_size // BLOCK) * BLOCK, self._end)
        return TarMember(
            name=name,
            type=member_type,
            size=data_size if sparse is None else sparse.size,
            offset=offset,
            header=start if pending.start < 0 else pending.start,
            linkname=linkname,
            format_bits=signed_number(header[100:108]) & ~0o7777,
            sparse=sparse,
            old_gnu=sparse is not None and kind == _OLD_GNU,
        )

    def _sparse(
        self,
        header: bytes,
        member_type: MemberType,
        pairs: list[tuple[str, str]],
        size: int,
        offset: int,
    ) -> tuple[Sparse | None, int]:
        """The map of a sparse file, and where its data begins; as Go's readers take it.

        Raises:
            ValueError: not a map, or not that of the data.
            DamagedError: ``bomb``: holes of all sparse files out of all proportion.
        """
        at = offset

        def take(count: int) -> bytes:
            nonlocal at
            data = self._window.get(at, min(count, max(0, self._end - at)))
            if len(data) < count:
                raise ValueError("the map of a sparse file is cut short")
            at += count
            return data

        sparse = None
        if header[156:157] == _OLD_GNU:
            sparse = old_sparse(header, take)
            offset = at  # blocks of the map stand before the data, and are none of it
        elif member_type is MemberType.FILE and any(key.startswith(_SPARSE) for key, _ in pairs):
            sparse = pax_sparse(pairs, size, take)
        if sparse is None:
            return None, offset
        stored = size - sparse.map_bytes
        sparse.check(stored)
        self._holes += sparse.size - stored
        if self._holes > limits.BOMB_BYTES:
            raise DamagedError(
                what=f"holes of sparse files come to {self._holes} bytes",
                where=Where(file=self._file.path),
                code="bomb",
            )
        return sparse, offset

    def _extend(self, kind: bytes, size: int, start: int) -> None:
        limit = extended_limit(kind)
        if size > limit:
            raise ValueError(f"an extended header of {size} bytes; at most {limit} are read")
        data = self._window.get(start + BLOCK, size)
        if len(data) < size or start + BLOCK + size > self._end:
            self._cut("inside an extended header")
            self._at = self._end
            self._pending = _Pending()
            return
        if self._pending.start < 0:
            self._pending.start = start
        if kind == b"L":
            self._pending.long_name = text(data)
        elif kind == b"K":
            self._pending.long_link = text(data)
        elif kind == b"x":
            pax_records(data)
            self._pending.pairs = pax_pairs(data)
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
        # Go hands it out as a member of its own: what was said before it is gone.
        self._pending = _Pending()
