"""Layers of two images, aligned by diff_id."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import attrs

from oci_layout.comparison.sides import LayerSide

_MATCHED = 2_000  # layers that are aligned; where more differ they are compared by number


class Change(enum.StrEnum):
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
    keys_a, keys_b = [_key(layer) for layer in a], [_key(layer) for layer in b]
    start = 0
    while start < min(len(a), len(b)) and keys_a[start] == keys_b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and keys_a[-1 - end] == keys_b[-1 - end]:
        end += 1
    stop_a, stop_b = len(a) - end, len(b) - end
    changes = [_same(a[n], b[n]) for n in range(start)]
    changes += _between(
        a[start:stop_a], b[start:stop_b], keys_a[start:stop_a], keys_b[start:stop_b]
    )
    changes += [_same(a[stop_a + n], b[stop_b + n]) for n in range(end)]
    return tuple(changes)


def _between(
    a: Sequence[LayerSide], b: Sequence[LayerSide], keys_a: list[object], keys_b: list[object]
) -> list[LayerChange]:
    codes: list[tuple[str, int, int, int, int]] = [("replace", 0, len(a), 0, len(b))]
    if max(len(a), len(b)) <= _MATCHED:
        codes = list(SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes())
    changes = []
    for kind, a0, a1, b0, b1 in codes:
        both = min(a1 - a0, b1 - b0)
        for step in range(both):
            left, right = a[a0 + step], b[b0 + step]
            changes.append(
                _same(left, right)
                if kind == "equal"
                else LayerChange(change=Change.CHANGED, a=left, b=right)
            )
        changes += [LayerChange(change=Change.REMOVED, a=x, b=None) for x in a[a0 + both : a1]]
        changes += [LayerChange(change=Change.ADDED, a=None, b=x) for x in b[b0 + both : b1]]
    return changes


def _key(layer: LayerSide) -> object:
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
