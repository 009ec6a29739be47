"""Two layers, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import Counted
from oci_layout.comparison.layers import LayerChange
from oci_layout.comparison.sides import LayerSide
from oci_layout.errors import DamagedError
from oci_layout.filediff.comparing import Comparing, compare_lists
from oci_layout.filediff.filelist import FileList, ImageFile
from oci_layout.filediff.report import FilesReport
from oci_layout.filediff.texts import bytes_of, path_of, with_texts
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import decoded
from oci_layout.streams.layerfiles import FileType, LayerEntry, LayerFile, read_entries
from oci_layout.where import Where


def compare_files(
    change: LayerChange, pool: Pool, labels: tuple[str, str], how: Comparing
) -> FilesReport:
    """Hold the files of two layers against each other.

    Args:
        change: the layers; one that is not there has no files.
        pool: whose meter is told of bytes read.
        labels: what to call the two sources in messages.
        how: what counts, and what may be kept.

    Raises:
        DamagedError: a layer that is not there, cannot be unpacked, or is no tar.
    """
    a, b = change.a, change.b
    with FileList(how.tmp) as left, FileList(how.tmp) as right:
        for side, label, files in ((a, labels[0], left), (b, labels[1], right)):
            for file in _files(side, pool, label):
                files.add(file, side.number if side is not None else 0)
            files.settle()
        report = compare_lists(
            left,
            right,
            how,
            numbers=(a.number if a is not None else None, b.number if b is not None else None),
            ordered=True,
        )
    readers = [
        partial(_contents, side, pool, label) for side, label in zip((a, b), labels, strict=True)
    ]
    return with_texts(report, how.room, *readers)


def _files(side: LayerSide | None, pool: Pool, label: str) -> Iterator[LayerFile]:
    """The files of a layer, with digests of their contents."""
    if side is None:
        return
    with _entries(side, pool, label) as entries:
        for entry in entries:
            file = entry.file
            if file.type is FileType.FILE:
                file = attrs.evolve(file, content=entry.digest())
            yield file


def _contents(
    side: LayerSide | None, pool: Pool, label: str, wanted: Sequence[ImageFile]
) -> Mapping[str, bytes]:
    """The bytes of small files of a layer; of several of one path the last counts."""
    found: dict[str, bytes] = {}
    if side is None:
        return found
    sizes = {path_of(each): each.file.size for each in wanted}
    with _entries(side, pool, label) as entries:
        for entry in entries:
            file = entry.file
            if file.type is FileType.FILE and sizes.get(file.path) == file.size:
                found[file.path] = bytes_of(entry.pieces())
    return found


@contextmanager
def _entries(side: LayerSide, pool: Pool, label: str) -> Iterator[Iterator[LayerEntry]]:
    member = side.layer.member
    where = Where(file=label, layer=side.number)
    if member is None or side.compression is None:
        raise DamagedError(
            what="cannot be read: it is encrypted" if member else "is not in the source",
            where=where,
            hint="leave --files out",
            code="missing-blob",
        )
    compression: Compression = side.compression
    with closing(member.open()) as reader:
        raw = decoded(Counted(reader, pool.meter), compression, where, growth=pool.growth)
        yield read_entries(raw, where)
