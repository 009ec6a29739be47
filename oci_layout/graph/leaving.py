"""What leaves a graph when something of it goes: children of indexes, and what was attached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import SelectionError
from oci_layout.graph.nodes import Image, ImageIndex, Node, Root
from oci_layout.graph.referrers import is_attached, with_referrers
from oci_layout.graph.walk import attached_to

Goes = Callable[[Node], bool]


def identity(node: Node) -> Digest:
    """The digest that a node goes by: of its document, or of the config where it has none."""
    if node.descriptor is not None:
        return node.descriptor.digest
    if not isinstance(node, Image):
        raise AssertionError("only images have no descriptor")
    return node.config.digest


def leaving(parts: Iterable[Digest]) -> Goes:
    """Whether a child of an index goes: it was named, or is attached to what was and nothing else.

    Args:
        parts: digests of what was named.
    """
    gone = {str(each) for each in parts}

    def goes(child: Node) -> bool:
        attached = attached_to(child)
        return str(identity(child)) in gone or (bool(attached) and attached <= gone)

    return goes


def without(node: Node, goes: Goes) -> Node:
    """A node without the children that go; an index of which nothing would be left is empty."""
    if not isinstance(node, ImageIndex):
        return node
    left = tuple(without(child, goes) for child in node.children if not goes(child))
    return attrs.evolve(node, children=left)


def nothing_left(node: Node) -> SelectionError:
    """The error of who takes the last thing out of an index."""
    return SelectionError(
        what=f"nothing would be left of the index {identity(node)}",
        hint="name the index, to remove it as a whole",
    )


def attached(roots: Sequence[Root]) -> set[Digest]:
    """Digests of the roots that are attached to something that is there."""
    first = tuple(root for root in roots if not is_attached(root))
    return {identity(root.node) for root in with_referrers(first, roots) if is_attached(root)}
