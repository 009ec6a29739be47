"""All or nothing: written under another name, made durable, then renamed into place.

What a killed run leaves is called ``.NAME.layout-XXXXXXXX.tmp`` and held by nobody; the next run
to the same destination removes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator

from oci_layout import temporary
from oci_layout.errors import DestinationError
from oci_layout.model import dockersave, layout

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2  # renameat2(2)
_CLAIMS = 100  # temporary names tried: each may be cleaned up by another run before it is locked
INDEX_TEMPORARY = ".index.json.layout.tmp"  # a killed run may leave it; it is never read
_LAYOUT_ENTRIES = {layout.MARKER, layout.INDEX, "blobs", dockersave.MANIFEST, INDEX_TEMPORARY}
_libc = ctypes.CDLL(None, use_errno=True)


def failed(error: OSError, path: str, hint: str = "") -> DestinationError:
    """An operating system's refusal as our own error."""
    return DestinationError(what=error.strerror or str(error), where=path, hint=hint)


def _renameat2(old: str, new: str, flags: int) -> bool:
    """Rename as the kernel does with flags; False where it cannot."""
    call = getattr(_libc, "renameat2", None)
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL):  # an old kernel, or a file system without it
        return False
    raise OSError(code, os.strerror(code), new)


def fsync_directory(path: str) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # some network file systems refuse
            os.fsync(fd)
    finally:
        os.close(fd)


def fsync_tree(path: str) -> None:
    """Make every file and name below a directory durable."""
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            fd = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        fsync_directory(folder)


def _temporary_prefix(dest: str) -> str:
    return f".{os.path.basename(dest)[:180]}.layout-"


def _leftovers(dest: str) -> Iterator[str]:
    parent = os.path.dirname(dest) or "."
    prefix = _temporary_prefix(dest)
    with contextlib.suppress(OSError):
        for name in os.listdir(parent):
            if name.startswith(prefix) and name.endswith(".tmp"):
                yield os.path.join(parent, name)


def remove_leftovers(dest: str) -> None:
    """Remove what killed runs to this destination left; what a live run holds is locked."""
    for path in _leftovers(dest):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISDIR(os.fstat(fd).st_mode):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)
            finally:
                os.close(fd)


def check_destination(dest: str, *, directory: bool, force: bool, append: bool = False) -> None:
    """Refuse a destination that must not be written.

    Args:
        dest: the path; it may not exist yet.
        directory: whether a directory is to be written, else an archive.
        force: replace an archive, or a clean layout.
        append: add to a layout.

    Raises:
        DestinationError: it exists, or its parent does not.
    """
    parent = os.path.dirname(os.path.abspath(dest))
    if not os.path.isdir(parent):
        raise DestinationError(what="no such directory", where=parent)
    if not os.path.lexists(dest):
        return
    if append and not (directory and os.path.isdir(dest)):
        raise DestinationError(what="is no layout directory to append to", where=dest)
    if os.path.isdir(dest):
        if directory and not os.listdir(dest) and not os.path.islink(dest):
            return
        if not directory:
            raise DestinationError(
                what="is a directory, and an archive was to be written", where=dest
            )
        if append:
            if not os.path.isfile(os.path.join(dest, layout.MARKER)):
                raise DestinationError(what="is no OCI layout to append to", where=dest)
            return
        if not force:
            raise DestinationError(
                what="exists already", where=dest, hint="--force replaces it, --append adds to it"
            )
        foreign = foreign_entry(dest)
        if foreign is not None:
            raise DestinationError(
                what=f"is not a clean OCI layout ({foreign}), and is never replaced",
                where=dest,
                hint="choose another destination",
            )
        return
    if directory:
        raise DestinationError(what="is not a directory", where=dest)
    if not os.path.isfile(dest):
        raise DestinationError(what="is not a regular file", where=dest)
    if not force:
        raise DestinationError(what="exists already", where=dest, hint="--force replaces it")


def foreign_entry(path: str) -> str | None:
    """What in a directory does not belong to a layout; None for a clean layout."""
    if not os.path.isfile(os.path.join(path, layout.MARKER)):
        return "there is no oci-layout file"
    for name in sorted(os.listdir(path)):
        full = os.path.join(path, name)
        if name not in _LAYOUT_ENTRIES or (name == "blobs") != os.path.isdir(full):
            return f"it holds {name!r}"
    blobs = os.path.join(path, "blobs")
    if not os.path.isdir(blobs):
        return None
    for algorithm in sorted(os.listdir(blobs)):
        folder = os.path.join(blobs, algorithm)
        if not os.path.isdir(folder):
            return f"it holds {'blobs/' + algorithm!r}"
        for name in os.listdir(folder):
            if not name.isalnum() or os.path.isdir(os.path.join(folder, name)):
                return f"it holds {f'blobs/{algorithm}/{name}'!r}"
    return None


class AtomicPath:
    """A file or directory that appears at its destination whole, or not at all.

    Args:
        dest: where it is to appear; a symbolic link is followed.
        directory: whether it is a directory.
        force: whether it may take the place of what is there.
    """

    def __init__(self, dest: str, *, directory: bool, force: bool) -> None:
        self.dest = os.path.realpath(dest)
        self._directory, self._force = directory, force
        remove_leftovers(self.dest)
        self.path, self.fd = "", -1
        try:
            claimed = any(self._claim() for _ in range(_CLAIMS))
        except OSError as error:
            raise failed(error, os.path.dirname(self.dest)) from error
        if not claimed:
            raise DestinationError(
                what="files that are made here do not stay", where=os.path.dirname(self.dest)
            )

    def _claim(self) -> bool:
        """Make the temporary path and lock it; False where another run cleaned it up between."""
        name = f"{_temporary_prefix(self.dest)}{secrets.token_hex(4)}.tmp"
        self.path = os.path.join(os.path.dirname(self.dest), name)
        temporary.register(self.path)
        if self._directory:
            os.mkdir(self.path, 0o755)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        else:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            self.fd = os.open(self.path, flags, 0o644)
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self.fd), os.stat(self.path)):
                return True
        except (FileNotFoundError, BlockingIOError):
            if self.fd < 0 and not self._directory:  # it was never made: no such place
                temporary.forget(self.path)
                raise
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        temporary.forget(self.path)
        return False

    def commit(self) -> None:
        """Make it durable and let it appear.

        Raises:
            DestinationError: something has appeared there meanwhile, or the disk refused.
        """
        try:
            if self._directory:
                fsync_tree(self.path)
            else:
                os.fsync(self.fd)
            self._appear()
            fsync_directory(os.path.dirname(self.dest))
        except OSError as error:
            if error.errno == errno.EEXIST:
                raise DestinationError(
                    what="has appeared meanwhile", where=self.dest, hint="--force replaces it"
                ) from error
            raise failed(error, self.dest) from error
        finally:
            self.abort()

    def _appear(self) -> None:
        empty = self._directory and os.path.isdir(self.dest) and not os.listdir(self.dest)
        if self._force and os.path.lexists(self.dest) and self._directory and not empty:
            if _renameat2(self.path, self.dest, _EXCHANGE):
                return  # the old one now has the temporary name, and abort removes it
            aside = f"{self.path[:-4]}-old.tmp"
            os.rename(self.dest, aside)
            os.rename(self.path, self.dest)
            shutil.rmtree(aside, ignore_errors=True)
        elif self._force or empty or not _renameat2(self.path, self.dest, _NOREPLACE):
            if not (self._force or empty) and os.path.lexists(self.dest):
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), self.dest)
            os.rename(self.path, self.dest)

    def abort(self) -> None:
        """Remove what was written under the temporary name."""
        if self.fd >= 0:
            if self._directory:
                shutil.rmtree(self.path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(self.path)
            os.close(self.fd)
            self.fd = -1
            temporary.forget(self.path)
