"""Which blobs each node uses: the tasks of a plan are asked for here."""

from __future__ import annotations

from oci_layout.blobs.task import Expected, TaskList
from oci_layout.graph.nodes import Absent, Artifact, Image, Layer, Node, Opaque, Root
from oci_layout.graph.walk import every
from oci_layout.mediatype import Family
from oci_layout.plan.editing import Editing
from oci_layout.where import Where

Uses = tuple[str | None, ...]


def uses_of(
    roots: tuple[Root, ...],
    tasks: TaskList,
    target: Family,
    editing: Editing | None = None,
    carried: frozenset[Node] = frozenset(),
) -> dict[Node, Uses]:
    """Ask for the blobs of each node. Layers that several images share are asked for once.

    Args:
        roots: what is to go out.
        tasks: is asked.
        target: decides what of it has a form.
        editing: what is edited of the layers; None for nothing.
        carried: what goes to a target all the same that has no form for its like.

    Raises:
        TargetError: the target has no media type for a layer as it is to be kept.
    """
    stacks: dict[tuple[tuple[Layer, ...], bool], Uses] = {}
    uses: dict[Node, Uses] = {}
    for root, node in every(roots):
        if node in uses:
            continue
        if not isinstance(node, Image):
            goes = target is Family.OCI or node in carried
            uses[node] = _blobs_of(node, tasks) if goes else ()
            continue
        stack = node.layers, editing is not None and editing.holds(node)
        keys = stacks.get(stack)
        if keys is None:
            label = str(root.names[0]) if root.names else node.config.digest.short
            keys = stacks[stack] = tuple(
                tasks.layer(
                    layer,
                    Where(image=label, layer=number),
                    editing.clamped(node, layer) if editing is not None else None,
                )
                for number, layer in enumerate(node.layers)
            )
        uses[node] = keys
    return uses


def _blobs_of(node: Node, tasks: TaskList) -> Uses:
    if isinstance(node, Opaque):
        expected = Expected(
            where=Where(), digest=node.descriptor.digest, size=node.descriptor.stated_size
        )
        return (tasks.opaque(node.member, expected),)
    if not isinstance(node, Artifact | Absent):
        return ()
    where = Where(image=node.descriptor.digest.short)
    return tuple(
        None
        if member is None
        else tasks.opaque(
            member, Expected(where=where, digest=descriptor.digest, size=descriptor.stated_size)
        )
        for descriptor, member in (node.blobs if isinstance(node, Artifact) else node.parts)
    )
