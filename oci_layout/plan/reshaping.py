"""Names of a source that is written again: what goes out of its graph, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import SelectionError
from oci_layout.graph.leaving import attached as attached_digests
from oci_layout.graph.leaving import identity, leaving, nothing_left, without
from oci_layout.graph.nodes import ImageIndex, Root
from oci_layout.graph.selection import Hit, hits
from oci_layout.plan.keeping import Renamed, new_name, one_image
from oci_layout.reference import ImageName

Reshape = Callable[[tuple[Root, ...]], tuple[Root, ...]]


@attrs.frozen(kw_only=True)
class Reshaped:
    """What goes out.

    Args:
        roots: all of it.
        added: names that are new, or stand for something else than before.
        removed: names, and images without one, that are gone.
    """

    roots: tuple[Root, ...]
    added: tuple[Renamed, ...] = ()
    removed: tuple[Renamed, ...] = ()


def tagged_roots(roots: tuple[Root, ...], old: str, new: str, *, move: bool = False) -> Reshaped:
    """Roots of which one has one name more.

    Args:
        roots: what the source holds.
        old: a name or digest of the image.
        new: the name it is to have.
        move: whether the name is taken away from what has it.

    Raises:
        SelectionError: there is no such image, or the new name is taken.
        UsageError: not a name.
    """
    name = new_name(new, [each for root in roots for each in root.names])
    hit = one_image(hits(old, roots), old)
    target = hit.root if hit.node is hit.root.node else None
    if target is not None and name.key in {each.key for each in target.names}:
        return Reshaped(roots=roots)
    owner = next((root for root in roots if name.key in {n.key for n in root.names}), None)
    if owner is not None and not move:
        raise SelectionError(
            what=f"{name} is the name of another image ({identity(owner.node).short})",
            hint="--move takes it away from that",
        )
    result = [_renamed(root, (name,), target is root, owner is root) for root in roots]
    if target is None:
        result.append(Root(node=hit.node, names=(name,), origin=hit.root.origin))
    before = identity(owner.node) if owner is not None else None
    added = Renamed(name=str(name), digest=identity(hit.node), before=before)
    return Reshaped(roots=tuple(result), added=(added,))


def _renamed(root: Root, names: tuple[ImageName, ...], gains: bool, loses: bool) -> Root:
    if not gains and not loses:
        return root
    keys = {name.key for name in names}
    kept = tuple(name for name in root.names if name.key not in keys)
    docker = tuple(pair for pair in root.docker if pair[0] not in keys)
    if gains:
        docker += tuple((name.key, digest) for name in names for _, digest in root.docker[:1])
    return attrs.evolve(root, names=(*kept, *names) if gains else kept, docker=docker)


def removed_roots(
    roots: tuple[Root, ...], wanted: Sequence[str], *, attached: bool = False
) -> Reshaped:
    """Roots without some names, or without what some digests stand for.

    Args:
        roots: what the source holds.
        wanted: names, of which the last one takes the image along; digests.
        attached: whether what is attached to what goes, goes with it.

    Raises:
        SelectionError: there is no such image, or nothing would be left of an index.
    """
    named: dict[Root, set[str]] = {}
    whole: set[Root] = set()
    parts: dict[Root, set[Digest]] = {}
    for text in wanted:
        for hit in hits(text, roots):
            _sort(hit, named, whole, parts)
    result: list[Root] = []
    added: list[Renamed] = []
    removed: list[Renamed] = []
    for root in roots:
        gone = [each for each in root.names if each.key in named.get(root, set())]
        out = root in whole or (bool(gone) and len(gone) == len(root.names))
        if out or gone:
            names = (root.names or (None,)) if out else tuple(gone)
            removed += [
                Renamed(name=None if each is None else str(each), digest=identity(root.node))
                for each in names
            ]
        if out:
            continue
        kept = _renamed(root, tuple(gone), gains=False, loses=bool(gone))
        if root in parts:
            node = without(root.node, leaving(parts[root]))
            if isinstance(node, ImageIndex) and not node.children:
                raise nothing_left(root.node)
            kept = attrs.evolve(kept, node=node)
            added += [
                Renamed(name=str(name), digest=None, before=identity(root.node))
                for name in kept.names
            ]
        result.append(kept)
    left = tuple(result)
    if attached:
        lost = attached_digests(roots) - attached_digests(left)
        removed += [
            Renamed(name=None if name is None else str(name), digest=identity(root.node))
            for root in left
            if identity(root.node) in lost
            for name in (root.names or (None,))
        ]
        left = tuple(root for root in left if identity(root.node) not in lost)
    return Reshaped(roots=left, added=tuple(added), removed=tuple(removed))


def _sort(
    hit: Hit,
    named: dict[Root, set[str]],
    whole: set[Root],
    parts: dict[Root, set[Digest]],
) -> None:
    if hit.node is not hit.root.node:
        parts.setdefault(hit.root, set()).add(identity(hit.node))
    elif not hit.by_digest:
        named.setdefault(hit.root, set()).update(name.key for name in hit.names)
    else:
        whole.add(hit.root)
