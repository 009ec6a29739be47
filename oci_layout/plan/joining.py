"""Images of one name and several platforms as one image: ``--multi-platform`` of ``merge``.

What is an index in its source is taken apart, and what is attached to its images comes along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeGuard

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import SelectionError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Image, ImageIndex, Node, Root
from oci_layout.graph.referrers import digests, is_attached, targets
from oci_layout.graph.walk import attached_to, images, stated_platform, walk
from oci_layout.mediatype import OCI_INDEX
from oci_layout.model import gojson
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Index
from oci_layout.plan import naming
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.entries import images_first, lost_fields
from oci_layout.plan.merging import OTHER_NAME, Same, called, identities
from oci_layout.platform import Platform
from oci_layout.reference import ImageName
from oci_layout.where import Where


@attrs.frozen(kw_only=True)
class Joined:
    """Roots of which those of one name and several platforms are one.

    Args:
        roots: in the order of their first parts.
        changes: what was made, and what an index lost that was taken apart.
    """

    roots: tuple[Root, ...]
    changes: tuple[Change, ...] = ()


def joined(
    roots: Sequence[Root], on_conflict: str, findings: Findings, *, same: Same | None = None
) -> Joined:
    """Make one image of those that share a name, each for another platform.

    Images come in the order of the sources, and in each source in its own order; after them comes
    what is attached to them. What has a name that nothing shares stays as it is.

    Args:
        roots: of all sources, each with its origin, under the names that they are to have.
        on_conflict: what happens where two images of one name are for one platform: ``error``,
            ``first`` or ``last``, in the order of the sources.
        findings: told which of such images goes.
        same: whether two roots come to the same once they are written.

    Raises:
        SelectionError: an image without a name or a platform, or such a conflict.
    """
    _require_names(roots)
    parts: dict[tuple[int, ...], list[ImageName]] = {}
    for name, holders in _holders(roots).items():
        if len(holders) > 1 and all(any(images(roots[each].node)) for each in holders):
            parts.setdefault(holders, []).append(name)
    _require_few(roots, parts)
    changes: list[Change] = []
    taken: dict[int, set[str]] = {}
    before: dict[int, list[Root]] = {}
    apart: dict[str, Root] = {}
    for holders, names in parts.items():
        joining = _Joining(names, on_conflict, same)
        for each in holders:
            joining.take(roots[each])
        made = joining.root()
        if made is None:
            continue
        joining.tell(findings)
        changes += joining.changes
        before.setdefault(holders[0], []).append(made)
        apart.update(dict.fromkeys(joining.apart, made))
        for each in holders:
            taken.setdefault(each, set()).update(name.key for name in names)
    result: list[Root] = []
    for number, root in enumerate(roots):
        result += before.get(number, [])
        left = [name for name in root.names if name.key not in taken.get(number, ())]
        if number not in taken:
            result.append(root)
        elif left:
            result.append(_called(root, left))
    return Joined(roots=tuple(result), changes=(*changes, *_left_behind(result, apart)))


def _called(root: Root, names: Sequence[ImageName]) -> Root:
    """A root under some of its names alone."""
    keys = {name.key for name in names}
    docker = tuple((key, digest) for key, digest in root.docker if key in keys)
    return attrs.evolve(root, names=tuple(names), docker=docker)


def _holders(roots: Sequence[Root]) -> dict[ImageName, tuple[int, ...]]:
    """The numbers of the roots that have each name; a tag alone is no name for certain."""
    found: dict[str, tuple[ImageName, dict[int, None]]] = {}
    for number, root in enumerate(roots):
        for name in root.names:
            if name.reference is not None:
                found.setdefault(name.key, (name, {}))[1][number] = None
    return {name: tuple(numbers) for name, numbers in found.values()}


def _require_names(roots: Sequence[Root]) -> None:
    """Refuse an image of which nothing says whose platform it is.

    Raises:
        SelectionError: there is one.
    """
    for root in roots:
        if is_attached(root) or not any(images(root.node)):
            continue
        if not any(name.reference is not None for name in root.names):
            what = "has no name" if not root.names else "has a tag alone, which is no whole name"
            raise SelectionError(
                what=f"--multi-platform joins by name, and {root.label} in {root.origin} {what}",
                hint="--name NAME names all, --name DIGEST=NAME one, --image chooses others",
            )


def _require_few(roots: Sequence[Root], parts: Iterable[tuple[int, ...]]) -> None:
    """Refuse indexes without end: one of many names may be joined with many images.

    Raises:
        SelectionError: they would list too much.
    """
    lengths: dict[int, int] = {}
    listed = 0
    for holders in parts:
        for each in holders:
            if each not in lengths:
                lengths[each] = sum(1 for _ in walk(roots[each].node))
            listed += lengths[each]
        if listed > limits.NODES:
            raise SelectionError(
                what=f"the indexes would list more than {limits.NODES} things together",
                hint="--image takes fewer of them",
            )


@attrs.define
class _Held:
    """The images of one platform: several where one index has them packed in several ways.

    Args:
        images: in order.
        origin: the source that they came from.
    """

    images: list[Node]
    origin: str


class _Joining:
    """Makes one image of the roots that share a name.

    Args:
        names: that they share.
        on_conflict: see ``joined``.
        same: see ``joined``.
    """

    def __init__(self, names: list[ImageName], on_conflict: str, same: Same | None) -> None:
        self._names, self._on_conflict, self._alike = names, on_conflict, same
        self._roots: list[Root] = []
        self._held: dict[Platform, _Held] = {}
        self._rest: dict[object, Node] = {}
        self._lost: list[Node] = []
        self.taken: list[str] = []  # what to say of each platform that two sources have
        self.left_out = 0  # attached to images that went
        self.apart: dict[str, ImageIndex] = {}
        self.changes: list[Change] = []

    def take(self, root: Root) -> None:
        """Take the images of a root, and what is attached to them.

        Raises:
            SelectionError: one has no platform, or one that another source has.
        """
        self._roots.append(root)
        by_platform: dict[Platform, list[Node]] = {}
        for node in _leaves(root.node):
            if not _is_platform(node):
                self._rest.setdefault(_key(node), node)
                continue
            platform = stated_platform(node)
            if platform is None or not (platform.os and platform.architecture) or platform.unknown:
                raise SelectionError(
                    what=f"{self._names[0]}: {called(node)} in {root.origin} states no platform",
                    hint="layout edit --platform-of states one",
                )
            by_platform.setdefault(platform.normalised(), []).append(node)
        for platform, nodes in by_platform.items():
            self._settle(platform, nodes, root.origin)

    def _settle(self, platform: Platform, nodes: list[Node], origin: str) -> None:
        """Take the images that one source has for a platform."""
        held = self._held.get(platform)
        if held is None:
            self._held[platform] = _Held(nodes, origin)
            return
        if self._within(nodes, held.images):
            if len(nodes) == len(held.images) == 1 and _says_less(held.images[0]):
                held.images = nodes
            return
        if self._within(held.images, nodes):
            self._held[platform] = _Held(nodes, origin)
            return
        one = f"{called(held.images[0])} in {held.origin}"
        other = f"{called(nodes[0])} in {origin}"
        if self._on_conflict == "error":
            raise SelectionError(
                what=f"{self._names[0]} names two different images for {platform}: {one}, {other}",
                hint=OTHER_NAME,
            )
        if self._on_conflict == "last":
            one, other = other, one
            held.images, nodes = nodes, held.images
            held.origin = origin
        self._lost += nodes
        self.taken.append(f"goes to {one}, not to {other}, for {platform}")

    def _within(self, some: list[Node], others: list[Node]) -> bool:
        """Whether each of some images is one of others."""
        known = {identity: other for other in others for identity in identities(other)}
        if all(_known(each, known) for each in some):
            return True
        if len(some) != 1 or len(others) != 1 or self._alike is None:
            return False
        return self._alike(Root(node=some[0]), Root(node=others[0]))

    def root(self) -> Root | None:
        """The one image; None where there is nothing to join."""
        nodes = [node for held in self._held.values() for node in held.images]
        indexes = [root for root in self._roots if isinstance(root.node, ImageIndex)]
        if not indexes and len(self._held) < 2:
            return None  # as without --multi-platform
        kept = digests(Root(node=node) for node in nodes)
        rest = list(_without(self._rest.values(), self._lost, kept))
        self.left_out = len(self._rest) - len(rest)
        every = (*nodes, *rest)
        there = set(map(_key, every))
        whole = next(
            (each for each in indexes if set(map(_key, _leaves(each.node))) == there), None
        )
        for root in indexes:
            if root is not whole:
                self._take_apart(root)
        if whole is not None:
            return _called(whole, self._names)
        return Root(node=_index_of(every), names=tuple(self._names), origin=self._roots[0].origin)

    def tell(self, findings: Findings) -> None:
        """Tell of images that went, and of what went with them."""
        where = Where(image=str(self._names[0]))
        for text in self.taken:
            findings.warning("name-taken", text, where)
        if self.left_out:
            what = f"left out: {plural(self.left_out, 'attachment')} of images that others replace"
            findings.warning("attachment-dropped", what, where)

    def _take_apart(self, root: Root) -> None:
        """Note which indexes are no more, and tell what they said beside what they list."""
        entry = dict(root.descriptor.source) if root.descriptor is not None else {}
        entry["annotations"] = naming.without_names(entry.get("annotations") or {})
        for node in walk(root.node):
            if not _holds_platforms(node):
                continue
            digest = str(node.descriptor.digest)
            self.apart.setdefault(digest, node)
            said = entry if node is root.node else node.descriptor.source
            for field in (*lost_fields(node.index.fields, {}), *lost_fields(said, {})):
                what = f"index {node.descriptor.digest.short}: {field}"
                self.changes.append(Change(ChangeKind.DROPPED, what, digest=digest, field=field))


def _holds_platforms(node: Node) -> TypeGuard[ImageIndex]:
    return isinstance(node, ImageIndex) and any(map(_is_platform, walk(node)))


def _leaves(node: Node) -> Iterator[Node]:
    """What an index lists, and the indexes in it; one of attachments alone is left whole."""
    if not _holds_platforms(node):
        yield node
        return
    for child in node.children:
        yield from _leaves(child)


def _is_platform(node: Node) -> bool:
    return isinstance(node, Image) or (isinstance(node, Absent) and not attached_to(node))


def _says_less(node: Node) -> bool:
    """Whether an image has no manifest of its own, or is not there: the same one may say more."""
    return node.descriptor is None or isinstance(node, Absent)


def _key(node: Node) -> object:
    """What makes two entries the same but for their names."""
    if node.descriptor is None:
        return node
    platform = stated_platform(node)
    notes = naming.without_names(node.descriptor.annotations)
    return (
        node.descriptor.digest,
        platform.normalised() if platform is not None else None,
        tuple(sorted(notes.items())),
    )


def _known(node: Node, known: Mapping[tuple[str, str], Node]) -> bool:
    """Whether a node is one of some that are known by what makes two nodes the same image."""
    for identity in identities(node):
        other = known.get(identity)
        if other is None:
            continue
        if identity[0] == "config" and node.descriptor and other.descriptor:
            continue  # one image packed in two ways: two manifests
        return True
    return False


def _without(rest: Iterable[Node], lost: Iterable[Node], kept: set[str]) -> Iterator[Node]:
    """What is attached, without what is attached to an image that is lost, or to such a thing."""
    gone = digests(Root(node=node) for node in lost) - kept
    for node in images_first(tuple(rest)):
        of = attached_to(node)
        if of & gone and not of & kept:
            gone |= digests([Root(node=node)]) - kept
        else:
            yield node


def _index_of(every: tuple[Node, ...]) -> ImageIndex:
    """An index of what has no index yet; its own document is made when all digests are known."""
    listed = [[*each] for node in every for each in identities(node)]
    raw = gojson.encode_bytes({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed})
    return ImageIndex(
        index=Index(raw=raw, media_type=OCI_INDEX, manifests=()),
        descriptor=Descriptor(media_type=OCI_INDEX, digest=Digest.of(raw), size=len(raw)),
        children=every,
        joined=True,
    )


def _left_behind(roots: Sequence[Root], apart: Mapping[str, Root]) -> Iterator[Change]:
    """What to say of what is attached to an index that is no more."""
    there = digests(roots) if apart else set()
    for root in roots if apart else ():
        for digest in sorted((targets(root) & apart.keys()) - there):
            what = (
                f"{root.label}: attached to the index {digest}, which was taken apart; its images "
                f"are in {apart[digest].label}"
            )
            yield Change(ChangeKind.KEPT, what, digest=digest)
