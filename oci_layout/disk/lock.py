"""One lock for all that changes or replaces a layout folder: flock(2) on the folder itself."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from oci_layout.disk.folder import Folder, identity
from oci_layout.errors import DestinationError
from oci_layout.where import Where

PATIENCE = 30.0  # seconds to wait for whoever holds it
_TRIES = 100  # folders that may be put in the place of one another while we wait
_told = logging.getLogger("oci_layout")


@contextmanager
def locked(parent: Folder, name: str, path: str) -> Iterator[Folder]:
    """Hold the folder of a name against all other writers.

    While one waits, another run may put a new folder in its place: the folder that is given is
    the one of that name.

    Args:
        parent: the folder it is in.
        name: its name.
        path: how to call it in messages.

    Raises:
        DestinationError: somebody holds it for longer than ``PATIENCE``.
        OSError: it is not there, or cannot be locked.
    """
    end = time.monotonic() + PATIENCE
    for _ in range(_TRIES):
        with parent.enter(name) as folder:
            _wait(folder, path, end)
            there = parent.status(name)
            if there is not None and identity(there) == folder.identity:
                folder.path = path
                yield folder
                return
    raise DestinationError(what="is replaced again and again by other runs", where=Where(file=path))


def try_lock(fd: int) -> bool:
    """Take the lock of a file or folder, if nobody has it.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(folder: Folder, path: str, end: float) -> None:
    pause, told = 0.005, False
    while not try_lock(folder.fd):
        left = end - time.monotonic()
        if left <= 0:
            raise DestinationError(
                what="another process holds the folder's lock and does not let go of it",
                where=Where(file=path),
                hint="lslocks shows who; try again when it is done",
            )
        if pause > 0.2 and not told:  # not worth a word below half a second
            shown = path if path.isprintable() else ascii(path)
            _told.warning("waiting for another process that holds %s", shown)
            told = True
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.25)
