"""Indexes in which images were edited: their text, with other digests and platforms in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oci_layout.graph.nodes import Image, Node, Root
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.jsondiff import differences
from oci_layout.model.jsonedit import Edits, Path
from oci_layout.plan.editing import Editing
from oci_layout.plan.made import Made


def restated(
    editing: Editing | None, edits: Edits, path: Path, descriptor: Descriptor, node: Node | None
) -> bool:
    """Let an entry of an index state the platform that its image was given; whether it had to.

    Args:
        editing: what is edited; None for nothing.
        edits: of the index.
        path: of the entry.
        descriptor: the entry.
        node: what it leads to.
    """
    if editing is None or not isinstance(node, Image):
        return False
    platform = editing.entry(node, descriptor)
    if platform is None:
        return False
    for each in differences(descriptor.source["platform"], platform, (*path, "platform")):
        each.into(edits)
    return True


def entry_of(editing: Editing | None, root: Root) -> dict[str, Any]:
    """The entry that a root has in ``index.json``, with the platform that it is to state."""
    if root.descriptor is None:
        return {}
    source = dict(root.descriptor.source)
    if editing is not None and isinstance(root.node, Image):
        platform = editing.entry(root.node, root.descriptor)
        if platform is not None:
            source["platform"] = dict(platform)
    return source


def kept_index(
    editing: Editing | None, roots: Sequence[Root], top: Sequence[tuple[Root, Made]]
) -> bytes | None:
    """The source's own ``index.json`` with what was edited; None where it must be made anew.

    Args:
        editing: what is edited; None for nothing.
        roots: what goes out.
        top: the same, with what became of each; of what has no form, nothing.
    """
    if editing is None or editing.index is None:
        return None
    before = {root.node: (root.names, root.descriptor) for root in roots}
    if any(before[root.node] != (root.names, root.descriptor) for root, _ in top):
        return None  # a name or an annotation followed a digest
    made = {
        root.node.descriptor.digest: (root.node, each)
        for root, each in top
        if root.node.descriptor is not None and root.listed
    }
    edits = Edits(editing.index.raw)
    for number, descriptor in enumerate(editing.index.manifests):
        path: Path = ("manifests", number)
        found = made.get(descriptor.digest)
        if found is None:
            edits.remove(path)
            continue
        node, new = found
        restated(editing, edits, path, descriptor, node)
        if new.digest != descriptor.digest:
            edits.set((*path, "digest"), str(new.digest))
            edits.set((*path, "size"), new.size)
            edits.remove((*path, "data"))
    return edits.apply()
