"""Layers that go out as deltas: what of a plan they replace, and the documents that list them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from oci_layout import mediatype
from oci_layout.blobs.task import Task
from oci_layout.digest import Digest
from oci_layout.model import gojson
from oci_layout.model.layout import (
    DELTA,
    DELTA_ARTIFACT,
    DELTA_DIFF_ID,
    DELTA_LAYER,
    DELTA_PACKED,
    DELTA_TO,
)
from oci_layout.plan.report import DeltaReport

if TYPE_CHECKING:
    from oci_layout.plan.assemble import Documents

_NAMED = 64  # images that the mark names
_EMPTY = (
    b"{}"  # the config of an artifact (image-spec manifest.md, "Guidelines for Artifact Usage")
)


@attrs.frozen(kw_only=True)
class Delta:
    """A layer as a delta.

    Args:
        key: of the layer's task, which nobody does.
        task: writes the delta instead.
        digest: of the delta.
        size: of the delta.
        target: digest of the layer.
        diff_id: of the tar in it.
        packed: the encoder that packs that tar into the very layer; empty where none is known, or
            none is needed.
        report: what to tell of it.
    """

    key: str
    task: Task
    digest: Digest
    size: int
    target: Digest
    diff_id: Digest
    packed: str
    report: DeltaReport


def listed(documents: Documents, deltas: Sequence[Delta]) -> None:
    """Add the artifact that lists the deltas, and the mark, to the documents of a result.

    Args:
        documents: of the result.
        deltas: each once.
    """
    if not deltas:
        return
    empty = Digest.of(_EMPTY)
    manifest = gojson.encode_bytes(
        {
            "schemaVersion": 2,
            "mediaType": mediatype.OCI_MANIFEST,
            "artifactType": DELTA_ARTIFACT,
            "config": {
                "mediaType": mediatype.OCI_EMPTY,
                "digest": str(empty),
                "size": len(_EMPTY),
            },
            "layers": [_entry(delta) for delta in deltas],
        }
    )
    digest = Digest.of(manifest)
    documents.blobs[empty] = _EMPTY
    documents.blobs[digest] = manifest
    documents.manifests.add(digest)
    index = json.loads(documents.index)
    index["manifests"].append(
        {
            "mediaType": mediatype.OCI_MANIFEST,
            "digest": str(digest),
            "size": len(manifest),
            "artifactType": DELTA_ARTIFACT,
        }
    )
    names = dict.fromkeys(name for delta in deltas for name in delta.report.images)
    mark = ", ".join(list(names)[:_NAMED]) or "layers"
    index["annotations"] = {**index.get("annotations", {}), DELTA: mark}
    documents.index = gojson.encode_bytes(index)


def _entry(delta: Delta) -> dict[str, object]:
    notes = {DELTA_TO: str(delta.target), DELTA_DIFF_ID: str(delta.diff_id)}
    if delta.packed:
        notes[DELTA_PACKED] = delta.packed
    return {
        "mediaType": DELTA_LAYER,
        "digest": str(delta.digest),
        "size": delta.size,
        "annotations": notes,
    }
