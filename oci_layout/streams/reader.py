"""Readers: pull bytes from a place on disk, count and hash what passes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import Protocol

from oci_layout.closing import Closing
from oci_layout.counting import plural
from oci_layout.digest import Digest, new_hash
from oci_layout.errors import ChangedError, DamagedError, NotAnImageError, ReadError
from oci_layout.limits import CHUNK
from oci_layout.streams.pipeline import Stage
from oci_layout.where import Where


class Reader(Protocol):
    """Something bytes are pulled from."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; empty at the end and only there."""
        ...


class ClosableReader(Reader, Protocol):
    """A reader that may hold a file."""

    def close(self) -> None:
        """Let go of it."""
        ...


Stamp = tuple[int, int, int, int]


def stamp_of(status: os.stat_result) -> Stamp:
    """What tells a file, and its content, from another: device, inode, size, time of change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def changed(path: str) -> ChangedError:
    """The error of a source that is not what it was."""
    return ChangedError(
        what="has changed while it was read",
        where=Where(file=path),
        hint="try again when nobody writes to it",
    )


class HeldFile(Closing):
    """A regular file, read by offset, so that many readers can share it.

    Args:
        path: the file; symbolic links are followed, anything but a regular file is refused.
        stamp: of what was seen there before; None when it is seen for the first time.

    Raises:
        ReadError: it is not there, or not readable.
        NotAnImageError: a FIFO, device or socket.
        ChangedError: it is another file than was seen.
    """

    def __init__(self, path: str, stamp: Stamp | None = None) -> None:
        self.path = path
        self._fd = -1
        try:
            # Opening a FIFO would block without O_NONBLOCK; it has no effect on regular files.
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(self._fd)
        except OSError as error:
            self.close()
            raise ReadError(what=error.strerror or str(error), where=Where(file=path)) from error
        self._begin(status, stamp)

    def _begin(self, status: os.stat_result, stamp: Stamp | None) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise NotAnImageError(what="not a regular file", where=Where(file=self.path))
        self.size = status.st_size
        self._stamp: Stamp | None = stamp_of(status)
        if stamp is not None and stamp != self._stamp:
            self.close()
            raise changed(self.path)

    @classmethod
    def opened(cls, fd: int, path: str, stamp: Stamp) -> HeldFile:
        """Take over a descriptor of a file that somebody else may change.

        Args:
            fd: of the file.
            path: how to call it in messages.
            stamp: of what was seen there before.

        Raises:
            ChangedError: it is another file than was seen.
        """
        held = cls.__new__(cls)
        held.path, held._fd = path, fd
        held._begin(os.fstat(fd), stamp)
        return held

    @classmethod
    def adopt(cls, fd: int, label: str) -> HeldFile:
        """Take over an open descriptor of a regular file of ours (an unnamed spool file)."""
        held = cls.__new__(cls)
        held.path, held._fd, held.size = label, fd, os.fstat(fd).st_size
        held._stamp = None  # nobody else has it, and more may be written to its end
        return held

    def require_unchanged(self) -> None:
        """Look again whether it is what it was when it was opened.

        Raises:
            ChangedError: it is not.
            ReadError: the disk, or the network behind it, refuses.
        """
        if self._stamp is None:
            return
        try:
            now = stamp_of(os.fstat(self._fd))
        except OSError as error:
            raise ReadError(
                what=error.strerror or str(error), where=Where(file=self.path)
            ) from error
        if now != self._stamp:
            raise changed(self.path)

    def pread(self, size: int, offset: int) -> bytes:
        """Bytes at an offset; shorter at the end of the file.

        Raises:
            ReadError: the disk, or the network behind it, refuses.
        """
        try:
            return os.pread(self._fd, size, offset)
        except OSError as error:
            raise ReadError(
                what=f"cannot read: {error.strerror}",
                where=Where(file=self.path, offset=offset),
            ) from error

    @property
    def fd(self) -> int:
        """The descriptor, for the kernel's own copies; its position is never used."""
        return self._fd

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def ends_early(file: HeldFile, offset: int, missing: int) -> DamagedError:
    """The error of a file that is shorter than it was, or than somebody said."""
    return DamagedError(
        what=f"the file ends {plural(missing, 'byte')} too early",
        where=Where(file=file.path, offset=offset),
        code="truncated",
    )


class ExtentReader:
    """Reads one stretch of a file, and never beyond it; at its end the file is what it was."""

    def __init__(self, file: HeldFile, offset: int, size: int, *, owned: bool = False) -> None:
        self._file, self._at, self._end, self._owned = file, offset, offset + size, owned

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the stretch."""
        size = min(size, self._end - self._at)
        if size <= 0:
            self._file.require_unchanged()
            return b""
        data = self._file.pread(size, self._at)
        if not data:
            self._file.require_unchanged()
            raise ends_early(self._file, self._at, self._end - self._at)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Let go of a file that was opened for this reader alone."""
        if self._owned:
            self._file.close()


def chunks(reader: Reader, size: int = CHUNK) -> Iterator[bytes]:
    """All that a reader gives, piece by piece."""
    while data := reader.read(size):
        yield data


class Digester(Closing):
    """Counts and hashes what it is fed, and hands it on.

    A context manager: on the way out its thread has ended, whatever happened.

    Args:
        algorithm: hash to run.
        tee: takes each piece after it was hashed.
        threaded: whether hash and ``tee`` run in a thread of their own.
    """

    def __init__(
        self,
        algorithm: str = "sha256",
        tee: Callable[[bytes], object] | None = None,
        *,
        threaded: bool = False,
    ) -> None:
        self._hash, self._tee = new_hash(algorithm), tee
        self._stage = Stage(self._take) if threaded else None
        self.algorithm, self.size = algorithm, 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self.size += len(data)
        if self._stage is None:
            self._take(data)
        else:
            self._stage.feed(data)

    def _take(self, data: bytes) -> None:
        self._hash.update(data)
        if self._tee is not None:
            self._tee(data)

    @property
    def digest(self) -> Digest:
        """The digest of all that was fed; nothing more is fed afterwards."""
        if self._stage is not None:
            self._stage.finish()
        return Digest.finish(self._hash)

    def close(self) -> None:
        """End the thread that hashes, if there is one."""
        if self._stage is not None:
            self._stage.abandon()


class Metered:
    """Tallies what is read through it.

    Args:
        reader: where bytes come from.
        digester: is fed each piece as it passes (a copy that needs no second read).
    """

    def __init__(self, reader: Reader, digester: Digester) -> None:
        self._reader, self._tally = reader, digester

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        data = self._reader.read(size)
        if data:
            self._tally.feed(data)
        return data
