"""What is opened in a folder, by whoever: told by the kernel (inotify(7)), not by the program."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN, _ACCESS = 0x20, 0x01
_HEAD = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def opened_in(folder: Path) -> Iterator[list[str]]:
    """The names of files in a folder that are opened or read, in the list when the block ends."""
    found: list[str] = []
    fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert fd >= 0
    try:
        assert _libc.inotify_add_watch(fd, os.fsencode(folder), _OPEN | _ACCESS) >= 0
        yield found
        data = _events(fd)
        while data:
            _, _, _, length = _HEAD.unpack_from(data)
            name = data[_HEAD.size : _HEAD.size + length].rstrip(b"\0")
            found += [os.fsdecode(name)] if name else []
            data = data[_HEAD.size + length :]
    finally:
        os.close(fd)


def _events(fd: int) -> bytes:
    try:
        return os.read(fd, 1 << 16)
    except BlockingIOError:
        return b""
