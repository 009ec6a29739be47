"""Roots of several sources as one set: a name for two images is settled as asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from oci_layout.errors import NameConflict, NameConflictError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Node, Root
from oci_layout.graph.walk import images
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.platform import Platform
from oci_layout.reference import ImageName
from oci_layout.where import Where

_NAMES = (CONTAINERD_NAME, REF_NAME)
CONFLICTS = 20  # of names, each of which is told of
Same = Callable[[Root, Root], bool]
Key = Callable[[ImageName], str]
# What to do where one name stands for two images.
_TAKE_ONE = "--on-conflict first or last, or give one another name"
OTHER_NAME = f"{_TAKE_ONE}: --name DIGEST=NEW"
HOSTLESS = "a registry leaves the host out"


def own_key(name: ImageName) -> str:
    """What a name comes to where it stays as it is."""
    return name.key


@attrs.define
class _Held:
    """A root so far.

    Args:
        root: as it is to go out.
        label: the source it came from.
        robbed: whether it had a name and another image has it now.
    """

    root: Root
    label: str
    robbed: bool = False


class Merge:
    """Takes roots one after the other: the same image once, and each name for one image.

    Args:
        on_conflict: what happens to a name that stands for two images: ``error``, ``first`` (the
            earlier source keeps it) or ``last``.
        findings: told who gets such a name.
        bare: whether a tag alone is a name, as it is to whoever reads one layout
            (``oci:FOLDER:TAG`` of skopeo); tags of different sources may repeat.
        same: whether two roots of one name come to the same once they are written.
        key: what a name comes to where the result stands, as a registry leaves the host out.
    """

    def __init__(
        self,
        on_conflict: str,
        findings: Findings,
        *,
        bare: bool = False,
        same: Same | None = None,
        key: Key = own_key,
    ) -> None:
        self._held: list[_Held] = []
        self._alike, self._key = same, key
        self._on_conflict, self._findings, self._bare = on_conflict, findings, bare
        self.lost: set[tuple[str, str]] = set()  # source and key of each name that went elsewhere
        self._conflicts = 0
        self._told: list[NameConflict] = []
        self._holders: dict[str, int] = {}
        self._same: dict[tuple[tuple[str, str], str], int] = {}

    def require_settled(self) -> None:
        """Refuse what has come together, where that was asked for.

        Raises:
            NameConflictError: a name stands for two images.
        """
        if self._told:
            raise NameConflictError.of(self._told, self._conflicts)

    def roots(self) -> tuple[Root, ...]:
        """What it came to, without what another image has taken every name of."""
        return tuple(held.root for held in self._held if held.root.names or not held.robbed)

    def take(self, root: Root, label: str) -> None:
        """Take one root: a new one, or one that is there under other names."""
        notes = root.descriptor.annotations if root.descriptor is not None else {}
        kept = str(sorted((key, value) for key, value in notes.items() if key not in _NAMES))
        place = self._place(root.node, kept)
        if place is None:
            place = self._by_name(root)
        names = [name for name in root.names if self._settle(name, place, root, label)]
        if place is None:
            place = len(self._held)
            new = attrs.evolve(root, names=tuple(names))
            self._held.append(_Held(new, label, robbed=len(names) < len(root.names)))
        else:
            old = self._held[place].root
            # The one that has a manifest of its own says more.
            better = root if old.node.descriptor is None else old
            self._held[place].root = attrs.evolve(
                better,
                names=tuple({name.key: name for name in (*names, *old.names)}.values()),
                docker=tuple(dict.fromkeys((*old.docker, *root.docker))),
                listed=old.listed or root.listed,
            )
        for identity in identities(root.node):
            self._same.setdefault((identity, kept), place)
        for name in names:
            self._holders[self._key(name)] = place

    def _place(self, node: Node, kept: str) -> int | None:
        """Where the same image stands already."""
        for identity in identities(node):
            place = self._same.get((identity, kept))
            if place is None:
                continue
            there = self._held[place].root.node.descriptor
            if identity[0] == "config" and there is not None and node.descriptor is not None:
                continue  # one image packed in two ways: two manifests, both wanted
            return place
        return None

    def _by_name(self, root: Root) -> int | None:
        """Where what has one of its names comes to the same once it is written."""
        if self._alike is None:
            return None
        for name in root.names:
            number = self._holders.get(self._key(name))
            if number is not None and self._alike(self._held[number].root, root):
                return number
        return None

    def _settle(self, name: ImageName, place: int | None, root: Root, label: str) -> bool:
        """Whether a root may have a name."""
        key = self._key(name)
        number = self._holders.get(key)
        if number is None or number == place or (name.reference is None and not self._bare):
            return True
        holder = self._held[number]
        known = next((each for each in holder.root.names if self._key(each) == key), name)
        alike = known.key == name.key
        one = f"{called(holder.root.node)} in {holder.label}"
        other = f"{called(root.node)} in {label}"
        if not alike:  # two names that come to one
            one, other = f"{known} ({one})", f"{name} ({other})"
        subject = str(name) if alike else key
        if self._on_conflict == "error":
            joins = alike and self._joins(holder, root)
            join = "--multi-platform makes one image of them, " if joins else ""
            hint = OTHER_NAME if alike else f"{HOSTLESS}: {_TAKE_ONE}: --name {name}=NEW"
            self._conflicts += 1
            if len(self._told) < CONFLICTS:
                self._told.append(
                    NameConflict(
                        name=subject,
                        images=(one, other),
                        source=label,
                        hint=f"{join}{hint}",
                    )
                )
            return False
        last = self._on_conflict == "last"
        self.lost.add((holder.label if last else label, name.key))
        self._findings.warning(
            "name-taken",
            f"goes to {other if last else one}, not to {one if last else other}",
            Where(image=subject),
        )
        if last:
            left = tuple(each for each in holder.root.names if self._key(each) != key)
            holder.root, holder.robbed = attrs.evolve(holder.root, names=left), True
        return last

    def _joins(self, holder: _Held, root: Root) -> bool:
        """Whether two images of one name are for different platforms, and may be joined."""
        one, other = _platforms(holder.root.node), _platforms(root.node)
        return not self._bare and bool(one and other) and not one & other


def _platforms(node: Node) -> set[Platform]:
    return {image.platform.normalised() for image in images(node)}


def called(node: Node) -> str:
    """The digest to call a node by."""
    if isinstance(node, Image) and node.descriptor is None:
        return node.config.digest.short
    return "an image" if node.descriptor is None else node.descriptor.digest.short


def identities(node: Node) -> list[tuple[str, str]]:
    """What makes two nodes the same image: the manifest's digest; without one, the config's.

    Each comes with the document that it is of.
    """
    found = []
    if node.descriptor is not None:
        found.append(("manifest", str(node.descriptor.digest)))
    if isinstance(node, Image):
        found.append(("config", f"{node.config.digest} {node.made_from}"))
    return found


def merged(
    roots: Sequence[Root],
    on_conflict: str,
    findings: Findings,
    *,
    same: Same | None = None,
    key: Key = own_key,
) -> tuple[Root, ...]:
    """The roots of several sources as one set.

    An image that loses its only name to another is left out, as a layout that is added to loses
    it; one that never had a name stays.

    Args:
        roots: of all sources, each with its origin.
        on_conflict: what happens to a name that stands for two images: ``error``, ``first`` (the
            earlier source keeps it) or ``last``.
        findings: told who gets such a name.
        same: whether two roots of one name come to the same once they are written.
        key: what a name comes to where the result stands.

    Raises:
        NameConflictError: a name stands for two images, and ``error`` was asked for.
    """
    merge = Merge(on_conflict, findings, same=same, key=key)
    for root in roots:
        merge.take(root, root.origin)
    merge.require_settled()
    return merge.roots()
