"""Members: named bytes of a source, in a file, in memory, or put together as they are read."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from oci_layout.counting import plural
from oci_layout.errors import DamagedError
from oci_layout.limits import CHUNK
from oci_layout.streams.reader import ClosableReader, ExtentReader, HeldFile, chunks, ends_early
from oci_layout.where import Where


@attrs.frozen(eq=False, repr=False, match_args=False)
class Member:
    """Named bytes inside a source. What holds them, a subclass knows; here they are read.

    Args:
        name: its name in the source, for messages; never used to build a path.
        size: bytes.
        store: label of the source it is in: two sources may have members of one name.
    """

    name: str
    size: int
    store: str = attrs.field(default="", repr=False, kw_only=True)

    @property
    def alone(self) -> FileMember | None:
        """Itself, where one file holds it and nothing else: that may be linked and cloned."""
        return None

    def open(self) -> ClosableReader:
        """A reader from its first byte."""
        raise NotImplementedError

    def stretch(self, start: int, size: int) -> bytes:
        """Some of its bytes.

        Args:
            start: of the first one, from the beginning.
            size: how many; they must be there.
        """
        raise NotImplementedError

    def blame(self) -> tuple[DamagedError, ...]:
        """What of it has changed, where it is made of parts that tell; asked after damage."""
        return ()

    def head(self, size: int) -> bytes:
        """The first bytes; all of them where there are fewer."""
        return self.stretch(0, min(size, self.size))

    def tail(self, size: int) -> bytes:
        """The last bytes; all of them where there are fewer."""
        size = min(size, self.size)
        return self.stretch(self.size - size, size)

    def read(self, limit: int) -> bytes:
        """All of it.

        Args:
            limit: bytes it may have at the most; checked before anything is read.

        Raises:
            DamagedError: larger than the limit.
        """
        if self.size > limit:
            raise DamagedError(
                what=f"{plural(self.size, 'byte')}, where at most {limit} are read",
                where=Where(member=self.name),
                code="document-too-large",
            )
        reader = self.open()
        try:
            return b"".join(chunks(reader))
        finally:
            reader.close()


Hold = Callable[[], tuple[HeldFile, bool]]


@attrs.frozen(eq=False, repr=False, match_args=False)
class FileMember(Member):
    """A stretch of a file.

    Args:
        offset: where it begins in the file.
        hold: gives the file, and whether the caller is to close it.
        path: the file, where it holds this member and nothing else; empty inside an archive.
    """

    offset: int = attrs.field(repr=False)
    hold: Hold = attrs.field(repr=False, eq=False)
    path: str = attrs.field(default="", repr=False, eq=False, kw_only=True)

    @property
    def alone(self) -> FileMember | None:
        """Itself, where one file holds it and nothing else: that may be linked and cloned."""
        return self if self.path else None

    def open(self) -> ClosableReader:
        """A reader from its first byte; at its end the file is what it was."""
        file, owned = self.hold()
        return ExtentReader(file, self.offset, self.size, owned=owned)

    def stretch(self, start: int, size: int) -> bytes:
        """Some of its bytes."""
        file, owned = self.hold()
        try:
            data = file.pread(size, self.offset + start)
        finally:
            if owned:
                file.close()
        if len(data) < size:
            raise ends_early(file, self.offset + start + len(data), size - len(data))
        return data


class _BytesReader:
    """Reads bytes that are in memory."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int, /) -> bytes:
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def close(self) -> None:
        """Nothing is held."""


@attrs.frozen(eq=False, repr=False, match_args=False)
class BytesMember(Member):
    """A document that no file holds: made from others."""

    data: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, name: str, data: bytes) -> BytesMember:
        """A member of these bytes."""
        return cls(name, len(data), data)

    def open(self) -> ClosableReader:
        """A reader from its first byte."""
        return _BytesReader(self.data)

    def stretch(self, start: int, size: int) -> bytes:
        """Some of its bytes."""
        return self.data[start : start + size]


@attrs.frozen(eq=False, repr=False, match_args=False)
class AssembledMember(Member):
    """Bytes that lie nowhere as they are: put together anew each time they are read.

    A layer of an engine's own store is one: headers here, files there. It is read once, in order;
    whoever looks at its end has it put together up to there.

    Args:
        assemble: a reader of all of it from the first byte, that notices itself when what it is
            made of has changed.
    """

    assemble: Callable[[], ClosableReader] = attrs.field(repr=False, eq=False)

    def open(self) -> ClosableReader:
        """A reader from its first byte.

        Raises:
            DamagedError: on reading, where it ends too early or goes on too long.
        """
        return _Measured(self.assemble(), self)

    def stretch(self, start: int, size: int) -> bytes:
        """Some of its bytes: all before them are put together, too."""
        reader = self.open()
        at, kept = 0, bytearray()
        try:
            for data in chunks(reader, max(1, min(CHUNK, start + size))):
                kept += data[max(0, start - at) : max(0, start + size - at)]
                at += len(data)
                if at >= start + size:
                    break
        finally:
            reader.close()
        return bytes(kept)


class _Measured:
    """Holds what is assembled against the size that was promised of it."""

    def __init__(self, reader: ClosableReader, member: Member) -> None:
        self._reader, self._member, self._left = reader, member, member.size

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._left -= len(data)
        if self._left < 0 or (size and not data and self._left):
            raise DamagedError(
                what=f"has not the {self._member.size} bytes that it was said to have",
                where=Where(file=self._member.store, member=self._member.name),
                code="size-mismatch",
            )
        return data

    def close(self) -> None:
        self._reader.close()
