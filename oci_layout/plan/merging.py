"""Roots of several sources as one set: a name for two images is settled as asked."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout.errors import SelectionError
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.reference import ImageName
from oci_layout.source.graph import Image, Node, Root

_NAMES = (CONTAINERD_NAME, REF_NAME)
ON_CONFLICT = ("error", "first", "last")


class _Merging:
    """The roots so far, and who holds which name."""

    def __init__(self, on_conflict: str) -> None:
        self.roots: list[Root] = []
        self._on_conflict = on_conflict
        self._holders: dict[str, int] = {}
        self._same: dict[tuple[str, str], int] = {}

    def take(self, root: Root) -> None:
        """Take one root: a new one, or one that is there under other names."""
        notes = root.descriptor.annotations if root.descriptor is not None else {}
        kept = str(sorted((key, value) for key, value in notes.items() if key not in _NAMES))
        place = self._place(root.node, kept)
        names = [name for name in root.names if self._settle(name, place)]
        if place is None:
            place = len(self.roots)
            self.roots.append(attrs.evolve(root, names=tuple(names)))
        else:
            old = self.roots[place]
            # The one that has a manifest of its own says more.
            better = root if old.node.descriptor is None else old
            self.roots[place] = attrs.evolve(
                better,
                names=tuple({name.key: name for name in (*names, *old.names)}.values()),
                docker=tuple(dict.fromkeys((*old.docker, *root.docker))),
            )
        for identity in _identities(root.node):
            self._same.setdefault((identity, kept), place)
        for name in names:
            self._holders[name.key] = place

    def _place(self, node: Node, kept: str) -> int | None:
        """Where the same image stands already."""
        for identity in _identities(node):
            place = self._same.get((identity, kept))
            if place is None:
                continue
            there = self.roots[place].node.descriptor
            if identity.startswith("config ") and there is not None and node.descriptor is not None:
                continue  # one image packed in two ways: two manifests, both wanted
            return place
        return None

    def _settle(self, name: ImageName, place: int | None) -> bool:
        """Whether a root may have a name."""
        holder = self._holders.get(name.key)
        if holder is None or holder == place or name.reference is None:
            return True  # bare tags repeat; they name nothing for certain
        if self._on_conflict == "last":
            old = self.roots[holder]
            left = tuple(each for each in old.names if each.key != name.key)
            self.roots[holder] = attrs.evolve(old, names=left)
            return True
        if self._on_conflict == "first":
            return False
        raise SelectionError(
            what=f"{name} names two different images in these sources",
            hint="--on-conflict first or last, or repack one with --name OLD=NEW",
        )


def _identities(node: Node) -> list[str]:
    """What makes two nodes the same image: the manifest's digest; without one, the config's."""
    found = []
    if node.descriptor is not None:
        found.append(f"manifest {node.descriptor.digest}")
    if isinstance(node, Image):
        found.append(f"config {node.config.digest} {node.made_from}")
    return found


def merged(sources: Sequence[tuple[Root, ...]], on_conflict: str) -> tuple[Root, ...]:
    """All roots of all sources.

    Args:
        sources: the roots of each.
        on_conflict: what happens to a name that stands for two images: ``error``, ``first`` (the
            earlier source keeps it) or ``last``.

    Raises:
        SelectionError: a name stands for two images, and ``error`` was asked for.
    """
    if len(sources) == 1:
        return sources[0]
    merging = _Merging(on_conflict)
    for roots in sources:
        for root in roots:
            merging.take(root)
    return tuple(merging.roots)
