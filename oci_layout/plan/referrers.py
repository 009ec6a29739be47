"""What belongs to an image: attestations, signatures, anything that refers to its digest.

Three ways are in use: an annotation inside the same index (BuildKit), ``subject`` in a manifest
(image-spec manifest.md), and a tag made of the digest (cosign, the OCI fallback scheme).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from oci_layout.finding import Findings, Where
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.source.graph import Artifact, ImageIndex, Node, Root, walk

_TAG_SCHEME = re.compile(r"(sha256|sha512)-([0-9a-f]{64,128})(?:\.[a-z]+)?")
COSIGN_KIND = "kind"
_COSIGN = "dev.cosignproject.cosign/"


def refers(node: Node, subjects: set[str]) -> bool:
    """Whether an artifact is attached to one of the digests, by annotation or subject."""
    if not isinstance(node, Artifact):
        return False
    if node.descriptor.annotations.get(ATTESTATION_DIGEST) in subjects:
        return True
    subject = node.manifest.subject
    return subject is not None and str(subject.digest) in subjects


def tagged_digest(text: str) -> str | None:
    """The digest that a tag of the tag scheme is made of."""
    match = _TAG_SCHEME.fullmatch(text)
    return f"{match[1]}:{match[2]}" if match is not None else None


def _root_refers(root: Root, subjects: set[str]) -> bool:
    if refers(root.node, subjects):
        return True
    return any(tagged_digest(name.tag) in subjects for name in root.names)


def digests(roots: Iterable[Root]) -> set[str]:
    """Digests of all manifests and indexes at and below some roots."""
    return {
        str(node.descriptor.digest)
        for root in roots
        for node in walk(root.node)
        if node.descriptor is not None
    }


def with_referrers(chosen: tuple[Root, ...], roots: Sequence[Root]) -> tuple[Root, ...]:
    """What was chosen, and what of the rest belongs to it; what refers to a referrer, too."""
    result = list(chosen)
    taken = {id(root.node) for root in chosen}
    known = digests(chosen)
    while True:
        more = [root for root in roots if id(root.node) not in taken and _root_refers(root, known)]
        if not more:
            return tuple(result)
        result += more
        taken |= {id(root.node) for root in more}
        known |= digests(more)


def is_attached(root: Root) -> bool:
    """Whether a root is there for the sake of another: signature, attestation, SBOM."""
    if any(tagged_digest(name.tag) is not None for name in root.names):
        return True
    kind = root.descriptor.annotations.get(COSIGN_KIND, "") if root.descriptor is not None else ""
    if kind.startswith(_COSIGN) and kind.removeprefix(_COSIGN).split("/")[0] != "image":
        return isinstance(root.node, Artifact) or not kind.endswith(("image", "imageIndex"))
    return isinstance(root.node, Artifact) and root.node.manifest.subject is not None


def without_attached(roots: tuple[Root, ...], findings: Findings) -> tuple[Root, ...]:
    """The roots without attestations, signatures and whatever else refers to an image."""
    kept = []
    for root in roots:
        if is_attached(root):
            findings.warning("attachment-dropped", "is left out, as asked", Where(image=root.label))
            continue
        node = _bare(root.node, findings, root.label)
        if node is not None:
            kept.append(attrs.evolve(root, node=node))
    return tuple(kept)


def _bare(node: Node, findings: Findings, label: str) -> Node | None:
    if not isinstance(node, ImageIndex):
        attached = isinstance(node, Artifact) and (
            node.is_attestation or node.manifest.subject is not None
        )
        if attached and node.descriptor is not None:
            findings.warning(
                "attachment-dropped",
                f"the attestation {node.descriptor.digest} is left out, as asked",
                Where(image=label),
            )
        return None if attached else node
    children = [_bare(child, findings, label) for child in node.children]
    kept = tuple(child for child in children if child is not None)
    return attrs.evolve(node, children=kept) if kept or not node.children else None
