"""Temporary paths that are alive: a signal may come between making one and holding it."""

from __future__ import annotations

import contextlib
import os
import shutil

_alive: set[str] = set()


def register(path: str) -> None:
    """Say that a path is about to be made."""
    _alive.add(path)


def forget(path: str) -> None:
    """Say that a path is gone, or has become something that stays."""
    _alive.discard(path)


def remove_all() -> None:
    """Remove what is still there, at the end of the process."""
    for path in list(_alive):
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(path)
        _alive.discard(path)
