"""The merged file system: what a container would see, in one pass over the layers from the top.

A file is there if no layer above has something of its path, a whiteout of it or of a folder that
it is in, something that is no folder where it needs one, or an opaque folder around it. What is
kept of a path is in ``PathTable``; no text of it stays. Each layer is read as it would be unpacked
into a folder of its own, which overlayfs then lays over the ones below: Docker's overlay2 and
containerd do so. Whiteouts act on the layers below (layer.md, "Whiteouts"), wherever they stand in
their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.rootfs.hardlinks import Hardlinks, Origin, Waiting
from oci_layout.rootfs.layers import LayerTar
from oci_layout.rootfs.paths import ROOT, LayerPaths, is_below
from oci_layout.rootfs.table import PathTable
from oci_layout.streams.layerfiles import FileType, LayerEntry, LayerFile, read_entries
from oci_layout.streams.whiteouts import Whiteout, WhiteoutKind

_NOT_LINKED = (FileType.DIRECTORY, FileType.HARDLINK)
_IMPLIED_MODE = 0o755  # of folders that nobody lists, as containerd and umoci make them


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """A file of the merged file system.

    Args:
        file: with the path that it has there; a hard link's target has been found before it.
        layer: number of the layer that it comes from, from 0.
        data: what its bytes are taken from before the next file is asked for; None where it has
            none, or they are not its own.
    """

    file: LayerFile
    layer: int
    data: LayerEntry | None = None

    def pieces(self) -> Iterator[bytes | int]:
        """Its bytes; a number stands for so many zeros."""
        if self.data is not None and self.file.type is FileType.FILE:
            yield from self.data.pieces()


def merged(layers: Sequence[LayerTar], *, under: str = ROOT, check: bool = True) -> Iterator[Found]:
    """The files of the merged file system, in the order of the layers from the top.

    A folder may come after what is in it, and twice where one layer has it twice: then the last
    one counts, as it does for all that unpack.

    Args:
        layers: base first.
        under: only what this path is, and what is below it.
        check: whether each layer is held against its digest.

    Raises:
        DamagedError: while iterating: a layer is damaged, or no engine would unpack it.
    """
    return iter(_Merge(layers, under, check=check))


class _Merge:
    """Goes through the layers."""

    def __init__(self, layers: Sequence[LayerTar], under: str, *, check: bool) -> None:
        self._layers, self._under, self._check = layers, under, check
        self.table = PathTable()
        self.links = Hardlinks()
        self._implied: dict[str, int] = {}

    def __iter__(self) -> Iterator[Found]:
        for tar in reversed(self._layers):
            layer = _Level(self, tar)
            self.links.begin()
            with tar.checked() if self._check else tar.open() as reader:
                for order, entry in enumerate(read_entries(reader, tar.where)):
                    yield from layer.take(entry, order)
            gone = {each.target for each in self.links.fresh() if layer.hides(each.target)}
            if gone:
                yield from self._again(tar, gone)
        for path, level in self._implied.items():
            yield Found(file=_folder(path), layer=level - 1)
        for lost in self.links.all():
            raise DamagedError(
                what=f"{lost.path!r} is a hard link to {lost.target!r}, which is not there: no "
                "engine unpacks it",
                where=self._layers[lost.number].where,
                code="layer-member",
            )

    def inside(self, path: str) -> bool:
        """Whether a path is among those that are asked for."""
        return is_below(path, self._under)

    def _again(self, tar: LayerTar, gone: set[str]) -> Iterator[Found]:
        """Read a layer once more for files that are gone, and whose links are there still."""
        level = tar.number + 1
        paths = LayerPaths(self.table, level, tar.where)
        with tar.open() as reader:
            for order, entry in enumerate(read_entries(reader, tar.where)):
                file = entry.file
                if file.whiteout is not None or file.type in _NOT_LINKED:
                    continue
                path, _ = paths.real(file.path)
                if file.type is FileType.SYMLINK:
                    paths.remember(path, file.linkname)
                if path in gone:
                    waiting = self.links.earlier(path, level, order)
                    yield from links_to(file, waiting, entry)

    def imply(self, path: str, level: int) -> None:
        """Note a folder that must be there, and may yet be told of by a layer below."""
        if not self.inside(path):
            return
        if len(self._implied) < limits.IMPLIED_FOLDERS:
            self._implied.setdefault(path, level)
            return
        raise DamagedError(
            what=f"more than {limits.IMPLIED_FOLDERS} folders that no layer lists",
            where=self._layers[level - 1].where,
            code="too-many-members",
        )

    def told(self, path: str) -> None:
        """A folder is told of by a member of its own."""
        self._implied.pop(path, None)


def links_to(file: LayerFile, waiting: list[Waiting], entry: LayerEntry) -> Iterator[Found]:
    """What waited for a file that is itself not there: the first one gets what it was.

    Args:
        file: that they are links to.
        waiting: the links.
        entry: with its bytes.
    """
    if not waiting:
        return
    first, *others = waiting
    yield Found(file=attrs.evolve(file, path=first.path), layer=first.number, data=entry)
    for each in others:
        yield _link(each, first.path)


class _Level:
    """One layer, file by file."""

    def __init__(self, merge: _Merge, tar: LayerTar) -> None:
        self._merge, self._tar, self._level = merge, tar, tar.number + 1
        self._table, self._links = merge.table, merge.links
        # Not a method of this very object: the cycle would keep the table when all is done.
        imply = partial(merge.imply, level=self._level)
        self._paths = LayerPaths(self._table, self._level, tar.where, imply=imply)

    def take(self, entry: LayerEntry, order: int) -> Iterator[Found]:
        """The next file of the layer, and what of the merged file system it is."""
        file = entry.file
        whiteout = file.whiteout
        if whiteout is not None:
            self._remove(whiteout)
            return
        path, hidden = self._paths.real(file.path)
        if file.type is FileType.OTHER:
            raise self._refused(f"{file.path!r} is of a type that no engine unpacks")
        if file.type is FileType.DIRECTORY:
            if self._folder(path, hidden=hidden) and self._merge.inside(path):
                self._merge.told(path)
                yield self._found(file, path, entry)
            return
        if path == ROOT:
            raise self._refused("the root is no folder")
        shown = self._file(file, path, hidden=hidden) and self._merge.inside(path)
        if file.type is FileType.HARDLINK:
            yield from self._link(file, path, order, shown=shown)
            return
        waiting = self._links.above(path, self._level)
        if shown:
            yield self._found(file, path, entry)
            for each in waiting:
                yield _link(each, path)
        else:
            if waiting:
                self._links.alias(path, Origin(path=waiting[0].path, come=True, order=order))
            yield from links_to(file, waiting, entry)

    def _found(self, file: LayerFile, path: str, entry: LayerEntry | None) -> Found:
        if path != file.path:
            file = attrs.evolve(file, path=path)
        return Found(file=file, layer=self._tar.number, data=entry)

    def _refused(self, what: str) -> DamagedError:
        return DamagedError(what=what, where=self._tar.where, code="layer-member")

    def _remove(self, whiteout: Whiteout) -> None:
        """Note a whiteout, for the layers below."""
        if whiteout.kind is WhiteoutKind.METADATA:
            return
        table, level = self._table, self._level
        if whiteout.kind is WhiteoutKind.OPAQUE:
            path, hidden = self._paths.real_folder(whiteout.target)
            if not hidden:
                at = table.place(path)
                table.emptied[at] = table.emptied[at] or level
            return
        path, hidden = self._paths.real(whiteout.target)
        if not hidden and path != ROOT:
            at = table.place(path)
            table.closed[at] = table.closed[at] or level

    def _folder(self, path: str, *, hidden: bool) -> bool:
        """Note a folder; whether it is the one that is seen."""
        self._paths.forget(path)
        if hidden:
            return False
        table, level = self._table, self._level
        at = table.place(path)
        if table.barrier[at] == level:
            table.barrier[at] = 0
        above = table.closed[at] > level or table.given[at] > level
        table.folder[at] = table.folder[at] or level
        if not above:
            table.given[at] = level
        return not above

    def _file(self, file: LayerFile, path: str, *, hidden: bool) -> bool:
        """Note what is no folder; whether it is the one that is seen."""
        table, level = self._table, self._level
        at = table.place(path)
        if table.inhabited[at] == level:
            raise self._refused(f"{file.path!r} is no folder, and there are files in it")
        table.barrier[at] = level
        if file.type is FileType.SYMLINK:
            self._paths.remember(path, file.linkname)
        else:
            self._paths.forget(path)
        if hidden:
            return False
        above = table.closed[at] > level or table.folder[at] > level
        table.closed[at] = table.closed[at] or level
        if not above:
            if table.given[at] == level:
                self._links.cancel(path)
            table.given[at] = level
            self._merge.told(path)
        return not above

    def hides(self, path: str) -> bool:
        """Whether a file of this layer is not part of what comes out."""
        return self._paths.hides(path) or not self._merge.inside(path)

    def _link(self, file: LayerFile, path: str, order: int, *, shown: bool) -> Iterator[Found]:
        """A hard link: told at once if its file has come, or else kept until it does."""
        target = self._paths.target(file.linkname)
        origin = self._links.origin(target, self._tar.number)
        if origin is None:
            origin = Origin(path=target, come=self._came(target, path), order=order)
        waiting = self._links.above(path, self._level)  # links to this link
        if shown:
            link = Waiting(
                path=path,
                target=origin.path,
                level=self._level,
                order=origin.order,
                number=self._tar.number,
                file=file,
            )
            waiting = [link, *waiting]
        else:
            self._links.alias(path, origin)
        for each in waiting:
            if origin.come:
                yield _link(each, origin.path)
            else:
                self._links.wait(
                    attrs.evolve(each, target=origin.path, level=self._level, order=origin.order)
                )

    def _came(self, target: str, link: str) -> bool:
        """Whether a file of this layer has come, and is part of what comes out."""
        at = self._table.find(target)
        if at < 0 or target == link or self._table.given[at] != self._level:
            return False
        if self._table.barrier[at] != self._level:
            raise self._refused(f"{link!r} is a hard link to a folder")
        return self._merge.inside(target)


def _link(link: Waiting, target: str) -> Found:
    """A hard link to what has come."""
    file = attrs.evolve(link.file, path=link.path, linkname=target, size=0)
    return Found(file=file, layer=link.number)


def _folder(path: str) -> LayerFile:
    return LayerFile(
        path=path,
        type=FileType.DIRECTORY,
        mode=_IMPLIED_MODE,
        uid=0,
        gid=0,
        uname="",
        gname="",
        mtime=0,
    )
