"""Writing a stretch of a file, in order, so that little is left to do when it must be durable."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os

_WRITE_BACK = 8 << 20  # bytes after which the disk is asked to begin with them
_SYNC_FILE_RANGE_WRITE = 2  # sync_file_range(2)
_FICLONE = 0x40049409  # ioctl_ficlone(2)
_libc = ctypes.CDLL(None, use_errno=True)
_off_t = ctypes.c_long


class OverflowingError(Exception):
    """More bytes came than there is room for."""


class OutFile:
    """Writes from an offset on.

    Without being asked, the kernel keeps what is written for some seconds, and a sync at the end
    waits for all of it. Asked after every few megabytes, the disk works while layers are hashed.

    Args:
        fd: descriptor to write to; its position is not used.
        offset: where to begin, bytes.
        room: bytes there is room for; None for no bound.
        durable: whether the file will be synced in the end.
    """

    def __init__(
        self, fd: int, offset: int = 0, *, room: int | None = None, durable: bool = True
    ) -> None:
        self._fd, self._at, self._begun = fd, offset, offset
        self._end = None if room is None else offset + room
        self._durable = durable

    def write(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            OverflowingError: they do not fit; nothing of them is written.
        """
        if self._end is not None and self._at + len(data) > self._end:
            raise OverflowingError
        done = os.pwrite(self._fd, data, self._at)
        while done < len(data):
            done += os.pwrite(self._fd, memoryview(data)[done:], self._at + done)
        self._at += done
        if self._durable and self._at - self._begun >= _WRITE_BACK:
            begin_write_back(self._fd, self._begun, self._at - self._begun)
            self._begun = self._at


def begin_write_back(fd: int, offset: int, size: int) -> None:
    """Ask the disk to begin with a stretch; a hint, on Linux alone."""
    call = getattr(_libc, "sync_file_range", None)
    if call is not None:
        call(fd, _off_t(offset), _off_t(size), _SYNC_FILE_RANGE_WRITE)


def preallocate(fd: int, size: int) -> None:
    """Reserve room for a large file whose size is known.

    That is cheaper than growing it, and a full disk shows; a small file only becomes more costly
    to sync. Where the file system cannot, nothing happens (glibc's posix_fallocate would write it
    all).

    Raises:
        OSError: the disk is full.
    """
    call = getattr(_libc, "fallocate", None)
    if call is None or size < _WRITE_BACK:
        return
    if call(fd, 0, _off_t(0), _off_t(size)) and ctypes.get_errno() in {errno.ENOSPC, errno.EDQUOT}:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def cloned(source: int, target: int) -> bool:
    """Let a file share the blocks of another; False where the file system cannot.

    Args:
        source: descriptor of the file that is there.
        target: descriptor of an empty file.
    """
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
