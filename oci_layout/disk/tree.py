"""Files of any kind below a folder: nothing is written, linked or changed outside of it.

Each name is reached from the folder through descriptors, one part after the other, and no link is
followed. A path that leads through one is refused by the kernel.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

import attrs

from oci_layout.closing import Closing

_ENTER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNSUPPORTED = {errno.ENOTSUP, errno.EPERM, errno.EACCES}
_SPECIAL_BITS = 0o7000
_INT64 = 1 << 63


@attrs.frozen(kw_only=True)
class Access:
    """Who may do what with a file, and when it was changed.

    Args:
        mode: permission bits.
        owner: numbers of user and group; None for those of this process.
        mtime: nanoseconds since 1970.
        xattrs: extended attributes.
    """

    mode: int
    owner: tuple[int, int] | None
    mtime: int
    xattrs: tuple[tuple[str, bytes], ...] = ()

    @property
    def bits(self) -> int:
        """Those that are set: setuid and its like mean nothing for another owner."""
        return self.mode if self.owner is not None else self.mode & ~_SPECIAL_BITS

    @property
    def times(self) -> tuple[int, int]:
        """Of the last access and change; what no file system holds is 1970, as engines have it."""
        mtime = self.mtime if -_INT64 <= self.mtime < _INT64 else 0
        return mtime, mtime


class Tree(Closing):
    """Makes files below a folder. A context manager, which lets go of what it holds open.

    Args:
        fd: descriptor of the folder, which stays the caller's.
    """

    def __init__(self, fd: int) -> None:
        self._root = fd
        self._path, self._fd = "", os.dup(fd)
        self.attributes_left_out = 0

    def close(self) -> None:
        """Let go of the folder that was written to last."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _folder(self, path: str) -> int:
        """A descriptor of a folder, entered from the one before where it is below that."""
        if path == self._path:
            return self._fd
        if self._path and path.startswith(f"{self._path}/"):
            at, rest = os.dup(self._fd), path[len(self._path) + 1 :]
        else:
            at, rest = os.dup(self._root), path
        try:
            for name in rest.split("/") if rest else ():
                below = os.open(_single(name), _ENTER, dir_fd=at)
                os.close(at)
                at = below
        except BaseException:
            os.close(at)
            raise
        os.close(self._fd)
        self._path, self._fd = path, at
        return at

    def _parent(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        return self._folder(folder), _single(name)

    def _clear(self, at: int, name: str) -> None:
        """Remove what an earlier file of the same path left.

        Raises:
            OSError: it is a folder with something in it.
        """
        try:
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(found.st_mode):
            os.rmdir(name, dir_fd=at)
        else:
            os.unlink(name, dir_fd=at)

    def folder(self, path: str) -> None:
        """Make a folder where there is none; who may enter it is said in the end.

        Raises:
            OSError: the system refuses.
        """
        at, name = self._parent(path)
        try:
            os.mkdir(name, stat.S_IRWXU, dir_fd=at)
        except FileExistsError:
            if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                return
            self._clear(at, name)
            os.mkdir(name, stat.S_IRWXU, dir_fd=at)

    def folders(self, path: str) -> None:
        """Make the folders that a path is in, where they are missing."""
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            self.folder("/".join(parts[:count]))

    def file(self, path: str, pieces: Iterable[bytes | int], access: Access) -> None:
        """Make a regular file.

        Args:
            path: of it.
            pieces: its bytes; a number stands for so many that are not there, and read as zeros.
            access: what is said of it.

        Raises:
            OSError: the system refuses.
        """
        at, name = self._parent(path)
        self._clear(at, name)
        fd = os.open(name, _CREATE, 0o600, dir_fd=at)
        try:
            hole = False
            for piece in pieces:
                hole = isinstance(piece, int)
                if isinstance(piece, int):
                    os.lseek(fd, piece, os.SEEK_CUR)
                else:
                    _write_all(fd, piece)
            if hole:
                os.ftruncate(fd, os.lseek(fd, 0, os.SEEK_CUR))
            self._finish(fd, access)
        finally:
            os.close(fd)

    def symlink(self, path: str, target: str, access: Access) -> None:
        """Make a symbolic link, wherever it leads: nobody follows it here.

        Raises:
            OSError: the system refuses.
        """
        at, name = self._parent(path)
        self._clear(at, name)
        os.symlink(target, name, dir_fd=at)
        if access.owner is not None:
            os.chown(name, *access.owner, dir_fd=at, follow_symlinks=False)
        os.utime(name, ns=access.times, dir_fd=at, follow_symlinks=False)

    def link(self, path: str, target: str) -> None:
        """Make a hard link to a file of the tree.

        Raises:
            OSError: the system refuses; the target is not there.
        """
        folder, _, old = target.rpartition("/")
        _single(old)
        held = os.dup(self._folder(folder))
        try:
            at, name = self._parent(path)
            self._clear(at, name)
            os.link(old, name, src_dir_fd=held, dst_dir_fd=at, follow_symlinks=False)
        finally:
            os.close(held)

    def node(self, path: str, kind: int, device: tuple[int, int], access: Access) -> None:
        """Make a FIFO or a device.

        Args:
            path: of it.
            kind: ``stat.S_IFIFO``, ``S_IFCHR`` or ``S_IFBLK``.
            device: major and minor number.
            access: what is said of it.

        Raises:
            OSError: the system refuses.
        """
        at, name = self._parent(path)
        self._clear(at, name)
        os.mknod(name, kind | stat.S_IRUSR | stat.S_IWUSR, os.makedev(*device), dir_fd=at)
        if access.owner is not None:
            os.chown(name, *access.owner, dir_fd=at, follow_symlinks=False)
        os.chmod(name, access.bits, dir_fd=at)  # it is no link: it was made here
        os.utime(name, ns=access.times, dir_fd=at, follow_symlinks=False)

    def settle(self, path: str, access: Access) -> None:
        """Say who may enter a folder, once all that is in it is there.

        Args:
            path: of it; empty for the top.
            access: what is said of it.

        Raises:
            OSError: the system refuses.
        """
        if path:
            at, name = self._parent(path)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(name, flags, dir_fd=at)
        else:
            fd = os.dup(self._root)
        try:
            self._finish(fd, access)
        finally:
            os.close(fd)

    def _finish(self, fd: int, access: Access) -> None:
        if access.owner is not None:
            os.fchown(fd, *access.owner)
        for name, value in access.xattrs:  # after the owner, which takes capabilities away
            try:
                os.setxattr(fd, name, value)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
                self.attributes_left_out += 1
        os.fchmod(fd, access.bits)
        os.utime(fd, ns=access.times)


def _single(name: str) -> str:
    """A name of one file in its folder.

    Raises:
        OSError: it stands for another one.
    """
    if name in ("", ".", ".."):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
    return name


def _write_all(fd: int, data: bytes) -> None:
    done = os.write(fd, data)
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])
