"""Spooling: what cannot be read by offset is first written to an unnamed file on disk."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable

from oci_layout import limits
from oci_layout.errors import DamagedError, DestinationError, ReadError
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.growth import Growth
from oci_layout.streams.reader import (
    ExtentReader,
    HeldFile,
    Reader,
    Stamp,
    changed,
    chunks,
    stamp_of,
)

_MEMORY = {"tmpfs", "ramfs"}


def _filesystem(path: str) -> str:
    """Type of the file system a path is on, by the longest mount point that holds it."""
    best, kind = "", ""
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            real = os.path.realpath(path)
            for line in mounts:
                parts = line.split(" ")
                point = parts[1].replace("\\040", " ")
                inside = real == point or real.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(best):
                    best, kind = point, parts[2]
    except (OSError, IndexError):
        return ""
    return kind


def spool_directory(tmp: str | None) -> str:
    """Where to spool: the given directory, else one that is not a memory file system."""
    if tmp is not None:
        return tmp
    default = tempfile.gettempdir()
    if _filesystem(default) in _MEMORY and os.path.isdir("/var/tmp"):  # noqa: S108  as FHS says
        return "/var/tmp"  # noqa: S108  large temporary files belong here
    return default


def unnamed_file(directory: str) -> int:
    """A descriptor of a file that vanishes with it.

    Raises:
        DestinationError: the directory cannot be written.
    """
    try:
        try:
            return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except (IsADirectoryError, OSError):  # a file system without O_TMPFILE
            fd, path = tempfile.mkstemp(prefix=".layout-", suffix=".tmp", dir=directory)
            os.unlink(path)
            return fd
    except OSError as error:
        raise DestinationError(
            what=f"cannot write temporary files: {error.strerror}",
            where=directory,
            hint="--tmp names another directory",
        ) from error


def write_all(fd: int, data: bytes) -> None:
    """Write all of the data at the descriptor's position."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _spool(reader: Reader, label: str, tmp: str | None) -> HeldFile:
    directory = spool_directory(tmp)
    fd = unnamed_file(directory)
    try:
        for data in chunks(reader):
            try:
                write_all(fd, data)
            except OSError as error:
                raise DestinationError(
                    what=f"cannot spool {label}: {error.strerror}",
                    where=directory,
                    hint="--tmp names another directory",
                ) from error
    except BaseException:
        os.close(fd)
        raise
    return HeldFile.adopt(fd, label)


class _Pipe:
    """Reads a descriptor that cannot seek."""

    def __init__(self, fd: int, label: str) -> None:
        self._fd, self._label = fd, label
        self._stamp = self._look()
        self._head = b""
        while len(self._head) < SNIFF_BYTES and (data := self._read(limits.CHUNK)):
            self._head += data

    @property
    def head(self) -> bytes:
        return self._head

    def _look(self) -> Stamp | None:
        """What tells a file from another; None for a pipe, of which nothing is read twice."""
        try:
            status = os.fstat(self._fd)
        except OSError as error:
            raise ReadError(what=error.strerror or str(error), where=self._label) from error
        return stamp_of(status) if stat.S_ISREG(status.st_mode) else None

    def require_unchanged(self) -> None:
        """Refuse a file that somebody wrote to while it was read."""
        if self._look() != self._stamp:
            raise changed(self._label)

    def _read(self, size: int) -> bytes:
        try:
            return os.read(self._fd, size)
        except OSError as error:
            raise ReadError(what=error.strerror or str(error), where=self._label) from error

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._read(size)


def _outer_damage(label: str, run: Callable[[], HeldFile]) -> HeldFile:
    try:
        return run()
    except DamagedError as error:
        raise DamagedError(
            what=f"the archive as a whole: {error.what}",
            where=label,
            hint=error.hint or "copy the file again",
            code=error.code,
        ) from error


def spool_stream(
    fd: int, label: str, tmp: str | None, limit: int | None = None
) -> tuple[HeldFile, Compression]:
    """Spool a pipe, unpacked; the file, and how the stream was packed.

    Raises:
        DamagedError: the packed stream is cut short or corrupt.
        ChangedError: it is a file, and somebody wrote to it meanwhile.
        DestinationError: no room, or no permission, in the temporary directory.
    """
    pipe = _Pipe(fd, label)
    outer = sniff(pipe.head[:SNIFF_BYTES])
    unpacked = decoded(pipe, outer, label, growth=Growth(limit))
    held = _outer_damage(label, lambda: _spool(unpacked, label, tmp))
    try:
        pipe.require_unchanged()
    except ReadError:
        held.close()
        raise
    return held, outer


def spool_compressed(
    file: HeldFile, outer: Compression, tmp: str | None, limit: int | None = None
) -> HeldFile:
    """Spool a compressed archive, unpacked.

    Raises:
        DamagedError: it is cut short or corrupt.
        ChangedError: somebody wrote to it meanwhile.
        DestinationError: no room, or no permission, in the temporary directory.
    """
    unpacked = decoded(ExtentReader(file, 0, file.size), outer, file.path, growth=Growth(limit))
    held = _outer_damage(file.path, lambda: _spool(unpacked, file.path, tmp))
    try:
        file.require_unchanged()
    except ReadError:
        held.close()
        raise
    return held
