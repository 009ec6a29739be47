"""Two states of a file system, path by path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout.rootfs.listing import ImageFile, path_key
from oci_layout.streams.layerfiles import differing


@attrs.frozen(kw_only=True)
class FileChange:
    """A path that is not the same in both states.

    Args:
        a: in the first; None for an added one.
        b: in the second; None for a removed one.
    """

    a: ImageFile | None
    b: ImageFile | None

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
    def attributes(self) -> tuple[str, ...]:
        """What differs of a changed one."""
        if self.a is None or self.b is None:
            return ()
        return differing(self.a.file, self.b.file)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "path": self.path,
            "change": self.change,
            "attributes": list(self.attributes),
            "a": self.a.to_json() if self.a is not None else None,
            "b": self.b.to_json() if self.b is not None else None,
        }


def changed(a: Iterator[ImageFile], b: Iterator[ImageFile]) -> Iterator[FileChange]:
    """What differs between two states.

    Args:
        a: the first, in the order of paths, with digests of contents.
        b: the second, likewise.

    Raises:
        DamagedError: what they raise.
    """
    left, right = next(a, None), next(b, None)
    while left is not None or right is not None:
        order = _order(left, right)
        pair = FileChange(a=left if order <= 0 else None, b=right if order >= 0 else None)
        if order or pair.attributes:
            yield pair
        if order <= 0:
            left = next(a, None)
        if order >= 0:
            right = next(b, None)


def _order(a: ImageFile | None, b: ImageFile | None) -> int:
    """Which of two comes first: below 0 the one of the first state, above 0 of the second."""
    if a is None or b is None:
        return 1 if a is None else -1
    left, right = path_key(a.file.path), path_key(b.file.path)
    return (left > right) - (left < right)
