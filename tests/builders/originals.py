"""Artifacts that hold the manifest which an image had before a conversion, as `repack` keeps it."""

from __future__ import annotations

from typing import Any

from tests.builders.artifacts import EMPTY_TYPE, Built
from tests.builders.image import MANIFEST_TYPE, go_json, sha256

ORIGINAL = "application/vnd.oci-layout.original.v1"


def keep_original(subject: Built, *documents: Built) -> Built:
    """An artifact of some documents, the manifest first.

    Args:
        subject: what the image is now.
        documents: the manifest that it was, and indexes around that.
    """
    layers: list[dict[str, Any]] = [each.entry() for each in documents]
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE["oci"],
        "artifactType": ORIGINAL,
        "config": {"mediaType": EMPTY_TYPE, "digest": sha256(b"{}"), "size": 2},
        "layers": layers,
        "subject": subject.entry(),
    }
    below = {sha256(b"{}"): b"{}", **{each.digest: each.document for each in documents}}
    return Built(go_json(value), MANIFEST_TYPE["oci"], below)
