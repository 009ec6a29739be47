"""What belongs to an image: attestations, signatures, anything that refers to its digest.

Four ways are in use: an annotation inside the same index (BuildKit), ``subject`` in a manifest
(image-spec manifest.md), a tag made of the digest (cosign; the fallback of distribution-spec), and
the entry's ``kind`` in a layout of a single image (``cosign save``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Opaque, Root
from oci_layout.graph.walk import attached_to, walk
from oci_layout.model.layout import COSIGN_IMAGES, COSIGN_KIND, COSIGN_PREFIX
from oci_layout.where import Where

# distribution-spec, "Referrers Tag Schema": at most 64 characters of the hash.
_TAG_HEX = 64
_TAG_SCHEME = re.compile(r"(sha256|sha512)-([0-9a-f]{64})(\.[a-z]+)?")


def tagged_digest(text: str) -> tuple[str, str] | None:
    """The digest that a tag of the scheme is made of, maybe cut, and what follows (``.sig``)."""
    match = _TAG_SCHEME.fullmatch(text)
    return (f"{match[1]}:{match[2]}", match[3] or "") if match is not None else None


def digest_tag(digest: Digest, suffix: str) -> str:
    """The tag of the tag scheme for a digest."""
    return f"{digest.algorithm}-{digest.hex[:_TAG_HEX]}{suffix}"


def spellings(digest: Digest) -> set[str]:
    """A digest as documents write it, and as a tag can be made of it."""
    return {str(digest), f"{digest.algorithm}:{digest.hex[:_TAG_HEX]}"}


def targets(root: Root) -> set[str]:
    """Digests of what a root is attached to, by any of the four ways."""
    found = attached_to(root.node)
    for name in root.names:
        tagged = tagged_digest(name.tag)
        if tagged is not None:
            found.add(tagged[0])
    if root.subject is not None:
        found.add(str(root.subject))
    return found


def digests(roots: Iterable[Root]) -> set[str]:
    """Digests of all manifests and indexes at and below some roots, in each spelling."""
    return {
        text
        for root in roots
        for node in walk(root.node)
        if node.descriptor is not None
        for text in spellings(node.descriptor.digest)
    }


def with_referrers(chosen: tuple[Root, ...], roots: Sequence[Root]) -> tuple[Root, ...]:
    """What was chosen, and what of the rest belongs to it; what refers to a referrer, too."""
    result = list(chosen)
    taken = {root.node for root in chosen}
    waiting: dict[str, list[Root]] = {}
    for root in roots:
        for digest in targets(root) - digests([root]):  # an index may name a child its subject
            waiting.setdefault(digest, []).append(root)
    todo = list(digests(chosen))
    while todo:
        for root in waiting.pop(todo.pop(), ()):
            if root.node not in taken:
                taken.add(root.node)
                result.append(root)
                todo += digests([root])
    return tuple(result)


def is_attached(root: Root) -> bool:
    """Whether a root is there for the sake of another: signature, attestation, SBOM."""
    if any(tagged_digest(name.tag) is not None for name in root.names):
        return True
    kind = root.descriptor.annotations.get(COSIGN_KIND, "") if root.descriptor is not None else ""
    if kind.startswith(COSIGN_PREFIX) and kind not in COSIGN_IMAGES:
        return True
    holds_image = any(isinstance(each, Image) for each in walk(root.node))
    return bool(attached_to(root.node)) and not holds_image


def without_attached(
    roots: tuple[Root, ...], findings: Findings, of: frozenset[str] | None = None
) -> tuple[Root, ...]:
    """The roots without attestations, signatures and whatever else refers to an image.

    Args:
        roots: all there are.
        findings: told of what is left out.
        of: digests of the images, in all spellings; None for any image.
    """
    kept = []
    for root in roots:
        if is_attached(root) and (of is None or targets(root) & of):
            findings.warning("attachment-dropped", "is left out, as asked", Where(image=root.label))
            continue
        node = _bare(root.node, findings, root.label, of)
        if node is not None:
            kept.append(attrs.evolve(root, node=node))
    return tuple(kept)


def _bare(node: Node, findings: Findings, label: str, of: frozenset[str] | None) -> Node | None:
    if isinstance(node, ImageIndex):
        children = [_bare(child, findings, label, of) for child in node.children]
        kept = tuple(child for child in children if child is not None)
        return attrs.evolve(node, children=kept) if kept or not node.children else None
    attestation = isinstance(node, Artifact) and node.is_attestation
    if of is not None and not of.intersection(attached_to(node)):
        return node
    if isinstance(node, Image | Opaque) or not (attestation or attached_to(node)):
        return node
    what = "attestation" if attestation or isinstance(node, Absent) else "referrer"
    findings.warning(
        "attachment-dropped",
        f"the {what} {node.descriptor.digest} is left out, as asked",
        Where(image=label),
    )
    return None
