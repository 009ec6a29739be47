"""What vouches for an image and goes to Docker beside an original: among the blobs, by its subject.

Docker has no form for it, and takes each entry of ``index.json`` for an image. So what a tag or a
place alone says of a signature (cosign) is said by a ``subject``, as in the referrers of
distribution-spec; the bytes that are signed stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from oci_layout.graph.nodes import Artifact, Node, Root
from oci_layout.graph.referrers import spellings, tagged_digest
from oci_layout.graph.walk import every
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.jsonedit import Edits


def carried(
    roots: tuple[Root, ...], sources: Iterable[Root]
) -> tuple[tuple[Root, ...], frozenset[Node]]:
    """The roots, with what can be carried without an entry; and which those are.

    Args:
        roots: what goes out.
        sources: all roots of all sources.
    """
    there: dict[str, Descriptor] = {}
    for _, node in every(sources):
        if node.descriptor is not None:
            for text in spellings(node.descriptor.digest):
                there.setdefault(text, node.descriptor)
    result: list[Root] = []
    taken: set[Node] = set()
    for root in roots:
        node = root.node
        new = _with_subject(node, root, there) if isinstance(node, Artifact) else None
        if new is None:
            result.append(root)
            continue
        taken.add(new)
        result.append(attrs.evolve(root, node=new, names=(), listed=False, subject=None))
    return tuple(result), frozenset(taken)


def _with_subject(
    artifact: Artifact, root: Root, there: Mapping[str, Descriptor]
) -> Artifact | None:
    """An artifact that says itself what it refers to; None where nothing does."""
    manifest = artifact.manifest
    if manifest.subject is not None:
        return artifact
    tags = [found[0] for name in root.names if (found := tagged_digest(name.tag)) is not None]
    beside = [str(root.subject)] if root.subject is not None else []
    subject = next((there[text] for text in (*tags, *beside) if text in there), None)
    if subject is None:
        return None
    edits = Edits(manifest.raw)
    edits.set(
        ("subject",),
        {
            "mediaType": subject.media_type,
            "digest": str(subject.digest),
            "size": subject.size,
        },
    )
    said = attrs.evolve(manifest, raw=edits.apply(), subject=subject)
    return attrs.evolve(artifact, manifest=said)
