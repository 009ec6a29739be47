"""Paths of a layer as they are reached: through its own links, and never out of the root."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.errors import DamagedError
from oci_layout.rootfs.table import PathTable
from oci_layout.where import Where

ROOT = "."
_FOLDERS = 4096  # that are remembered: a layer goes through one after the other
_LINKS = 100_000  # symbolic links of one layer that are remembered


def rooted(path: str) -> str:
    """A path from the root, which ``..`` does not lead out of, as in a chroot."""
    return posixpath.normpath(f"/{path}").lstrip("/") or ROOT


def parent_of(path: str) -> str:
    """The folder that a path is in; the root's is the root."""
    return path.rpartition("/")[0] or ROOT


def base_of(path: str) -> str:
    """The last name of a path."""
    return path.rpartition("/")[2]


def joined(folder: str, name: str) -> str:
    """The path of what is in a folder."""
    return name if folder == ROOT else f"{folder}/{name}"


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or below it."""
    return folder in (ROOT, path) or path.startswith(f"{folder}/")


def _folders(path: str) -> Iterator[str]:
    """The folders that a path leads through, from the top."""
    at = path.find("/")
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)


class LayerPaths:
    """The paths of one layer, and which of them the layers above hide.

    Args:
        table: what has become of each path.
        level: of the layer, from 1 on.
        where: the layer, for messages.
        imply: told of each folder that has something in it, and that no layer has listed so far.
    """

    def __init__(
        self,
        table: PathTable,
        level: int,
        where: Where,
        imply: Callable[[str], object] | None = None,
    ) -> None:
        self._table, self._level, self._where, self._imply = table, level, where, imply
        self._folders: dict[str, tuple[str, bool]] = {}
        self._links: dict[str, str] = {}

    def remember(self, path: str, target: str) -> None:
        """A symbolic link of this layer: what it has below that is elsewhere."""
        if len(self._links) < _LINKS:
            self._links[path] = target

    def forget(self, path: str) -> None:
        """Something else is there now."""
        if self._links:
            self._links.pop(path, None)

    def real(self, path: str) -> tuple[str, bool]:
        """Where a file of the layer is, and whether a layer above hides the folder that it is in.

        Args:
            path: normalised; ``..`` may lead up to the root.

        Raises:
            DamagedError: it is below what is no folder, or longer than any path.
        """
        if len(path) > limits.NAME_BYTES:
            raise self._refused(f"a path of {plural(len(path), 'character')}")
        if ".." in path:
            path = rooted(path)
        folder, slash, name = path.rpartition("/")
        if path == ROOT:
            return ROOT, False
        real, hidden = self.real_folder(folder if slash else ROOT)
        return (path, hidden) if real == folder else (joined(real, name), hidden)

    def target(self, path: str, hops: int = 0) -> str:
        """Where what a hard link stands for is, which need not be there: nothing is noted.

        Args:
            path: normalised; ``..`` may lead up to the root.
            hops: links that led here.

        Raises:
            DamagedError: as ``real``.
        """
        if len(path) > limits.NAME_BYTES:
            raise self._refused(f"a path of {plural(len(path), 'character')}")
        path = rooted(path) if ".." in path else path
        for folder in _folders(path):
            at = self._table.find(folder)
            if at >= 0 and self._table.barrier[at] == self._level:
                whole = f"{self._followed(folder, hops)}{path[len(folder) :]}"
                return self.target(rooted(whole), hops + 1)
        return path

    def _empties(self, path: str) -> bool:
        """Whether a layer above has an opaque folder of this path."""
        at = self._table.find(path)
        return at >= 0 and self._table.emptied[at] > self._level

    def hides(self, path: str) -> bool:
        """Whether a layer above hides what this one has at a path.

        Args:
            path: as ``real`` gives it.
        """
        table, level = self._table, self._level
        if self._empties(ROOT):
            return True
        for folder in _folders(path):
            at = table.find(folder)
            if at >= 0 and (table.closed[at] > level or table.emptied[at] > level):
                return True
        at = table.find(path)
        return at >= 0 and (table.closed[at] > level or table.folder[at] > level)

    def _followed(self, path: str, hops: int) -> str:
        """Where a link of this layer leads to.

        Raises:
            DamagedError: it is none, or leads nowhere.
        """
        target = self._links.get(path)
        if target is None:
            raise self._refused(f"files below {path!r}, which is no folder")
        if hops >= limits.LINK_HOPS:
            raise self._refused(f"files below {path!r}, a link that leads nowhere")
        return target if target.startswith("/") else joined(parent_of(path), target)

    def real_folder(self, path: str, hops: int = 0) -> tuple[str, bool]:
        """Where a folder is, and whether a layer above hides what this one has in it.

        Args:
            path: normalised, without ``..``.
            hops: links that led here.

        Raises:
            DamagedError: as ``real``.
        """
        known = self._folders
        missing: list[str] = []
        while path not in known and path != ROOT:
            missing.append(path)
            path = parent_of(path)
        found = known.get(path)
        if found is None:
            found = known[ROOT] = ROOT, self._empties(ROOT)
        if len(known) + len(missing) > _FOLDERS:
            known.clear()
        for each in reversed(missing):
            found = known[each] = self._entered(found, base_of(each), hops)
        return found

    def _entered(self, folder: tuple[str, bool], name: str, hops: int) -> tuple[str, bool]:
        """A folder in a folder; see ``real_folder``."""
        above, hidden = folder
        path = joined(above, name)
        table, level = self._table, self._level
        at = table.place(path)
        if table.barrier[at] == level:
            return self.real_folder(rooted(self._followed(path, hops)), hops + 1)
        table.inhabited[at] = level
        if hidden or table.closed[at] > level:
            return path, True
        table.folder[at] = table.folder[at] or level
        if not table.given[at] and self._imply is not None:
            self._imply(path)
        return path, table.emptied[at] > level

    def _refused(self, what: str) -> DamagedError:
        return DamagedError(
            what=f"{what}: no engine unpacks it", where=self._where, code="layer-member"
        )
