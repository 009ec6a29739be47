"""A folder that is held open: what is in it is reached through it, and no link is followed."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat

from oci_layout.closing import Closing
from oci_layout.disk.names import ours
from oci_layout.disk.raze import raze

Identity = tuple[int, int]  # device and inode
Mark = tuple[str, int, int, int, int]  # name, device, inode, size, time of change in ns

NOREPLACE, EXCHANGE = 1, 2  # renameat2(2)
_PASSES = 8  # over a folder that is removed: what works in it may still make a file
_MARKED = 16  # names of a folder that are marked: a layout has four, and an algorithm or two
_FATAL = {errno.EIO, errno.ENOSPC, errno.EDQUOT}
_libc = ctypes.CDLL(None, use_errno=True)


def identity(status: os.stat_result) -> Identity:
    """What tells a file from every other, whatever its names."""
    return status.st_dev, status.st_ino


def mark(name: str, status: os.stat_result) -> Mark:
    """What tells a name's file, and its content, from what may be there later."""
    return name, *identity(status), status.st_size, status.st_mtime_ns


class Folder(Closing):
    """A folder.

    Args:
        fd: descriptor of it, which is taken over.
        path: how to call it in messages.
    """

    def __init__(self, fd: int, path: str) -> None:
        self.fd, self.path = fd, path

    @classmethod
    def at(cls, path: str) -> Folder:
        """The folder at a path; links on the way are followed, once and for all.

        Raises:
            OSError: it is not there, or is none.
        """
        flags = os.O_DIRECTORY | os.O_CLOEXEC
        try:
            return cls(os.open(path, os.O_RDONLY | flags), path)
        except PermissionError:  # one that may be entered and not listed
            return cls(os.open(path, os.O_PATH | flags), path)

    def again(self) -> Folder:
        """The same folder, held once more."""
        return Folder(os.dup(self.fd), self.path)

    def enter(self, name: str) -> Folder:
        """A folder in it.

        Raises:
            OSError: it is not there, or is a link or no folder.
        """
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        return Folder(os.open(name, flags, dir_fd=self.fd), os.path.join(self.path, name))

    def make(self, name: str, mode: int = 0o777) -> bool:
        """Make a folder in it; False where something of that name is there."""
        try:
            os.mkdir(name, mode, dir_fd=self.fd)
        except FileExistsError:
            return False
        return True

    def create(self, name: str, mode: int = 0o644) -> int:
        """A descriptor of a new file: nothing that was there is ever opened for writing.

        Raises:
            FileExistsError: something of that name is there.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, mode, dir_fd=self.fd)

    def read(self, name: str) -> int:
        """A descriptor of a file in it, to read; never a link, and a FIFO does not block."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, dir_fd=self.fd)

    def status(self, name: str) -> os.stat_result | None:
        """What is there under a name, a link taken as itself; None for nothing."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def names(self) -> list[str]:
        """All names in it, sorted."""
        return sorted(os.listdir(self.fd))

    def marks(self, depth: int = 2) -> tuple[Mark, ...]:
        """Marks of the first names in it, and in its folders: whoever adds to a layout changes one.

        Args:
            depth: how many floors are looked at.
        """
        found: list[Mark] = []
        for name in self.names()[:_MARKED]:
            status = self.status(name)
            if status is None:
                continue
            found.append(mark(name, status))
            if depth > 1 and stat.S_ISDIR(status.st_mode):
                with contextlib.suppress(PermissionError), self.enter(name) as inner:
                    found += inner.marks(depth - 1)
        return tuple(found)

    def rename(self, old: str, new: str, to: Folder | None = None) -> None:
        """Rename, over a file that is there."""
        os.rename(old, new, src_dir_fd=self.fd, dst_dir_fd=(to or self).fd)

    def rename_as(self, old: str, new: str, flags: int, to: Folder | None = None) -> bool:
        """Rename as the kernel does with flags; False where it cannot.

        Raises:
            OSError: it can, and refuses.
        """
        call = getattr(_libc, "renameat2", None)
        if call is None:
            return False
        target = (to or self).fd
        if call(self.fd, os.fsencode(old), target, os.fsencode(new), flags) == 0:
            return True
        code = ctypes.get_errno()
        if code in (errno.ENOSYS, errno.EINVAL):  # an old kernel, or a file system without it
            return False
        raise OSError(code, os.strerror(code), new)

    def unlink(self, name: str) -> None:
        """Remove a name that is no folder's."""
        os.unlink(name, dir_fd=self.fd)

    def discard(self, name: str, *, tree: bool = False) -> bool:
        """Remove a file, or a folder with all in it that is ours; True when it is gone.

        What is not ours stays, and so do the folders it is in.

        Args:
            name: of it.
            tree: whether all in it is ours, whatever it is called.
        """
        if tree:
            return raze(self.fd, name)
        return any(self._cleared(name, ()) for _ in range(_PASSES))

    def _cleared(self, name: str, above: tuple[str, ...]) -> bool:
        try:
            found = self.status(name)
            if found is None:
                return True
            if not stat.S_ISDIR(found.st_mode):
                self.unlink(name)
                return True
            with self.enter(name) as inner:
                for each in inner.names():
                    below = (*above, each)
                    status = inner.status(each)
                    directory = status is not None and stat.S_ISDIR(status.st_mode)
                    if ours(below, directory=directory):
                        inner._cleared(each, below)
            os.rmdir(name, dir_fd=self.fd)
        except OSError:
            return False
        return True

    def sync(self) -> None:
        """Make the names in it durable; some network file systems cannot.

        Raises:
            OSError: the disk failed.
        """
        try:
            os.fsync(self.fd)
        except OSError as error:
            if error.errno in _FATAL:
                raise

    def sync_all(self) -> None:
        """Make every file and name below it durable."""
        for name in self.names():
            found = self.status(name)
            if found is not None and stat.S_ISDIR(found.st_mode):
                with self.enter(name) as inner:
                    inner.sync_all()
            elif found is not None:
                fd = self.read(name)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
        self.sync()

    def sync_file_system(self) -> None:
        """Make all that was written to its file system durable: cheaper than many files apart.

        Raises:
            OSError: the disk failed.
        """
        call = getattr(_libc, "syncfs", None)
        if call is None:
            os.sync()
        elif call(self.fd) and ctypes.get_errno() in _FATAL:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def give(self, name: str, owner: tuple[int, int]) -> None:
        """Let a user and a group have what was made here, where that is allowed.

        Args:
            name: of it.
            owner: their numbers.
        """
        with contextlib.suppress(PermissionError):
            os.chown(name, *owner, dir_fd=self.fd, follow_symlinks=False)

    @property
    def identity(self) -> Identity:
        """What tells it from every other."""
        return identity(os.fstat(self.fd))

    def close(self) -> None:
        """Let go of it, and of the lock on it."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)
