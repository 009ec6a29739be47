"""What became of the files of two lists, as data; and the bounds of all that is kept of them."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout import limits
from oci_layout.filediff.aligning import STEPS, affordable
from oci_layout.filediff.ignoring import Ignored, words_of
from oci_layout.filediff.pairing import FileChange
from oci_layout.streams.layerfiles import LayerFile

_FILE_BYTES = 560  # of memory that one file takes, without its texts (measured)
_STEPS = 8 * STEPS  # of all searches for common lines: some seconds


@attrs.frozen(kw_only=True)
class TextDiff:
    """A text file, line by line, as ``diff -u`` has it.

    Args:
        path: from the root.
        lines: each begins with ``@@``, a space, ``-``, ``+`` or a backslash.
        left_out: lines that are not among them.
    """

    path: str
    lines: tuple[str, ...]
    left_out: int

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"path": self.path, "lines": list(self.lines), "lines_left_out": self.left_out}


@attrs.frozen(kw_only=True)
class FilesReport:
    """What became of the files of one layer, or of a whole image.

    Args:
        a: number of the layer in the first image; None for no layer of it, or for all.
        b: number of the layer in the second image; likewise.
        added: files that only the second has.
        removed: files that only the first has.
        changed: files that differ.
        same: files that do not.
        reordered: whether the same files are in another order; None where that is not compared.
        differences: the first of them, in the order of paths.
        texts: of changed files among them, those that are small texts.
        texts_left_out: changed files that may be small texts and were not looked at.
        attributes: in which any of the changed files differ.
    """

    a: int | None
    b: int | None
    added: int
    removed: int
    changed: int
    same: int
    reordered: bool | None
    differences: tuple[FileChange, ...]
    texts: tuple[TextDiff, ...] = ()
    texts_left_out: int = 0
    attributes: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """Files that differ, all together."""
        return self.added + self.removed + self.changed

    @property
    def left_out(self) -> int:
        """Differences that were counted and not kept."""
        return self.count - len(self.differences)

    @property
    def words(self) -> frozenset[Ignored] | None:
        """What more to ignore, so that all is alike; None where nothing makes it so."""
        if self.added or self.removed:
            return None
        words = words_of(self.attributes)
        return words | {Ignored.ORDER} if words is not None and self.reordered else words

    @property
    def alike(self) -> bool:
        """Whether nothing differs of what counts."""
        return not self.count and not self.reordered

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "layer_a": self.a,
            "layer_b": self.b,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "same": self.same,
            "reordered": self.reordered,
            "differences": [each.to_json(self.a, self.b) for each in self.differences],
            "differences_left_out": self.left_out,
            "texts": [each.to_json() for each in self.texts],
            "texts_left_out": self.texts_left_out,
        }


@attrs.define(eq=False, repr=False, match_args=False)
class Room:
    """What one comparison may still keep, all its lists together."""

    bytes: int = attrs.field(default=limits.DIFFERENCES_BYTES, init=False)
    lines: int = attrs.field(default=limits.TEXTS_LINES, init=False)
    steps: int = attrs.field(default=_STEPS, init=False)

    def takes(self, change: FileChange) -> bool:
        """Whether there is room for a change; then it is taken."""
        size = sum(_bytes_of(side.file) for side in (change.a, change.b) if side is not None)
        if size > self.bytes:
            return False
        self.bytes -= size
        return True

    def spends(self, steps: int) -> bool:
        """Whether a search for common lines may be done; then its steps are taken."""
        if steps > self.steps or not affordable(steps):
            return False
        self.steps -= steps
        return True


def _bytes_of(file: LayerFile) -> int:
    """What a file takes that is kept."""
    texts = 2 * len(file.path) + len(file.linkname)
    return _FILE_BYTES + texts + sum(len(name) + len(value) for name, value in file.xattrs)
