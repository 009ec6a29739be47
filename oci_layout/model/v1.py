"""Docker's first image format: one JSON a layer, linked by ``parent``.

The new config is made as moby's image/v1/imagev1.go does it (MakeConfigFromV1Config,
HistoryFromConfig), so that an upgraded image is the one Docker itself would have made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from oci_layout.finding import Findings
from oci_layout.model import gojson, jsontext
from oci_layout.model.fields import Fields
from oci_layout.where import Where

_ID = re.compile(r"[0-9a-f]{64}")
_KNOWN = frozenset(
    {
        "id",
        "parent",
        "comment",
        "created",
        "container",
        "container_config",
        "docker_version",
        "author",
        "config",
        "architecture",
        "os",
        "Size",
        "throwaway",
        "parent_id",
        "layer_id",
    }
)
_CONTAINER = frozenset({"Cmd"})
_NOT_CONFIG = {"id", "parent", "parent_id", "layer_id", "throwaway", "Size"}
_NO_TIME = "0001-01-01T00:00:00Z"  # what Go writes for a time that was never set


def is_id(text: str) -> bool:
    """Whether a text is a V1 id: 64 lower-case hex digits."""
    return _ID.fullmatch(text) is not None


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class V1Layer:
    """One step of a V1 image.

    Args:
        id: as the document states it; empty when it does not.
        parent: id of the step below; empty for the base.
        history: its line in the new config's history.
        throwaway: whether schema 1 says that it has no layer.
        value: the whole document, its known fields under their canonical names.
    """

    id: str
    parent: str
    history: Mapping[str, Any]
    throwaway: bool
    value: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def from_bytes(cls, raw: bytes, where: Where, findings: Findings) -> V1Layer | None:
        """Read a ``json`` of a V1 image, or a ``v1Compatibility``; None when it is none."""
        value = jsontext.parse(raw, where, findings)
        if value is None:
            return None
        if not isinstance(value, dict):
            findings.error("wrong-type", "expected an object", where)
            return None
        fields = Fields(value, where, findings, _KNOWN)
        container = fields.object("container_config", _CONTAINER)
        command = container.texts("Cmd") if container is not None else ()
        history: dict[str, Any] = {"created": fields.text("created") or _NO_TIME}
        author, comment = fields.text("author"), fields.text("comment")
        if author:
            history["author"] = author
        if created_by := " ".join(command):
            history["created_by"] = created_by
        if comment:
            history["comment"] = comment
        throwaway = fields.raw("throwaway") is True
        return cls(
            id=fields.text("id") or "",
            parent=fields.text("parent") or "",
            history=history,
            throwaway=throwaway,
            value=fields.value,
        )


def upgraded_config(top: V1Layer, steps: Sequence[V1Layer], *, throwaway: bool = True) -> bytes:
    """The config of an upgraded image, its ``rootfs`` still null: only the layers can tell.

    Args:
        top: the step whose runtime config counts.
        steps: all steps, base first.
        throwaway: whether a step may have no layer, as in schema 1; in a V1 archive each has one.
    """
    value: dict[str, Any] = {key: item for key, item in top.value.items() if key not in _NOT_CONFIG}
    value["rootfs"] = None
    value["history"] = [
        {**step.history, "empty_layer": True} if throwaway and step.throwaway else step.history
        for step in steps
    ]
    return gojson.encode_bytes(dict(sorted(value.items())))
