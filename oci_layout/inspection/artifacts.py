"""What kind of thing an artifact is, and which image it belongs to."""

from __future__ import annotations

from oci_layout.graph.nodes import Artifact, Root
from oci_layout.graph.referrers import tagged_digest
from oci_layout.mediatype import OCI_EMPTY, Kind, document_kind
from oci_layout.model.layout import ATTESTATION_DIGEST, DELTA_ARTIFACT, ORIGINAL_ARTIFACT

_PREDICATE = "in-toto.io/predicate-type"
# The beginning of a media type, of the artifact, its config or its first blob, in this order.
_KINDS = (
    ("application/vnd.dev.cosign.simplesigning.v1+json", "cosign signature"),
    ("application/vnd.dsse.envelope.v1+json", "signed attestation"),
    ("application/vnd.dev.sigstore.bundle", "sigstore bundle"),
    ("application/vnd.cncf.notary.signature", "Notary signature"),
    ("application/vnd.cncf.notary.v2.signature", "Notary signature"),
    ("application/vnd.cncf.helm.config.v1+json", "Helm chart"),
    ("application/vnd.cncf.helm.chart.content", "Helm chart"),
    ("application/vnd.in-toto", "in-toto attestation"),
    ("application/spdx", "SPDX SBOM"),
    ("text/spdx", "SPDX SBOM"),
    ("application/vnd.cyclonedx", "CycloneDX SBOM"),
    ("application/vnd.syft", "Syft SBOM"),
    (DELTA_ARTIFACT, "deltas of layers"),
    (ORIGINAL_ARTIFACT, "original manifest"),
    ("application/vnd.wasm", "WebAssembly module"),
    ("application/vnd.module.wasm", "WebAssembly module"),
)


def media_types(artifact: Artifact) -> list[str]:
    """The media types that tell what an artifact is, the one that counts most first."""
    manifest = artifact.manifest
    types = [manifest.artifact_type, artifact.descriptor.artifact_type]
    if manifest.config is not None and document_kind(manifest.config.media_type)[0] is Kind.OTHER:
        types.append(manifest.config.media_type)
    types += [blob.media_type for blob in manifest.layers]
    return [text for text in types if text and text != OCI_EMPTY]


def kind_of(artifact: Artifact) -> str:
    """What an artifact is, in a word; its media type where there is no word for it."""
    if artifact.is_attestation:
        return "attestation"
    types = media_types(artifact)
    for text in types:
        for beginning, word in _KINDS:
            if text.startswith(beginning):
                return word
    return types[0] if types else "artifact"


def predicates(artifact: Artifact) -> tuple[str, ...]:
    """The predicate types of in-toto statements, as annotations of their blobs state them."""
    found = (layer.annotations.get(_PREDICATE, "") for layer in artifact.manifest.layers)
    return tuple(text for text in dict.fromkeys(found) if text)


def subject_of(artifact: Artifact, root: Root | None) -> str | None:
    """The digest of what an artifact is about, if it says so.

    Args:
        artifact: the artifact.
        root: what it stands in the source as; None for one inside an index. A tag of the tag
            scheme of cosign and OCI is made of the digest.
    """
    if artifact.manifest.subject is not None:
        return str(artifact.manifest.subject.digest)
    noted = artifact.descriptor.annotations.get(ATTESTATION_DIGEST)
    if noted:
        return noted
    if root is None:
        return None
    tagged = next((found for name in root.names if (found := tagged_digest(name.tag))), None)
    if tagged is not None:
        return tagged[0]
    return str(root.subject) if root.subject is not None else None
