"""openat2(2), which the standard library does not have."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable

_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_HOW_BYTES = ctypes.sizeof(_How)
_syscall: Callable[..., int] = ctypes.CFUNCTYPE(
    ctypes.c_long,
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(_How),
    ctypes.c_size_t,
    use_errno=True,
)(("syscall", _libc))


@functools.lru_cache(maxsize=64)  # asked for every file, and there are few
def _how(flags: int, resolve: int) -> _How:
    return _How(flags, 0, resolve)


def openat2(number: int, folder: int, name: str, flags: int, resolve: int) -> int:
    """Open what lies below a folder.

    Args:
        number: of the call.
        folder: its descriptor.
        name: relative.
        flags: as of openat(2).
        resolve: how links are followed.

    Returns:
        The descriptor; an error number, negative, where it cannot be opened.
    """
    fd = _syscall(number, folder, os.fsencode(name), _how(flags, resolve), _HOW_BYTES)
    return fd if fd >= 0 else -ctypes.get_errno()
