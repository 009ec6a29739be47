"""What a conversion did to documents, as values: reports print them, programs sort them."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout.pythons import StrEnum


class ChangeKind(StrEnum):
    """What was done."""

    DROPPED = "dropped"  # the target has no form for it, or it is no longer true
    CHANGED = "changed"  # it follows what has changed
    REPAIRED = "repaired"  # it was wrong
    REPLACED = "replaced"  # something equal stands in for what is not there
    KEPT = "kept"  # as it was, though somebody may expect otherwise
    MADE = "made"  # the source had none
    EDITED = "edited"  # as asked


@attrs.frozen
class Change:
    """One change.

    Args:
        kind: what was done.
        what: to what, and why; with the kind before it, one line.
        digest: of the manifest or index concerned, as it was, or as it is where none was; empty
            where the report says which.
        layer: number of the layer concerned, from 0.
        field: path of the field in its document, as findings have it; empty where it is no field.
    """

    kind: ChangeKind
    what: str
    digest: str = attrs.field(default="", kw_only=True)
    layer: int | None = attrs.field(default=None, kw_only=True)
    field: str = attrs.field(default="", kw_only=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "kind": str(self.kind),
            "text": self.what,
            "digest": self.digest,
            "layer": self.layer,
            "field": self.field,
        }
