"""Two lists of files, path by path: what differs of a pair is decided here alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout.filediff.filelist import ImageFile, path_key
from oci_layout.streams.layerfiles import LayerFile

# What is compared of two files of one path. Engines look at numbers of owners, not at names.
_COMPARED = (
    "type",
    "mode",
    "uid",
    "gid",
    "mtime",
    "size",
    "linkname",
    "device",
    "xattrs",
    "content",
)
_NOTHING: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class FileChange:
    """A path that is not the same in both.

    Args:
        a: in the first; None for an added one.
        b: in the second; None for a removed one.
        attributes: what differs of a changed one.
    """

    a: ImageFile | None
    b: ImageFile | None
    attributes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """From the root."""
        either = self.b if self.b is not None else self.a
        return either.file.path if either is not None else ""

    @property
    def change(self) -> str:
        """``added``, ``removed`` or ``changed``."""
        return "added" if self.a is None else "removed" if self.b is None else "changed"

    @property
    def differs(self) -> bool:
        """Whether it is a change at all."""
        return self.a is None or self.b is None or bool(self.attributes)

    def to_json(self, a: int | None = None, b: int | None = None) -> dict[str, Any]:
        """As a JSON value.

        Args:
            a: number of the layer of the first, where several images have it; None for its own.
            b: of the second, likewise.
        """
        return {
            "path": self.path,
            "change": self.change,
            "attributes": list(self.attributes),
            "a": _told(self.a, a),
            "b": _told(self.b, b),
        }


def _told(side: ImageFile | None, layer: int | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {**side.to_json(), **({"layer": layer} if layer is not None else {})}


def pairs(
    a: Iterator[ImageFile], b: Iterator[ImageFile], ignored: frozenset[str] = _NOTHING
) -> Iterator[FileChange]:
    """Every path of two lists, those that do not differ too.

    Args:
        a: the first, in the order of paths, with digests of contents.
        b: the second, likewise.
        ignored: fields of a file that do not count.

    Raises:
        DamagedError: what they raise.
    """
    compared = tuple(name for name in _COMPARED if name not in ignored)
    left, right = next(a, None), next(b, None)
    while left is not None or right is not None:
        order = _order(left, right)
        if left is None or right is None or order:
            yield FileChange(a=left if order < 0 else None, b=right if order > 0 else None)
        else:
            yield FileChange(
                a=left, b=right, attributes=_differing(left.file, right.file, compared)
            )
        if order <= 0:
            left = next(a, None)
        if order >= 0:
            right = next(b, None)


def changed(a: Iterator[ImageFile], b: Iterator[ImageFile]) -> Iterator[FileChange]:
    """What differs between two lists.

    Args:
        a: as of ``pairs``.
        b: as of ``pairs``.

    Raises:
        DamagedError: what they raise.
    """
    return (each for each in pairs(a, b) if each.differs)


def _differing(a: LayerFile, b: LayerFile, compared: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in compared if getattr(a, name) != getattr(b, name))


def _order(a: ImageFile | None, b: ImageFile | None) -> int:
    """Which of two comes first: below 0 the one of the first list, above 0 of the second."""
    if a is None or b is None:
        return 1 if a is None else -1
    if a.file.path == b.file.path:
        return 0
    return -1 if path_key(a.file.path) < path_key(b.file.path) else 1
