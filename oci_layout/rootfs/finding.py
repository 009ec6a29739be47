"""One path of the merged file system, with the links that lead to it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout.errors import SelectionError
from oci_layout.limits import LINK_HOPS
from oci_layout.rootfs.layers import LayerTar
from oci_layout.rootfs.merge import Found, merged
from oci_layout.rootfs.paths import ROOT, is_below, joined, parent_of, rooted
from oci_layout.streams.layerfiles import FileType, LayerFile, normalised
from oci_layout.where import Where


@attrs.frozen(kw_only=True)
class Reached:
    """Where a path leads to.

    Args:
        path: of the file or folder itself.
        layers: in which it is seen: fewer than there are, where it is a hard link to what layers
            above have replaced.
        type: what it is; a folder where only something in it is there.
        repeats: how often its layer has it: the last one counts.
    """

    path: str
    layers: Sequence[LayerTar]
    type: FileType
    repeats: int = 1


def reach(layers: Sequence[LayerTar], path: str, where: Where, *, last: bool = True) -> Reached:
    """Follow a path inside of the image. Layers are read no further than it takes.

    Args:
        layers: base first.
        path: from the root.
        where: the image, for messages.
        last: whether a link at the end is followed, too.

    Raises:
        SelectionError: there is nothing of that path, or links lead in a circle.
        DamagedError: a layer cannot be read.
    """
    asked, path = path, rooted(normalised(path))
    for _ in range(LINK_HOPS + 1):
        if path == ROOT:
            return Reached(path=ROOT, layers=layers, type=FileType.DIRECTORY)
        step = _step(layers, path)
        if step is None:
            raise SelectionError(what=f"there is no file {asked!r}", where=where)
        there, linkname = step
        if linkname is None:
            return there
        if there.type is FileType.HARDLINK:
            layers, path = there.layers, linkname
        elif there.path == path and not last:
            return there
        else:
            rest = path[len(there.path) + 1 :]
            target = linkname if linkname.startswith("/") else _from(there.path, linkname)
            path = rooted(f"{target}/{rest}")
    raise SelectionError(what=f"{asked!r} leads through more than {LINK_HOPS} links", where=where)


def _from(link: str, target: str) -> str:
    return joined(parent_of(link), target)


def _step(layers: Sequence[LayerTar], path: str) -> tuple[Reached, str | None] | None:
    """The first thing on the way to a path that ends it: itself, or a link that leads elsewhere.

    Its layer is read to the end: of several of one path the last counts.

    Returns:
        It, and what it is a link to or None; None where nothing is there.
    """
    best: Found | None = None
    repeats = 0
    for found in merged(layers, check=False):
        if best is not None and found.layer < best.layer:
            break
        if _ends(found.file, path):
            repeats = repeats + 1 if best is not None else 1
            best = found
    if best is None:
        return None
    file, seen = best.file, layers[: best.layer + 1]
    if file.type is FileType.DIRECTORY or file.path.startswith(f"{path}/"):
        return Reached(path=path, layers=layers, type=FileType.DIRECTORY), None
    there = Reached(path=file.path, layers=layers, type=file.type, repeats=repeats)
    if file.type is FileType.HARDLINK:
        return attrs.evolve(there, layers=seen), file.linkname
    return there, file.linkname if file.type is FileType.SYMLINK else None


def _ends(file: LayerFile, path: str) -> bool:
    """Whether a file is at a path or below it, or a link on the way to it."""
    on_the_way = file.type is FileType.SYMLINK and path.startswith(f"{file.path}/")
    return on_the_way or is_below(file.path, path)
