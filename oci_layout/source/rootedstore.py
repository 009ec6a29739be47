"""A folder of an engine or a registry, read as it lies there; nothing in it leads out."""

from __future__ import annotations

import enum
import errno
import os
import pwd
import stat
from collections.abc import Iterator
from typing import ClassVar

from oci_layout.errors import DamagedError, ReadError
from oci_layout.limits import ROOTED_FILES
from oci_layout.source.store import ABSENT
from oci_layout.streams import names
from oci_layout.streams.beneath import Beneath
from oci_layout.streams.member import FileMember, Member
from oci_layout.streams.reader import HeldFile, Stamp, changed, stamp_of
from oci_layout.where import Where

_LINK = {errno.ELOOP, errno.EXDEV}  # what opening says of one


class Engine(enum.Enum):
    """Whose folder it is, where that is not a registry's."""

    DOCKER = enum.auto()
    CONTAINERD = enum.auto()
    CONTAINERS = enum.auto()  # podman, buildah, CRI-O


class RootedStore:
    """A folder. Links in it are not there, wherever they lead.

    Args:
        path: the folder.
        label: how to call it in messages.

    Raises:
        ReadError: it cannot be listed.
    """

    engine: ClassVar[Engine | None] = None

    def __init__(self, path: str, label: str) -> None:
        self.label, self.root = label, path
        self._stamps: dict[str, Stamp] = {}
        try:
            self._beneath = Beneath(path)
        except OSError as error:
            raise self._refused(error, "") from error

    def _refused(self, error: OSError, name: str) -> ReadError:
        path = os.path.join(self.root, name) if name else self.root
        return refused(error, path)

    def find(self, name: str) -> Member | None:
        """The file of that name; None for a link, and for what is below one.

        Raises:
            ReadError: nobody can tell whether it is there.
            ChangedError: another file was there before.
        """
        try:
            wanted = names.normalise(name)
            status = self._beneath.status(wanted)
        except (names.UnsafeNameError, ValueError):
            return None
        except OSError as error:
            if error.errno in ABSENT or error.errno in _LINK:
                return None
            raise self._refused(error, name) from error
        if not stat.S_ISREG(status.st_mode):
            return None
        stamp = stamp_of(status)
        path = os.path.join(self.root, wanted)
        if self._stamps.setdefault(wanted, stamp) != stamp:
            raise changed(path)
        return FileMember(
            wanted,
            status.st_size,
            0,
            lambda: (self._held(wanted, stamp), True),
            store=self.label,
            path=path,
        )

    def moved(self, name: str) -> bool:
        """Whether another file has taken the place of one that was found; from now on it counts.

        Args:
            name: normalised.

        Raises:
            ReadError: nobody can tell.
        """
        before = self._stamps.pop(name, None)
        self.find(name)
        return self._stamps.get(name) != before

    def _held(self, name: str, stamp: Stamp) -> HeldFile:
        try:
            fd = self._beneath.open(name)
        except OSError as error:
            raise self._refused(error, name) from error
        return HeldFile.opened(fd, os.path.join(self.root, name), stamp)

    def folder(self, name: str) -> Beneath:
        """A folder, to be closed by whoever asks; out of it nothing leads either.

        Raises:
            OSError: it is not there, is no folder, or a link is on the way.
        """
        return self._beneath.below(name)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted.

        Raises:
            ReadError: a folder cannot be listed.
            DamagedError: ``too-many-members``.
        """
        folders, number = [prefix], 0
        while folders:
            folder = folders.pop()
            inner = []
            for each, directory in self._entries(folder):
                number += 1
                if number > ROOTED_FILES:
                    raise DamagedError(
                        code="too-many-members",
                        what=f"more than {ROOTED_FILES} files and folders",
                        where=Where(file=os.path.join(self.root, prefix)),
                    )
                name = f"{folder}/{each}" if folder else each
                if directory:
                    inner.append(name)
                else:
                    yield name
            folders += reversed(inner)

    def _entries(self, folder: str) -> list[tuple[str, bool]]:
        """Names in a folder, each with whether it is one; links and devices are left out."""
        try:
            fd = self._beneath.open(folder, os.O_DIRECTORY)
        except OSError as error:
            if error.errno in ABSENT or error.errno in _LINK:
                return []
            raise self._refused(error, folder) from error
        try:
            with os.scandir(fd) as entries:
                return sorted(
                    (entry.name, entry.is_dir(follow_symlinks=False))
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
                )
        except OSError as error:
            raise self._refused(error, folder) from error
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the folder."""
        self._beneath.close()


def refused(error: OSError, path: str) -> ReadError:
    """The error of a file or folder that cannot be read, with which user could."""
    what = error.strerror or str(error)
    return ReadError(what=what, where=Where(file=path), hint=_needed(error, path))


def _needed(error: OSError, path: str) -> str:
    """Which user may read what was refused."""
    if error.errno not in (errno.EACCES, errno.EPERM):
        return ""
    while path != os.path.dirname(path):
        try:
            number = os.stat(path).st_uid
        except OSError:
            path = os.path.dirname(path)
            continue
        try:
            name = pwd.getpwuid(number).pw_name
        except KeyError:  # of a container without root, mostly
            return (
                f"it belongs to the user number {number}: read it as root, or in the user "
                "namespace that it is of (podman unshare)"
            )
        return f"it belongs to the user {name}: read it as root" + (
            f", or as {name}" if name != "root" else ""
        )
    return ""
