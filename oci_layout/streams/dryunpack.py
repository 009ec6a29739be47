"""A layer unpacked on paper: what of its files stands in the way of whoever unpacks it.

moby pkg/archive/diff.go and archive.go, containerd pkg/archive/tar.go, tar-split
tar/storage/packer.go; each kind was measured.
"""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Iterable, Iterator

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.streams.layerfiles import FileType, LayerFile, read_layer
from oci_layout.streams.reader import Reader, chunks
from oci_layout.streams.whiteouts import WhiteoutKind
from oci_layout.where import Where

_BROKEN = ("truncated", "bad-tar-header")


class Snag(enum.Enum):
    """What stands in the way."""

    BROKEN = "broken"  # the tar itself: it is cut, or a header is none
    REPEATED = "repeated"  # a path stands twice
    BELOW_A_FILE = "below a file"  # a path leads through what is no folder
    LINKED_FOLDER = "linked folder"  # a hard link to a folder
    LOST_LINK = "lost link"  # a hard link to what this layer does not have, at that place
    LEAVES = "leaves"  # a path, or what a hard link stands for, leads out of the root
    REMOVED = "removed"  # a whiteout of what this very layer has


@attrs.frozen
class Snagged:
    """One of them, the first of its kind; of lost links each.

    Args:
        snag: what it is.
        path: of the file.
        text: what is to be said of it.
        target: what a lost link stands for.
        removed: whether this layer removes what the link stands for.
    """

    snag: Snag
    path: str
    text: str
    target: str = ""
    removed: bool = False


def unpack_on_paper(reader: Reader, where: Where) -> tuple[Snagged, ...]:
    """What stands in the way of unpacking a layer on an empty folder.

    Args:
        reader: the unpacked tar; read to its end.
        where: the layer.

    Raises:
        DamagedError: what the reader raises.
    """
    tree = _Tree()
    try:
        for file in read_layer(reader, where):
            tree.add(file)
    except DamagedError as error:
        if error.code not in _BROKEN:
            raise
        tree.snag(Snag.BROKEN, "", error.what)
    for _ in chunks(reader):
        pass
    return tree.found


def lacking(reader: Reader, where: Where, wanted: Iterable[str]) -> set[str]:
    """Those of some paths that a layer does not have.

    Args:
        reader: the unpacked tar.
        where: the layer.
        wanted: paths from the root.

    Raises:
        DamagedError: the layer cannot be read.
    """
    left = set(wanted)
    for file in read_layer(reader, where):
        left.discard(file.path)
    return left


class _Tree:
    """The files of a layer so far: of each path whether it is a folder, a link, or a file."""

    def __init__(self) -> None:
        self._types: dict[str, FileType] = {"": FileType.DIRECTORY}
        self._names: set[str] = set()
        self._removed: set[str] = set()
        self._first: dict[Snag, Snagged] = {}
        self._lost: list[Snagged] = []

    @property
    def found(self) -> tuple[Snagged, ...]:
        return (*self._first.values(), *self._lost)

    def snag(self, snag: Snag, path: str, text: str) -> None:
        self._first.setdefault(snag, Snagged(snag, path, text))

    def add(self, file: LayerFile) -> None:
        """Take the next file; of a layer with more than anybody has the rest is not judged."""
        if len(self._names) >= limits.JUDGED_FILES:
            return
        path = _rooted(file.path)
        self._name(file)
        if _leaves(file.path) or (file.type is FileType.HARDLINK and _leaves(file.linkname)):
            self.snag(Snag.LEAVES, file.path, f"{file.path!r} leads out of the layer")
        if self._through(path, file.path):
            return
        whiteout = file.whiteout
        if whiteout is not None:
            if whiteout.kind is WhiteoutKind.FILE:
                self._remove(_rooted(whiteout.target))
            return
        if file.type is FileType.HARDLINK:
            self._link(file)
        self._types[path] = file.type

    def _name(self, file: LayerFile) -> None:
        # tar-split compares what Go's path.Clean leaves of names, and "/a" is not "a".
        name = posixpath.normpath(file.name)
        if name in self._names:
            self.snag(Snag.REPEATED, file.path, f"{file.path!r} stands twice")
        self._names.add(name)

    def _through(self, path: str, shown: str) -> bool:
        """Whether a path leads through a link, or through what is no folder."""
        for folder in _folders(path):
            there = self._types.get(folder)
            if there is FileType.SYMLINK:
                return True  # wherever that leads to
            if there not in (None, FileType.DIRECTORY):
                self.snag(Snag.BELOW_A_FILE, shown, f"{shown!r} is below what is no folder")
                return True
        return False

    def _link(self, file: LayerFile) -> None:
        target = _rooted(file.linkname)
        there = self._types.get(target)
        if there is FileType.DIRECTORY:
            self.snag(Snag.LINKED_FOLDER, file.path, f"{file.path!r} is a hard link to a folder")
        elif there is None and not self._linked(target) and len(self._lost) < limits.LOST_LINKS:
            text = f"{file.path!r} is a hard link to {file.linkname!r}, which is not there"
            removed = target in self._removed
            self._lost.append(Snagged(Snag.LOST_LINK, file.path, text, target, removed))

    def _linked(self, path: str) -> bool:
        return any(self._types.get(folder) is FileType.SYMLINK for folder in _folders(path))

    def _remove(self, path: str) -> None:
        self._removed.add(path)
        if self._types.pop(path, None) is not None:
            self.snag(Snag.REMOVED, path, f"a whiteout removes {path!r}, which this layer has")


def _rooted(path: str) -> str:
    """A path from the root, which ``..`` does not lead out of; empty for the root itself."""
    return posixpath.normpath(f"/{path}").lstrip("/")


def _leaves(path: str) -> bool:
    """Whether a path leads above the root on its way."""
    return posixpath.normpath(path).split("/", 1)[0] == ".."


def _folders(path: str) -> Iterator[str]:
    """The folders that a path leads through, from the top."""
    at = path.find("/")
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)
