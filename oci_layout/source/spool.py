"""Spooling: what cannot be read by offset is first written to an unnamed file on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError, DestinationError, ReadError
from oci_layout.mediatype import Compression
from oci_layout.streams.codecs.codec import Guard
from oci_layout.streams.codecs.zstdframes import window
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
from oci_layout.where import Where

_MEMORY = {"tmpfs", "ramfs"}


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Watch:
    """Is told of spooling, which may take long before anything is known of the source.

    Args:
        begin: called with what the source is called, the directory that takes the spool, and the
            bytes to read; 0 where nobody knows, as of a pipe.
        advance: called with bytes read.
    """

    begin: Callable[[str, str, int], object]
    advance: Callable[[int], object]


class _Watched:
    """A reader that tells a watch."""

    def __init__(self, reader: Reader, watch: Watch) -> None:
        self._reader, self._watch = reader, watch

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._watch.advance(len(data))
        return data


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Spooling:
    """How a source is spooled.

    Args:
        tmp: directory for it; None for the usual one.
        limit: unpacked bytes from which a ratio over 200 is refused; None for the usual bound.
        memory: bytes of memory that unpacking may take; None for the usual bound.
        watch: told how far it is.
    """

    tmp: str | None = None
    limit: int | None = None
    memory: int | None = None
    watch: Watch | None = None

    def growth(self) -> Growth:
        """The bounds of unpacking."""
        return Growth(self.limit, self.memory)

    def watched(self, reader: Reader, label: str, size: int) -> Reader:
        """Begin: the reader of the source, which tells how far it is."""
        if self.watch is None:
            return reader
        self.watch.begin(label, spool_directory(self.tmp), size)
        return _Watched(reader, self.watch)


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
    from tempfile import gettempdir  # noqa: PLC0415  few sources are spooled; a fast start

    default = gettempdir()
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
            from tempfile import mkstemp  # noqa: PLC0415  likewise

            fd, path = mkstemp(prefix=".layout-", suffix=".tmp", dir=directory)
            os.unlink(path)
            return fd
    except OSError as error:
        raise DestinationError(
            what=f"cannot write temporary files: {error.strerror}",
            where=Where(file=directory),
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
                    where=Where(file=directory),
                    hint="all of it has to fit there, unpacked; --tmp names another directory",
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

    @property
    def size(self) -> int:
        """Bytes of it; 0 where nobody knows."""
        return self._stamp[2] if self._stamp is not None else 0

    def _look(self) -> Stamp | None:
        """What tells a file from another; None for a pipe, of which nothing is read twice."""
        try:
            status = os.fstat(self._fd)
        except OSError as error:
            raise ReadError(
                what=error.strerror or str(error), where=Where(file=self._label)
            ) from error
        return stamp_of(status) if stat.S_ISREG(status.st_mode) else None

    def require_unchanged(self) -> None:
        """Refuse a file that somebody wrote to while it was read."""
        if self._look() != self._stamp:
            raise changed(self._label)

    def _read(self, size: int) -> bytes:
        try:
            return os.read(self._fd, size)
        except OSError as error:
            raise ReadError(
                what=error.strerror or str(error), where=Where(file=self._label)
            ) from error

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
            where=Where(file=label),
            hint=error.hint or "copy the file again",
            code=error.code,
        ) from error


def _window(outer: Compression, head: bytes) -> int:
    """The memory that the first frame of a packed archive asks for; 0 where that is not zstd."""
    return window(head) if outer is Compression.ZSTD else 0


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Unpacked:
    """An archive as a file that is not packed.

    Args:
        file: the archive.
        outer: how it was packed.
        window: bytes of memory that unpacking took, where that was zstd.
        followed: whether something followed the end of its gzip stream, and was passed over.
        inner: how it was packed inside of that; docker-archive: of containers/image unpacks twice.
    """

    file: HeldFile
    outer: Compression = Compression.NONE
    window: int = 0
    followed: bool = False
    inner: Compression = Compression.NONE


def unpack_again(found: Unpacked, spooling: Spooling) -> Unpacked:
    """Unpack what is packed twice.

    Args:
        found: an archive that was unpacked once.
        spooling: where to, and who is told.

    Raises:
        DamagedError: it is cut short or corrupt.
        DestinationError: no room, or no permission, in the temporary directory.
    """
    if found.outer is Compression.NONE:
        return found
    head = found.file.pread(SNIFF_BYTES, 0)
    inner = sniff(head)
    if inner is Compression.NONE:
        return found
    with found.file:
        again = spool_compressed(found.file, head, spooling)
    return attrs.evolve(found, file=again.file, inner=inner)


def spool_stream(fd: int, label: str, spooling: Spooling) -> Unpacked:
    """Spool a pipe, unpacked.

    Args:
        fd: the pipe.
        label: how to call it in messages.
        spooling: where to, and who is told.

    Raises:
        DamagedError: the packed stream is cut short or corrupt.
        ChangedError: it is a file, and somebody wrote to it meanwhile.
        DestinationError: no room, or no permission, in the temporary directory.
    """
    pipe = _Pipe(fd, label)
    outer = sniff(pipe.head[:SNIFF_BYTES])
    packed = spooling.watched(pipe, label, pipe.size)
    guard = Guard(Where(file=label), spooling.growth(), passes_rest=True)
    unpacked = decoded(packed, outer, Where(file=label), guard=guard)
    held = _outer_damage(label, lambda: _spool(unpacked, label, spooling.tmp))
    try:
        pipe.require_unchanged()
    except ReadError:
        held.close()
        raise
    return Unpacked(
        file=held,
        outer=outer,
        window=_window(outer, pipe.head[:SNIFF_BYTES]),
        followed=guard.followed,
    )


def spool_compressed(file: HeldFile, head: bytes, spooling: Spooling) -> Unpacked:
    """Spool a compressed archive, unpacked.

    Args:
        file: the archive.
        head: its first 512 bytes.
        spooling: where to, and who is told.

    Raises:
        DamagedError: it is cut short or corrupt.
        ChangedError: somebody wrote to it meanwhile.
        DestinationError: no room, or no permission, in the temporary directory.
    """
    outer = sniff(head)
    guard = Guard(Where(file=file.path), spooling.growth(), passes_rest=True)
    packed = spooling.watched(ExtentReader(file, 0, file.size), file.path, file.size)
    unpacked = decoded(packed, outer, Where(file=file.path), guard=guard)
    held = _outer_damage(file.path, lambda: _spool(unpacked, file.path, spooling.tmp))
    try:
        file.require_unchanged()
    except ReadError:
        held.close()
        raise
    return Unpacked(file=held, outer=outer, window=_window(outer, head), followed=guard.followed)


def spool_reader(reader: Reader, label: str, spooling: Spooling) -> HeldFile:
    """Spool what a reader gives.

    Args:
        reader: read to its end.
        label: what to call it in messages.
        spooling: where to.

    Raises:
        DestinationError: no room, or no permission, in the temporary directory.
    """
    return _spool(reader, label, spooling.tmp)
