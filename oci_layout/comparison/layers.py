"""Layers of two images, aligned by diff_id."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import attrs

from oci_layout.comparison.sides import LayerSide
from oci_layout.filediff.aligning import align as aligned
from oci_layout.pythons import StrEnum


class Change(StrEnum):
    """What has become of a layer on its way from the one image to the other."""

    SAME = "same"  # the same bytes under the same label
    RELABELLED = "relabelled"  # the same bytes under another media type
    REPACKED = "repacked"  # the same tar in other bytes
    CHANGED = "changed"  # another tar in the same place
    ADDED = "added"
    REMOVED = "removed"

    @property
    def same_files(self) -> bool:
        """Whether the tar is the same."""
        return self in (Change.SAME, Change.RELABELLED, Change.REPACKED)


@attrs.frozen(kw_only=True)
class LayerChange:
    """A layer here, a layer there.

    Args:
        change: what differs.
        a: the layer of the first image; None for an added one.
        b: the layer of the second image; None for a removed one.
    """

    change: Change
    a: LayerSide | None
    b: LayerSide | None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "change": str(self.change),
            "a": self.a.to_json() if self.a is not None else None,
            "b": self.b.to_json() if self.b is not None else None,
        }


def align(a: Sequence[LayerSide], b: Sequence[LayerSide]) -> tuple[LayerChange, ...]:
    """Every layer of both images once, in order.

    Args:
        a: of the first image, base first.
        b: of the second.
    """
    changes: list[LayerChange] = []
    for kind, a0, a1, b0, b1 in aligned([_key(layer) for layer in a], [_key(layer) for layer in b]):
        both = min(a1 - a0, b1 - b0)
        for left, right in zip(a[a0 : a0 + both], b[b0 : b0 + both], strict=True):
            changes.append(
                _same(left, right)
                if kind == "equal"
                else LayerChange(change=Change.CHANGED, a=left, b=right)
            )
        changes += [LayerChange(change=Change.REMOVED, a=x, b=None) for x in a[a0 + both : a1]]
        changes += [LayerChange(change=Change.ADDED, a=None, b=x) for x in b[b0 + both : b1]]
    return tuple(changes)


def _key(layer: LayerSide) -> Hashable:
    """What makes two layers hold the same files."""
    if layer.diff_id is not None:
        return layer.diff_id
    return layer.digest if layer.digest is not None else layer


def _same(a: LayerSide, b: LayerSide) -> LayerChange:
    change = Change.SAME
    if a.digest != b.digest:
        change = Change.REPACKED
    elif a.layer.descriptor is not None and b.layer.descriptor is not None:
        told = (a.layer.descriptor.media_type, b.layer.descriptor.media_type)
        change = Change.RELABELLED if told[0] != told[1] else Change.SAME
    return LayerChange(change=change, a=a, b=b)
