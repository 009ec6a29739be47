"""A place: a name that the user gave, and what was there when it was first looked at.

Written under another name beside it, made durable, renamed. What a killed run leaves is called
``.NAME.layout-XXXXXXXX.tmp`` and held by nobody. Without renameat2(2) a folder is replaced by two
renames; between them the old one is called ``.NAME.layout-XXXXXXXX-old.tmp``. The next run gives
it its name back.
"""

from __future__ import annotations

import contextlib
import enum
import os
import stat

import attrs

from oci_layout.closing import Closing
from oci_layout.disk import names
from oci_layout.disk.folder import NOREPLACE, Folder, Identity, Mark, identity
from oci_layout.disk.lock import try_lock
from oci_layout.errors import DestinationError
from oci_layout.where import Where


class PlaceKind(enum.Enum):
    """What is at a place."""

    ABSENT = "nothing"
    FILE = "a file"
    EMPTY = "an empty folder"
    FOLDER = "a folder"
    OTHER = "neither a file nor a folder"


def failed(error: OSError, path: str, hint: str = "") -> DestinationError:
    """An operating system's refusal as our own error."""
    return DestinationError(what=error.strerror or str(error), where=Where(file=path), hint=hint)


def unmade(error: OSError, path: str, folder: str) -> DestinationError:
    """The refusal of a folder in which something was to be made.

    Args:
        error: of the operating system.
        path: what was to be made, as the user called it.
        folder: where.
    """
    why = error.strerror or str(error)
    return DestinationError(what=f"cannot be made in {folder}: {why}", where=Where(file=path))


@attrs.frozen(kw_only=True)
class Place(Closing):
    """A name in a folder that is held open, and what was seen there.

    Args:
        path: as the user called it.
        parent: the folder.
        name: in the folder; links that led here were followed once.
        kind: what was seen.
        status: of what was seen; None for nothing.
        inside: marks of what was seen in a folder.
        begin: how temporary names for it begin.
    """

    path: str
    parent: Folder
    name: str
    kind: PlaceKind
    status: os.stat_result | None
    inside: tuple[Mark, ...]
    begin: str

    @classmethod
    def look(cls, option: str, path: str) -> Place:
        """Look at a place, before any work; an old folder that a killed run took away is put back.

        Args:
            option: where the user named it, for messages.
            path: the place; a link to a file or folder is followed, and stays.

        Raises:
            UsageError: it names nothing that could be written.
            DestinationError: there is no such folder, or no such name can be.
        """
        names.require_name(option, path)
        real = os.path.realpath(path)
        folder, name = os.path.split(real)
        try:
            parent = Folder.at(folder)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DestinationError(
                what=f"no such directory as {folder}", where=Where(file=path)
            ) from error
        except OSError as error:
            raise unmade(error, path, folder) from error
        try:
            longest = os.fpathconf(parent.fd, "PC_NAME_MAX") if name else 0
            size = len(os.fsencode(name))
            if not name or size > longest:
                raise DestinationError(
                    what=f"the name has {size} bytes, and {longest} are possible there"
                    if name
                    else "is the root of the file system",
                    where=Where(file=path),
                )
            begin = names.stem(name, longest)
            if parent.status(name) is None:
                _restore(parent, name, begin)
            status = parent.status(name)
            kind, inside = _kind(parent, name, status)
            if os.path.islink(path) and kind in (PlaceKind.ABSENT, PlaceKind.EMPTY):
                kind = PlaceKind.OTHER if status is None else PlaceKind.FOLDER
        except OSError as error:
            parent.close()
            raise failed(error, path) from error
        except DestinationError:
            parent.close()
            raise
        return cls(
            path=path,
            parent=parent,
            name=name,
            kind=kind,
            status=status,
            inside=inside,
            begin=begin,
        )

    @property
    def real(self) -> str:
        """Where it is, links followed."""
        return os.path.join(self.parent.path, self.name)

    @property
    def identity(self) -> Identity | None:
        """Of what was seen."""
        return None if self.status is None else identity(self.status)

    def close(self) -> None:
        """Let go of the folder."""
        self.parent.close()


def _kind(
    parent: Folder, name: str, status: os.stat_result | None
) -> tuple[PlaceKind, tuple[Mark, ...]]:
    if status is None:
        return PlaceKind.ABSENT, ()
    if stat.S_ISREG(status.st_mode):
        return PlaceKind.FILE, ()
    if not stat.S_ISDIR(status.st_mode):
        return PlaceKind.OTHER, ()
    with contextlib.suppress(PermissionError), parent.enter(name) as folder:
        return PlaceKind.FOLDER if folder.names() else PlaceKind.EMPTY, folder.marks()
    return PlaceKind.FOLDER, ()


def _held(parent: Folder, name: str) -> Folder | None:
    """A leftover that is ours and that nobody works on, locked; None for what else it is."""
    status = parent.status(name)
    if status is None or status.st_uid != os.geteuid():
        return None
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        return None
    held = Folder(parent.read(name), name)
    try:
        if identity(os.fstat(held.fd)) == identity(status) and try_lock(held.fd):
            return held
    except OSError:
        pass
    held.close()
    return None


def _restore(parent: Folder, name: str, begin: str) -> None:
    """Give an old folder its name back."""
    with contextlib.suppress(OSError):
        for old in names.leftovers(begin, parent.names())[0]:
            held = _held(parent, old)
            if held is None:
                continue
            with held:
                if parent.status(name) is None and not parent.rename_as(old, name, NOREPLACE):
                    parent.rename(old, name)
                return


def tidy(place: Place, *, tree: bool = False) -> None:
    """Remove what killed runs to this place left; what a live run holds is locked.

    An old folder stays while the new one is beside it: then that was never given the name.

    Args:
        place: looked at before.
        tree: whether runs to it put files of any name into a folder.
    """
    parent = place.parent
    with contextlib.suppress(OSError):
        old, new = names.leftovers(place.begin, parent.names())
        between = {name for name in old if names.new_of(name) in new}
        between |= {names.new_of(name) for name in between}
        for name in (*old, *new):
            held = None if name in between else _held(parent, name)
            if held is not None:
                with held:
                    parent.discard(name, tree=tree and name in new)
