"""The marker file of a layout, and the annotations that carry names (image-layout.md)."""

from __future__ import annotations

from typing import Any

from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.model.fields import canonical
from oci_layout.where import Where

MARKER = "oci-layout"
INDEX = "index.json"
VERSION = "1.0.0"
_VERSION_KEY = "imageLayoutVersion"
_FIELDS = frozenset({_VERSION_KEY})
MARKER_BYTES = b'{"imageLayoutVersion":"1.0.0"}'

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
THIN = "org.oci-layout.thin"  # ours, of index.json: layers are left out; what brings them
VOLUME = "org.oci-layout.volume"  # ours, of index.json: which volume of how many
PARTIAL = "org.oci-layout.partial"  # ours, of an entry: it holds the first layers of this image
DELTA = "org.oci-layout.delta"  # ours, of index.json: layers are told as deltas; against what
DELTA_ARTIFACT = "application/vnd.oci-layout.delta.v1"  # type of the artifact that lists them
DELTA_LAYER = "application/vnd.oci-layout.layer.delta.v1"
DELTA_TO = "org.oci-layout.delta.to"  # of a delta: digest of the layer that it makes
DELTA_DIFF_ID = "org.oci-layout.delta.diff-id"  # of the tar in that layer
DELTA_PACKED = (
    "org.oci-layout.delta.packed"  # what packs that tar into the very layer, if it is known
)
# ours, of an artifact: it holds the manifest that its subject had, and the indexes around that
ORIGINAL_ARTIFACT = "application/vnd.oci-layout.original.v1"
ATTESTATION_TYPE = "vnd.docker.reference.type"
ATTESTATION_DIGEST = "vnd.docker.reference.digest"
# cosign pkg/oci/layout/index.go: what an entry of a saved image is.
COSIGN_KIND = "kind"
COSIGN_PREFIX = "dev.cosignproject.cosign/"
COSIGN_IMAGES = (f"{COSIGN_PREFIX}image", f"{COSIGN_PREFIX}imageIndex")


def marker_version(value: Any) -> Any:
    """The version that the value of an ``oci-layout`` file states, whatever its type, or None."""
    return canonical(value, _FIELDS).get(_VERSION_KEY) if isinstance(value, dict) else None


def check_marker(raw: bytes, findings: Findings) -> None:
    """Check the ``oci-layout`` file: an object whose version is exactly 1.0.0."""
    where = Where(member=MARKER)
    value = jsontext.parse(raw, where, findings)
    if value is None:
        return
    version = marker_version(value)
    if version != VERSION:
        findings.error(
            "layout-version",
            f"imageLayoutVersion is {str(version)[:40]!r}, not {VERSION!r}",
            where.at(_VERSION_KEY),
        )
