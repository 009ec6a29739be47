"""Opens what lies below a folder: no link on the way is followed, so nothing outside is reached.

openat2(2) does it in one call where the kernel has it; elsewhere each folder is entered in turn.
With openat2(2) a folder can also be a root, in which links lead where they would for a process
whose root it is. The time of the last access stays as it is where the system allows that.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable

from oci_layout.closing import Closing

_OPENAT2 = 437  # the same number on every processor
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH, _IN_ROOT = 0x02, 0x04, 0x08, 0x10
_NO_LINKS = _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS
_AS_ROOT = _IN_ROOT | _NO_MAGICLINKS
_WITHOUT = {errno.ENOSYS, errno.EPERM, errno.EINVAL}  # an old kernel, or a sandbox
_TO_GO_ON = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC  # its names need not be readable
_TO_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES = 8  # EAGAIN: somebody renames a folder on the way


@functools.cache
def _openat2() -> Callable[[int, int, str, int, int], int]:
    from oci_layout.streams.openat2 import openat2  # noqa: PLC0415  a fast start

    return openat2


def _single(name: str) -> bool:
    """Whether a name has one part, which leads nowhere else where links are not followed."""
    return "/" not in name and name not in {"", ".", ".."}


class Beneath(Closing):
    """A folder, and what lies below it.

    Args:
        path: the folder; links that lead to it are followed, once.

    Raises:
        OSError: it is not there, or is no folder.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._one_call, self._still = True, True

    def below(self, name: str) -> Beneath:
        """A folder in it as one of its own, out of which nothing leads either.

        Args:
            name: relative and normalised.

        Raises:
            OSError: it is not there, is no folder, or a link is on the way.
        """
        return self._inner(self.open(name, os.O_DIRECTORY))

    def rooted(self, name: str) -> Beneath:
        """A folder in it to look below, with links on the way as they lead from this as root.

        An absolute link begins here, and ``..`` leads no higher. Where the kernel cannot do that,
        no link is followed.

        Args:
            name: relative and normalised.

        Raises:
            OSError: it is not there, or is no folder.
        """
        return self._inner(self._open(name or ".", _TO_GO_ON, _AS_ROOT))

    def _inner(self, fd: int) -> Beneath:
        inner = type(self).__new__(type(self))
        inner._fd = fd
        inner._one_call, inner._still = self._one_call, self._still
        return inner

    def open(self, name: str, flags: int = 0) -> int:
        """A descriptor of what has a name, to read.

        Args:
            name: relative and normalised; empty for the folder itself.
            flags: beyond those for reading, as ``os.O_DIRECTORY``.

        Raises:
            OSError: it is not there, or a link is on the way.
        """
        flags |= _TO_READ
        if self._still:
            try:
                return self._open(name or ".", flags | os.O_NOATIME, _NO_LINKS)
            except PermissionError:  # only its owner may ask for that
                found = self._open(name or ".", flags, _NO_LINKS)
                self._still = False
                return found
        return self._open(name or ".", flags, _NO_LINKS)

    def status(self, name: str) -> os.stat_result:
        """What is there, links not followed; for a file that need not be readable.

        Raises:
            OSError: it is not there, or a link is on the way.
        """
        if _single(name):
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        fd = self._open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, _NO_LINKS)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def _open(self, name: str, flags: int, resolve: int) -> int:
        if _single(name) and not flags & os.O_DIRECTORY:  # of a link to a folder ENOTDIR is said
            return os.open(name, flags, dir_fd=self._fd)
        if self._one_call:
            for _ in range(_TRIES):
                fd = _openat2()(_OPENAT2, self._fd, name, flags, resolve)
                if fd >= 0:
                    return fd
                code = -fd
                if code not in {errno.EAGAIN, errno.EINTR}:
                    break
            if code not in _WITHOUT or (code == errno.EPERM and flags & os.O_NOATIME):
                raise OSError(code, os.strerror(code), name)
            self._one_call = False
        return self._step_by_step(name, flags | os.O_NOFOLLOW)

    def _step_by_step(self, name: str, flags: int) -> int:
        *folders, last = name.split("/")
        if ".." in (*folders, last):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
        entering = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        at = os.dup(self._fd)
        try:
            for folder in folders:
                below = os.open(folder, entering, dir_fd=at)
                os.close(at)
                at = below
            return os.open(last, flags, dir_fd=at)
        finally:
            os.close(at)

    def close(self) -> None:
        """Let go of the folder."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
