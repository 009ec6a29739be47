"""Memory given back: encoders leave holes of every size in glibc's heap, which grows with them."""

from __future__ import annotations

import ctypes

_libc = ctypes.CDLL(None)


def trim() -> None:
    """Give the holes back; it keeps memory where it was, for no time to speak of now and then."""
    release = getattr(_libc, "malloc_trim", None)
    if release is not None:
        release(0)


def give_back_at_once(size: int) -> None:
    """Let large pieces lie outside the heap, so that they go back when they are freed.

    glibc raises its own threshold up to 32 MB with each large piece that is freed, and keeps what
    lies below it. Holds for the whole process, and costs page faults only.

    Args:
        size: bytes from which a piece is large.
    """
    option = getattr(_libc, "mallopt", None)
    if option is not None:
        option(_M_MMAP_THRESHOLD, size)


_M_MMAP_THRESHOLD = -3  # mallopt(3)
