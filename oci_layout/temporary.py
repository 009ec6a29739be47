"""What is to be undone should the process end now, and the steps it must not end in."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_undo: dict[object, Callable[[], object]] = {}
_undivided = 0
_waiting: Callable[[], object] | None = None


def register(key: object, undo: Callable[[], object]) -> None:
    """Say how something is undone, before it is made: a signal may come between.

    Args:
        key: stands for it.
        undo: may be called more than once, and from a signal's handler.
    """
    _undo[key] = undo


def forget(key: object) -> None:
    """Say that something is gone, or has become something that stays."""
    _undo.pop(key, None)


def remove_all() -> None:
    """Undo what is left, at the end of the process; the newest first."""
    for key, undo in reversed(list(_undo.items())):
        with contextlib.suppress(OSError):
            undo()
        _undo.pop(key, None)


@contextmanager
def undivided() -> Iterator[None]:
    """A step that no signal ends in the middle; it must be short."""
    global _undivided  # noqa: PLW0603  signals belong to the process as well
    _undivided += 1
    try:
        yield
    finally:
        _undivided -= 1
    if not _undivided and _waiting is not None:
        _waiting()


def interrupt(stop: Callable[[], object]) -> None:
    """Stop what goes on, at once or when an undivided step is over.

    Args:
        stop: raises, or ends the process.
    """
    global _waiting  # noqa: PLW0603  likewise
    _waiting = stop
    if not _undivided:
        stop()


@contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait: an exception in the middle of starting a thread would lose the thread.

    Threads and processes inherit the mask, so that signals reach the thread that waits for them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
