"""The one walk over the graph, and what is asked of a single node."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Opaque, Root
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.platform import Platform


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, parents first."""
    yield node
    if isinstance(node, ImageIndex):
        for child in node.children:
            yield from walk(child)


def images(node: Node) -> Iterator[Image]:
    """The images at and below a node."""
    for each in walk(node):
        if isinstance(each, Image):
            yield each


def missing(node: Node) -> list[str]:
    """What to call what a node itself would need and lacks; an index lacks nothing."""
    return [] if isinstance(node, ImageIndex | Opaque) else [str(each) for each in node.missing]


def whole(node: Node) -> bool:
    """Whether all that a node leads to is there, under its own digest."""
    return not any(
        missing(each)
        or (
            isinstance(each, Image)
            and any(layer.member is None and not layer.foreign for layer in each.layers)
        )
        for each in walk(node)
    )


def paired(index: ImageIndex) -> list[tuple[Descriptor, Node | None]]:
    """Each entry of an index with the child it leads to, or None where that was taken out.

    By identity and in order: one digest may stand for several platforms, not all of them wanted.
    """
    waiting = deque(index.children)
    return [
        (entry, waiting.popleft() if waiting and waiting[0].descriptor is entry else None)
        for entry in index.index.manifests
    ]


def stated_platform(node: Node) -> Platform | None:
    """The platform an index states for a child, or else its config."""
    if isinstance(node, Image):
        stated = node.descriptor.platform if node.descriptor is not None else None
        return stated if stated is not None and stated.architecture else node.platform
    if isinstance(node, Absent):
        return node.descriptor.platform
    return None


def attached_to(node: Node) -> set[str]:
    """Digests of what an artifact, or an index of some, says it is attached to.

    By ``subject`` (image-spec manifest.md), or by BuildKit's annotation, which tells even of an
    attestation that is absent.
    """
    found = set()
    if isinstance(node, Artifact | Absent):
        found.add(node.descriptor.annotations.get(ATTESTATION_DIGEST, ""))
    if isinstance(node, Artifact | ImageIndex):
        document = node.manifest if isinstance(node, Artifact) else node.index
        found.add(str(document.subject.digest) if document.subject is not None else "")
    return found - {""}


def every(roots: Iterable[Root]) -> Iterator[tuple[Root, Node]]:
    """Each node of some roots with the root it stands below, parents first."""
    for root in roots:
        for node in walk(root.node):
            yield root, node


def every_image(roots: Iterable[Root]) -> Iterator[tuple[Root, Image]]:
    """Each image of some roots with the root it stands below."""
    for root, node in every(roots):
        if isinstance(node, Image):
            yield root, node
