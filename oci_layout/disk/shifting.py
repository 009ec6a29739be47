"""What was finished elsewhere on the same file system gets its place, whole and at once."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Collection, Iterable

from oci_layout import temporary
from oci_layout.disk.folder import EXCHANGE, NOREPLACE, Folder, identity, mark
from oci_layout.disk.place import Place, PlaceKind, failed
from oci_layout.disk.raze import raze
from oci_layout.errors import DestinationError
from oci_layout.where import Where


def make_folder(path: str) -> None:
    """Make a folder, and those it is in, as far as they are not there.

    Raises:
        DestinationError: something else is there, or it cannot be made.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise failed(error, path) from error


def new_stage(folder: str, name: str) -> str:
    """Make a new folder in one of ours, for what is not finished yet; its path.

    Args:
        folder: of ours.
        name: that the new one begins with.
    """
    return tempfile.mkdtemp(prefix=f"{name}-", dir=folder)


def clear(folder: str, *, but: str = "") -> None:
    """Remove all that is in a folder of ours. What cannot be removed is left to the next run.

    Args:
        folder: of ours, with all that is in it.
        but: a name in it that stays.
    """
    with contextlib.suppress(OSError), Folder.at(folder) as held:
        for name in held.names():
            if name != but:
                raze(held.fd, name)


def remove(path: str) -> None:
    """Remove a folder of ours with all that is in it."""
    with contextlib.suppress(OSError), Folder.at(os.path.dirname(path)) as held:
        raze(held.fd, os.path.basename(path))


def move_missing(source: str, target: str, names: Iterable[str]) -> None:
    """Move files between two folders of ours, on one file system; what is there already stays.

    Args:
        source: what they are in.
        target: what they come to be in, below folders of the same names.
        names: of the files, relative.

    Raises:
        DestinationError: the disk refuses.
    """
    folders = set()
    try:
        for name in names:
            old, new = os.path.join(source, name), os.path.join(target, name)
            folder = os.path.dirname(new)
            if folder not in folders:
                os.makedirs(folder, exist_ok=True)
                folders.add(folder)
            if not os.path.lexists(new):
                with contextlib.suppress(FileNotFoundError):  # moved by a run that was killed
                    os.rename(old, new)
        for folder in folders:
            with Folder.at(folder) as held:
                held.sync()
    except OSError as error:
        raise failed(error, target) from error


def keep_only(folder: str, names: Collection[str]) -> None:
    """Remove the files of a folder of ours that nobody needs, two floors down.

    Args:
        folder: of ours, with folders in it.
        names: of the files that stay, each as ``NAME/FILE`` behind the folder's own name.
    """
    own = os.path.basename(folder)
    with contextlib.suppress(OSError), Folder.at(folder) as held:
        for each in held.names():
            with held.enter(each) as inner:
                for name in inner.names():
                    if f"{own}/{each}/{name}" not in names:
                        inner.unlink(name)


def shift(folder: str, name: str, place: Place, *, replace: bool) -> None:
    """Give a file or folder the name of a place.

    What was there comes to where the new one was, under its name.

    Args:
        folder: that the finished one is in.
        name: of it there.
        place: as it was looked at; what is there now is replaced only if it is that.
        replace: whether anything may be replaced.

    Raises:
        DestinationError: something is there that was not seen, or must not be replaced; or the
            disk refuses.
    """
    try:
        with Folder.at(folder) as held, temporary.undivided():
            there = place.parent.status(place.name)
            if there is None:
                _take(held, name, place)
            elif not replace or place.kind is PlaceKind.ABSENT or not _as_seen(place, there):
                raise _in_the_way(place)
            else:
                _exchange(held, name, place)
        place.parent.sync()
    except OSError as error:
        raise failed(error, place.path) from error


def _take(held: Folder, name: str, place: Place) -> None:
    try:
        if held.rename_as(name, place.name, NOREPLACE, place.parent):
            return
    except FileExistsError as error:
        raise _in_the_way(place) from error
    if place.parent.status(place.name) is not None:
        raise _in_the_way(place)
    held.rename(name, place.name, place.parent)


def _exchange(held: Folder, name: str, place: Place) -> None:
    if held.rename_as(name, place.name, EXCHANGE, place.parent):
        back = held.status(name)
        if back is None or not _as_seen(place, back):
            held.rename_as(name, place.name, EXCHANGE, place.parent)
            raise _in_the_way(place)
        return
    aside = f"{name}.old"
    place.parent.rename(place.name, aside, held)
    try:
        held.rename(name, place.name, place.parent)
    except OSError:
        with contextlib.suppress(OSError):
            held.rename(aside, place.name, place.parent)
        raise


def _as_seen(place: Place, there: os.stat_result) -> bool:
    seen = place.status
    if seen is None or stat.S_IFMT(seen.st_mode) != stat.S_IFMT(there.st_mode):
        return False
    if stat.S_ISREG(there.st_mode):
        return mark("", seen) == mark("", there)
    return identity(seen) == identity(there)


def _in_the_way(place: Place) -> DestinationError:
    return DestinationError(
        what="something else is there than before the work, and is not replaced",
        where=Where(file=place.path),
        hint="look at it, and try again",
    )
