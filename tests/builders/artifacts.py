"""Artifacts, and layouts of any shape: entries and blobs as a test wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders.files import write_files
from tests.builders.image import (
    CONFIG_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Family,
    Image,
    go_json,
    hex_of,
    sha256,
)
from tests.builders.layout import LAYOUT_MARKER

EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
ARTIFACT_TYPE = "application/vnd.oci.artifact.manifest.v1+json"  # image-spec 1.1.0-rc1 to rc3
COSIGN = "dev.cosignproject.cosign/"


@dataclass(frozen=True)
class Built:
    """A manifest or index, and all blobs below it by digest, its own included."""

    document: bytes
    media_type: str
    below: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """The digest of the document."""
        return sha256(self.document)

    @property
    def blobs(self) -> dict[str, bytes]:
        """All blobs by digest."""
        return {**self.below, self.digest: self.document}

    def entry(self, *, annotations: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """The entry that an index holds for it."""
        found: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.document),
            **more,
        }
        return {**found, "annotations": dict(annotations)} if annotations else found


def of_image(image: Image, family: Family = "oci") -> Built:
    """An image as one of these."""
    return Built(image.manifest_bytes(family), MANIFEST_TYPE[family], image.blobs(family))


def make_artifact(
    content: bytes,
    *,
    config_type: str = EMPTY_TYPE,
    config: bytes = b"{}",
    layer_type: str = "application/octet-stream",
    artifact_type: str = "",
    subject: Mapping[str, Any] | None = None,
) -> Built:
    """An artifact of one blob (image-spec manifest.md, "Guidelines for Artifact Usage")."""
    value: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE["oci"]}
    if artifact_type:
        value["artifactType"] = artifact_type
    value["config"] = {"mediaType": config_type, "digest": sha256(config), "size": len(config)}
    value["layers"] = [{"mediaType": layer_type, "digest": sha256(content), "size": len(content)}]
    if subject is not None:
        value["subject"] = dict(subject)
    below = {sha256(config): config, sha256(content): content}
    return Built(go_json(value), MANIFEST_TYPE["oci"], below)


def make_old_artifact(content: bytes, subject: Mapping[str, Any] | None = None) -> Built:
    """An artifact manifest of the release candidates of image-spec 1.1."""
    blob = {"mediaType": "text/plain", "digest": sha256(content), "size": len(content)}
    value: dict[str, Any] = {
        "mediaType": ARTIFACT_TYPE,
        "artifactType": "application/vnd.example",
        "blobs": [blob],
    }
    if subject is not None:
        value["subject"] = dict(subject)
    return Built(go_json(value), ARTIFACT_TYPE, {sha256(content): content})


def make_signature(digest: str) -> Built:
    """What cosign before version 3 pushes under a ``.sig`` tag, with its payload."""
    payload = go_json({"critical": {"image": {"docker-manifest-digest": digest}}})
    return make_artifact(
        payload,
        config_type=CONFIG_TYPE["oci"],
        config=go_json({"architecture": "", "os": "", "rootfs": {"type": "layers"}, "config": {}}),
        layer_type="application/vnd.dev.cosign.simplesigning.v1+json",
    )


def make_index(
    entries: Sequence[Mapping[str, Any]], *parts: Built, family: Family = "oci", **more: Any
) -> Built:
    """An index of some entries, with the blobs of what they lead to."""
    value = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE[family],
        "manifests": list(entries),
        **more,
    }
    below = {digest: data for part in parts for digest, data in part.blobs.items()}
    return Built(go_json(value), INDEX_TYPE[family], below)


def write_layout(
    dest: Path, entries: Iterable[Mapping[str, Any]], *parts: Built, drop: Iterable[str] = ()
) -> Path:
    """Write a layout folder.

    Args:
        dest: the folder.
        entries: of ``index.json``.
        parts: whose blobs are written.
        drop: digests of blobs to leave out.
    """
    blobs = {digest: data for part in parts for digest, data in part.blobs.items()}
    for digest in drop:
        del blobs[digest]
    files = {f"blobs/sha256/{hex_of(digest)}": data for digest, data in blobs.items()}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE["oci"], "manifests": list(entries)}
    return write_files({**files, "index.json": go_json(index), "oci-layout": LAYOUT_MARKER}, dest)
