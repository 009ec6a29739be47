"""Two layers, file by file: both tars are read side by side, and no content is kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import Counted
from oci_layout.comparison.sides import LayerSide
from oci_layout.counting import plural
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import decoded
from oci_layout.streams.layerfiles import LayerFile, differing, read_layer
from oci_layout.where import Where

_SHOWN = 1_000  # differences that are kept; the rest is counted
_WAITING_BYTES = 200 << 20  # files without a match yet, with their names and extended attributes
_FILE_BYTES = 560  # one, without them (measured)


@attrs.frozen(kw_only=True)
class FileDifference:
    """A file that is not the same in both layers.

    Args:
        path: from the root, as the layers write it.
        a: the file in the first layer; None for an added one.
        b: the file in the second layer; None for a removed one.
    """

    path: str
    a: LayerFile | None
    b: LayerFile | None

    @property
    def change(self) -> str:
        """``added``, ``removed`` or ``changed``."""
        return "added" if self.a is None else "removed" if self.b is None else "changed"

    @property
    def attributes(self) -> tuple[str, ...]:
        """What differs of a changed file."""
        if self.a is None or self.b is None:
            return ()
        return differing(self.a, self.b)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "path": self.path,
            "change": self.change,
            "attributes": list(self.attributes),
            "a": self.a.to_json() if self.a is not None else None,
            "b": self.b.to_json() if self.b is not None else None,
        }


@attrs.frozen(kw_only=True)
class FilesReport:
    """What became of the files of one layer.

    Args:
        a: number of the layer in the first image; None where there it is missing.
        b: number of the layer in the second image; None where there it is missing.
        added: files that only the second has.
        removed: files that only the first has.
        changed: files that differ.
        same: files that do not.
        differences: the first of them.
    """

    a: int | None
    b: int | None
    added: int
    removed: int
    changed: int
    same: int
    differences: tuple[FileDifference, ...]

    @property
    def left_out(self) -> int:
        """Differences that were counted and not kept."""
        return self.added + self.removed + self.changed - len(self.differences)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "layer_a": self.a,
            "layer_b": self.b,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "same": self.same,
            "differences": [each.to_json() for each in self.differences],
            "differences_left_out": self.left_out,
        }


def compare_files(
    a: LayerSide | None, b: LayerSide | None, pool: Pool, labels: tuple[str, str]
) -> FilesReport:
    """Hold the files of two layers against each other.

    Memory grows with the files that have no match yet, so hardly at all where both layers have
    the same order.

    Args:
        a: layer of the first image; None for nothing.
        b: layer of the second image; None for nothing.
        pool: whose meter is told of bytes read.
        labels: what to call the two sources in messages.

    Raises:
        DamagedError: a layer that is not there, cannot be unpacked, or is no tar.
    """
    matching = _Matching()
    streams = (_files(a, pool, labels[0]), _files(b, pool, labels[1]))
    for left, right in zip_longest(*streams):
        if left is not None:
            matching.take(left, 0)
        if right is not None:
            matching.take(right, 1)
    return matching.report(a, b)


class _Matching:
    """Files that have come from one side, until they come from the other."""

    def __init__(self) -> None:
        self._waiting: tuple[dict[str, LayerFile], dict[str, LayerFile]] = ({}, {})
        self._changed: list[FileDifference] = []
        self._changes = self._same = self._kept = 0

    def take(self, file: LayerFile, side: int) -> None:
        """One file of the first (0) or second (1) layer."""
        mine, other = self._waiting[side], self._waiting[1 - side]
        match = other.pop(file.path, None)
        if match is None:
            earlier = mine.get(file.path)  # of two of one path the last counts
            mine[file.path] = file
            self._kept += _bytes_of(file) - (_bytes_of(earlier) if earlier is not None else 0)
            if self._kept > _WAITING_BYTES:
                raise DamagedError(
                    what=f"{plural(len(mine), 'file')} that the other layer does not have: too "
                    "much to be compared",
                    code="too-many-members",
                )
            return
        self._kept -= _bytes_of(match)
        pair = (match, file) if side else (file, match)
        difference = FileDifference(path=file.path, a=pair[0], b=pair[1])
        if not difference.attributes:
            self._same += 1
            return
        self._changes += 1
        if len(self._changed) < _SHOWN:
            self._changed.append(difference)

    def report(self, a: LayerSide | None, b: LayerSide | None) -> FilesReport:
        """What came of it."""
        removed, added = self._waiting
        alone = [FileDifference(path=f.path, a=f, b=None) for f in list(removed.values())[:_SHOWN]]
        alone += [FileDifference(path=f.path, a=None, b=f) for f in list(added.values())[:_SHOWN]]
        found = sorted([*self._changed, *alone], key=lambda each: each.path)
        return FilesReport(
            a=a.number if a is not None else None,
            b=b.number if b is not None else None,
            added=len(added),
            removed=len(removed),
            changed=self._changes,
            same=self._same,
            differences=tuple(found[:_SHOWN]),
        )


def _bytes_of(file: LayerFile) -> int:
    """What a file takes that waits."""
    texts = 2 * len(file.path) + len(file.linkname)
    return _FILE_BYTES + texts + sum(len(name) + len(value) for name, value in file.xattrs)


def _files(side: LayerSide | None, pool: Pool, label: str) -> Iterator[LayerFile]:
    if side is None:
        return
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
    reader = member.open()
    try:
        raw = decoded(Counted(reader, pool.meter), compression, where, growth=pool.growth)
        yield from read_layer(raw, where, contents=True)
    finally:
        reader.close()
