"""What the layers of an image take: of each file where it is, and what later layers hide or repeat.

The layers are read from the base up, once each, into a tree of names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.rootfs.layers import LayerTar
from oci_layout.rootfs.paths import ROOT, joined, rooted
from oci_layout.streams.layerfiles import FileType, LayerFile, read_layer
from oci_layout.streams.whiteouts import WhiteoutKind


class FileNode:
    """A file or folder of the merged file system.

    Args:
        size: bytes; of a folder, once all layers are read, of all that is in it.
        layer: number of the layer that it comes from, the base 0.
        children: by name; None for what is no folder.
        link: what a symbolic link says.
    """

    __slots__ = ("children", "cleared", "files", "layer", "link", "size")

    def __init__(self, size: int, layer: int, *, folder: bool, link: str = "") -> None:
        self.size, self.layer, self.link = size, layer, link
        self.children: dict[str, FileNode] | None = {} if folder else None
        self.files = 0 if folder else 1
        self.cleared = -1  # the last layer whose whiteouts were applied here and below

    @property
    def folder(self) -> bool:
        """Whether it is one."""
        return self.children is not None


@attrs.frozen(kw_only=True)
class LayerUsage:
    """What a layer holds.

    Args:
        files: of every type but folders.
        bytes: of them.
        whiteouts: files and folders of lower layers that it removes, opaque folders included.
        hidden: bytes of its files that are not seen in the end.
    """

    files: int
    bytes: int
    whiteouts: int
    hidden: int


@attrs.define(kw_only=True)
class Repeated:
    """A path that several layers have, or that was removed.

    Args:
        path: from the root.
        layers: how many have it.
        bytes: of all its versions.
        removed: whether it is gone in the end.
    """

    path: str
    layers: int
    bytes: int
    removed: bool = False


@attrs.frozen(kw_only=True)
class Usage:
    """What the layers of an image take.

    Args:
        layers: base first.
        root: of the merged file system.
        repeated: those that take the most, the largest first.
        repeats: how many there are.
        wasted: bytes of all versions of all of them, as dive counts.
    """

    layers: tuple[LayerUsage, ...]
    root: FileNode
    repeated: tuple[Repeated, ...]
    repeats: int
    wasted: int

    @property
    def bytes(self) -> int:
        """Of all files of all layers."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def hidden(self) -> int:
        """Bytes that are not seen in the end."""
        return sum(layer.hidden for layer in self.layers)


_SHOWN = 200  # repeated paths that are kept


def usage(layers: Sequence[LayerTar]) -> Usage:
    """Read the layers of an image.

    Args:
        layers: base first.

    Raises:
        DamagedError: one is damaged, or there are far more files than images have.
    """
    tree = _Tree()
    done: list[_Counts] = []
    for tar in layers:
        tree.begin()
        with tar.open() as reader:
            for file in read_layer(reader, tar.where):
                tree.take(file)
                if tree.full:
                    raise DamagedError(
                        what=f"more than {limits.USAGE_PATHS} files in all layers",
                        where=tar.where,
                        code="too-many-members",
                    )
        tree.end()
        done = tree.counts
    tree.sum_up()
    found = sorted(
        (each for each in tree.repeated.values() if each.bytes),
        key=lambda each: (-each.bytes, each.path),
    )
    return Usage(
        layers=tuple(LayerUsage(**attrs.asdict(each)) for each in done),
        root=tree.root,
        repeated=tuple(found[:_SHOWN]),
        repeats=len(found),
        wasted=sum(each.bytes for each in found),
    )


@attrs.define
class _Counts:
    files: int = 0
    bytes: int = 0
    whiteouts: int = 0
    hidden: int = 0


class _Tree:
    """The merged file system, as it grows layer by layer."""

    def __init__(self) -> None:
        self.root = FileNode(0, 0, folder=True)
        self.repeated: dict[str, Repeated] = {}
        self.counts: list[_Counts] = []
        self._nodes = 0
        self._level = -1
        self._removed: dict[str, bool] = {}

    @property
    def full(self) -> bool:
        """Whether no more is taken."""
        return self._nodes + len(self.repeated) + len(self._removed) > limits.USAGE_PATHS

    def begin(self) -> None:
        """The next layer."""
        self._level += 1
        self.counts.append(_Counts())
        self._removed.clear()

    def take(self, file: LayerFile) -> None:
        """The next file of the layer."""
        counts = self.counts[self._level]
        whiteout = file.whiteout
        if whiteout is not None:
            if whiteout.kind is not WhiteoutKind.METADATA:
                counts.whiteouts += 1
                target, opaque = rooted(whiteout.target), whiteout.kind is WhiteoutKind.OPAQUE
                self._removed[target] = opaque and self._removed.get(target, True)
            return
        if len(file.path) > limits.NAME_BYTES:
            return  # no engine makes it
        path = rooted(file.path)
        if file.type is FileType.DIRECTORY:
            if path != ROOT:
                folder, _ = self._folder(path)
                folder.layer = self._level
            return
        size = file.size if file.type is FileType.FILE else 0
        counts.files += 1
        counts.bytes += size
        if path != ROOT:
            link = file.linkname if file.type is FileType.SYMLINK else ""
            self._put(path, FileNode(size, self._level, folder=False, link=link))

    def _folder(self, path: str, hops: int = 0) -> tuple[FileNode, str]:
        """A folder, made where there is none; links of the same layer are followed.

        Returns:
            It, and its path.
        """
        node, at = self.root, ROOT
        names = [] if path == ROOT else path.split("/")
        for number, name in enumerate(names):
            children = node.children if node.children is not None else {}
            child, below = children.get(name), joined(at, name)
            if child is not None and child.link and child.layer == self._level:
                target = child.link if child.link.startswith("/") else joined(at, child.link)
                rest = "/".join((target, *names[number + 1 :]))
                if hops < limits.LINK_HOPS and len(rest) <= limits.NAME_BYTES:
                    return self._folder(rooted(rest), hops + 1)
            if child is None or not child.folder:
                if child is not None:
                    self._hide(child, below)
                else:
                    self._nodes += 1
                child = children[name] = FileNode(0, self._level, folder=True)
            node, at = child, below
        return node, at

    def _put(self, path: str, new: FileNode) -> None:
        parent, _, name = path.rpartition("/")
        folder, at = self._folder(parent or ROOT)
        children = folder.children if folder.children is not None else {}
        path, old = joined(at, name), children.get(name)
        if old is None:
            self._nodes += 1
        elif old.folder:
            self._drop(old, path)
        elif old.layer == self._level:  # twice in one layer: the last counts
            self.counts[self._level].hidden += old.size
            known = self.repeated.get(path)
            if known is not None:
                known.bytes -= old.size
                known.layers -= 1
        else:
            self._hide(old, path)
        children[name] = new
        known = self.repeated.get(path)
        if known is not None:
            known.layers += 1
            known.bytes += new.size
            known.removed = False

    def _hide(self, old: FileNode, path: str) -> None:
        """A file that is no longer seen, and why: for now, that it is removed."""
        self.counts[old.layer].hidden += old.size
        known = self.repeated.get(path)
        if known is None:
            self.repeated[path] = Repeated(path=path, layers=1, bytes=old.size, removed=True)
        else:
            known.removed = True

    def _drop(self, folder: FileNode, path: str) -> None:
        """All that is in a folder is no longer seen."""
        for node, at in walk_files(folder, path):
            if not node.folder:
                self._hide(node, at)
            self._nodes -= 1

    def end(self) -> None:
        """The layer is read: what it removes of lower ones goes, wherever it stood."""
        for target in sorted(self._removed, key=lambda path: path.count("/")):
            if target == ROOT:
                self._clear(self.root, ROOT)
                continue
            parent, name = self._find(target)
            node = parent.children.get(name) if parent is not None and parent.children else None
            if node is None or parent is None or parent.children is None:
                continue
            if node.folder:
                self._clear(node, target)
                if not node.children and node.layer < self._level and not self._removed[target]:
                    del parent.children[name]
            elif node.layer < self._level and not self._removed[target]:
                self._hide(node, target)
                del parent.children[name]

    def _find(self, path: str) -> tuple[FileNode | None, str]:
        """The folder that a path is in, where it is there."""
        *folders, name = path.split("/")
        node: FileNode | None = self.root
        for each in folders:
            node = node.children.get(each) if node is not None and node.children else None
        return node, name

    def _clear(self, top: FileNode, path: str) -> None:
        """Take what lower layers have in a folder; each folder is looked through once a layer."""
        order: list[tuple[FileNode, str]] = []
        waiting = [(top, path)]
        while waiting:
            node, at = waiting.pop()
            if node.cleared == self._level or node.children is None:
                continue
            node.cleared = self._level
            order.append((node, at))
            for name, child in node.children.items():
                if child.folder:
                    waiting.append((child, joined(at, name)))
        for node, at in reversed(order):
            children = node.children or {}
            for name, child in list(children.items()):
                if child.layer >= self._level or child.children:
                    continue
                if not child.folder:
                    self._hide(child, joined(at, name))
                del children[name]
                self._nodes -= 1

    def sum_up(self) -> None:
        """Give each folder the bytes and the number of files in it."""
        order = [self.root]
        for node in order:
            order.extend((node.children or {}).values())
        for node in reversed(order):
            if node.children is not None:
                node.size = sum(child.size for child in node.children.values())
                node.files = sum(child.files for child in node.children.values())


def walk_files(node: FileNode, path: str = ROOT) -> Iterator[tuple[FileNode, str]]:
    """All that is in a folder, each with its path.

    Args:
        node: a folder.
        path: of it.
    """
    waiting = [(node, path)]
    while waiting:
        folder, at = waiting.pop()
        for name, child in (folder.children or {}).items():
            below = joined(at, name)
            yield child, below
            if child.folder:
                waiting.append((child, below))
