"""A layer that an engine has unpacked, as its tar again: headers of one file, content of others."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator

import attrs

from oci_layout.counting import plural
from oci_layout.errors import DamagedError, LayoutError, ReadError
from oci_layout.limits import CHUNK
from oci_layout.streams import names
from oci_layout.streams.beneath import Beneath
from oci_layout.streams.crc64 import Crc64
from oci_layout.streams.member import AssembledMember
from oci_layout.streams.tarsplit import PULL_AGAIN, Record, SplitFile
from oci_layout.where import Where

_NOT_THERE = {errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL}
_A_LINK = {errno.ELOOP, errno.EXDEV}
_BEHIND = "is a symbolic link, or behind one that leads nowhere"
_HELD = 64  # folders that are held open
_TOLD = 50  # changed files of one layer that are named
_SHOWN = 200  # characters of a name that a message has


class _Files:
    """The files of a layer. The folders of the last ones stay open: the next are mostly there.

    On drivers with whole file systems a folder of a layer may be a link of the layer below, as
    ``lib`` to ``usr/lib``: an engine has written through it, with the layer as its root.

    Args:
        folder: of them all; closed with this.
    """

    def __init__(self, folder: Beneath) -> None:
        self._folder = folder
        self._open: dict[str, Beneath] = {}

    def at(self, name: str) -> tuple[Beneath, str]:
        """The folder that a file is in, and what it is called there.

        Raises:
            OSError: the folder is not there.
        """
        parent, _, last = name.rpartition("/")
        if not parent:
            return self._folder, last or "."
        inner = self._open.get(parent)
        if inner is None:
            inner = self._folder.rooted(parent)
            if len(self._open) == _HELD:  # the one that was entered first
                self._open.pop(next(iter(self._open))).close()
            self._open[parent] = inner
        return inner, last or "."

    def close(self) -> None:
        """Let go of the folders."""
        for inner in self._open.values():
            inner.close()
        self._folder.close()


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Unpacked:
    """What an engine keeps of a layer.

    Args:
        record: what it wrote down of the tar.
        folder: opens the folder of the files; closed by whoever calls.
        path: of that folder, for messages.
        where: the place of the layer, for messages.
        refused: the error of what may not be read.
    """

    record: Record
    folder: Callable[[], Beneath]
    path: str
    where: Where
    refused: Callable[[OSError, str], ReadError]

    def member(self, size: int, store: str) -> SplitMember:
        """The layer's tar, put together anew on each reading.

        Args:
            size: of the tar in bytes.
            store: label of the source.
        """
        return SplitMember(
            self.where.member, size, lambda: _Assembled(self), unpacked=self, store=store
        )

    def opened(self, files: _Files, file: SplitFile) -> int:
        """A descriptor of a file's content.

        Raises:
            DamagedError: ``changed-file``: it is not there, or not of that size.
            ReadError: it may not be read.
        """
        try:
            name = names.joined(file.name)
        except names.UnsafeNameError:
            raise self.record.bad(f"names {file.name[:_SHOWN]!r}, outside the layer") from None
        try:
            folder, last = files.at(name)
            status = folder.status(last)
            if stat.S_ISLNK(status.st_mode):
                raise self.changed(file, _BEHIND)
            if not stat.S_ISREG(status.st_mode):  # a device is not even opened
                raise self.changed(file, "is no regular file")
            fd = folder.open(last)
        except ValueError:  # no name of a file, to Python
            raise self.changed(file, "is not there") from None
        except OSError as error:
            raise self._absent(error, file, name) from error
        if status.st_size != file.size:
            os.close(fd)
            was = f"has {plural(status.st_size, 'byte')}, and had {file.size}"
            raise self.changed(file, was)
        return fd

    def _absent(self, error: OSError, file: SplitFile, name: str) -> LayoutError:
        if error.errno in _NOT_THERE:
            return self.changed(file, "is not there")
        if error.errno == errno.ENOTDIR:  # without openat2(2) said of a link to a folder, too
            return self.changed(file, "is below what is no folder")
        if error.errno in _A_LINK:
            return self.changed(file, _BEHIND)
        return self.refused(error, f"{self.path}/{name}")

    def changed(self, file: SplitFile, what: str) -> DamagedError:
        """The error of a file that is not what it was when the layer came."""
        return DamagedError(
            code="changed-file",
            what=f"the file {file.name[:_SHOWN]!r} {what}",
            where=self.where,
            hint=f"it is in {self.path}; {PULL_AGAIN}",
        )

    def changes(self) -> Iterator[DamagedError]:
        """The files that are not what they were, by their sizes and checksums.

        Raises:
            LayoutError: nobody can tell.
        """
        files = _Files(self.folder())
        try:
            for piece in self.record.pieces():
                if isinstance(piece, bytes):
                    continue
                try:
                    crc = Crc64()
                    for data in self.content(files, piece):
                        crc.feed(data)
                except DamagedError as error:
                    yield error
                    continue
                if crc.digest() != piece.crc:
                    told = f"has other bytes than it had (CRC-64 {crc.digest().hex()}, "
                    yield self.changed(piece, f"{told}and not {piece.crc.hex()})")
        finally:
            files.close()

    def content(self, files: _Files, file: SplitFile) -> Iterator[bytes]:
        """The bytes of a file, as many as it had.

        Raises:
            DamagedError: ``changed-file``.
            ReadError: it cannot be read.
        """
        fd = self.opened(files, file)
        try:
            left = file.size
            while left:
                data = self._read(fd, file, left)
                left -= len(data)
                yield data
        finally:
            os.close(fd)

    def _read(self, fd: int, file: SplitFile, left: int) -> bytes:
        try:
            data = os.read(fd, min(left, CHUNK))
        except OSError as error:
            raise self.refused(error, f"{self.path}/{file.name}") from error
        if not data:
            raise self.changed(file, "was cut while it was read")
        return data

    def _small(self, files: _Files, file: SplitFile) -> bytes:
        """The bytes of a file that mostly comes in one read."""
        fd = self.opened(files, file)
        try:
            data = self._read(fd, file, file.size)
            while len(data) < file.size:
                data += self._read(fd, file, file.size - len(data))
            return data
        finally:
            os.close(fd)

    def pieces(self) -> Iterator[bytes]:
        """The tar from its first byte to its last.

        Raises:
            DamagedError: a file is not there or not of its size, or the record does not hold.
            ReadError: something may not be read.
        """
        files = _Files(self.folder())
        try:
            for piece in self.record.pieces():
                if isinstance(piece, bytes):
                    yield piece
                elif piece.size <= CHUNK:
                    yield self._small(files, piece)
                else:
                    yield from self.content(files, piece)
        finally:
            files.close()


class _Assembled:
    """Reads an unpacked layer's tar; headers and small files go out together."""

    def __init__(self, unpacked: Unpacked) -> None:
        self._pieces = unpacked.pieces()
        self._next = b""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; no piece is copied twice to make them more."""
        held, room = [], size
        piece = self._next or next(self._pieces, b"")
        while piece and len(piece) <= room:
            held.append(piece)
            room -= len(piece)
            piece = next(self._pieces, b"") if room else b""  # of a file only when it is due
        if not held:
            piece, self._next = piece[:size], piece[size:]
            return piece
        self._next = piece
        return held[0] if len(held) == 1 else b"".join(held)

    def close(self) -> None:
        """Let go of the files."""
        # A generator that has not begun has opened nothing.
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


@attrs.frozen(eq=False, repr=False, match_args=False)
class SplitMember(AssembledMember):
    """The tar of a layer that an engine has unpacked."""

    unpacked: Unpacked = attrs.field(repr=False, kw_only=True)

    def blame(self) -> tuple[DamagedError, ...]:
        """The files that are not what they were when the layer came, some fifty at the most.

        A layer's digest tells that something has changed, and costs a fifth of the checksums; so
        they are asked for only then.
        """
        found: list[DamagedError] = []
        try:
            for error in self.unpacked.changes():
                found.append(error)
                if len(found) == _TOLD:
                    break
        except LayoutError as error:
            if isinstance(error, DamagedError):
                found.append(error)
        return tuple(found)
