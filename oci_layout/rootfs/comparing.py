"""The file systems of two images, held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from oci_layout.filediff.comparing import Comparing, compare_lists
from oci_layout.filediff.filelist import FileList, ImageFile
from oci_layout.filediff.report import FilesReport
from oci_layout.filediff.texts import bytes_of, path_of, with_texts
from oci_layout.rootfs.layers import LayerTar
from oci_layout.rootfs.listing import fill
from oci_layout.rootfs.merge import merged
from oci_layout.streams.layerfiles import FileType


def compare_trees(a: Sequence[LayerTar], b: Sequence[LayerTar], how: Comparing) -> FilesReport:
    """What differs between what containers of two images would see.

    Args:
        a: layers of the first, base first.
        b: layers of the second.
        how: what counts, and what may be kept.

    Raises:
        DamagedError: a layer is damaged, or no engine would unpack it.
    """
    with FileList(how.tmp) as left, FileList(how.tmp) as right:
        for files, layers in ((left, a), (right, b)):
            fill(files, merged(layers), contents=True)
        report = compare_lists(left, right, how)
    return with_texts(report, how.room, partial(_contents, a), partial(_contents, b))


def _contents(layers: Sequence[LayerTar], wanted: Sequence[ImageFile]) -> Mapping[str, bytes]:
    """The bytes of small files; of several of one path the last counts.

    Layers are read from the top, no further than it takes.
    """
    sizes = {path_of(each): each.file.size for each in wanted}
    lowest = min(each.layer for each in wanted)
    found: dict[str, bytes] = {}
    for each in merged(layers, check=False):
        if each.layer < lowest and len(found) == len(sizes):
            break
        path = each.file.path
        if each.file.type is FileType.FILE and sizes.get(path) == each.file.size:
            found[path] = bytes_of(each.pieces())
    return found
