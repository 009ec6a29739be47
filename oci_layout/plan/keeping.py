"""Names of a layout that is there, changed entry by entry: what nobody named keeps its bytes.

A layout is changed as its ``index.json`` is written, not as the graph reads it: an entry stands for
one name of one document, and platforms of one name may stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import SelectionError, UsageError
from oci_layout.finding import Findings
from oci_layout.graph.leaving import Goes, identity, leaving, nothing_left, without
from oci_layout.graph.leaving import attached as attached_digests
from oci_layout.graph.nodes import ImageIndex, Node, Root
from oci_layout.graph.selection import Hit, hits
from oci_layout.graph.walk import paired, walk
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.jsonedit import Edits
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.model.manifest import Index
from oci_layout.plan.naming import entry, entry_annotations
from oci_layout.reference import ImageName, InvalidReferenceError
from oci_layout.source.views import entry_name

_NAMES = (CONTAINERD_NAME, REF_NAME)


@attrs.frozen(kw_only=True)
class Listed:
    """An entry of ``index.json``.

    Args:
        descriptor: as it is written.
        name: that it gives; None without one.
    """

    descriptor: Descriptor
    name: ImageName | None

    @property
    def key(self) -> str:
        """What makes its name the same as another's; empty without a name."""
        return self.name.key if self.name is not None else ""

    @property
    def identity(self) -> tuple[Digest, str]:
        """What makes two entries one."""
        return self.descriptor.digest, self.key


def listed(index: Index) -> list[Listed]:
    """The entries of an index, in order."""
    return [Listed(descriptor=each, name=entry_name(each, Findings())) for each in index.manifests]


@attrs.frozen(kw_only=True)
class Renamed:
    """What has become of a name.

    Args:
        name: the name; None for an entry that had none.
        digest: of the manifest or index that it stands for, or stood for; None while nobody knows.
        before: the digest that it stood for before; None for a new name.
    """

    name: str | None
    digest: Digest | None
    before: Digest | None = None


@attrs.frozen(kw_only=True)
class Kept:
    """A layout's index as it is to be.

    Args:
        entries: all of them, in order.
        blobs: documents that are new.
        added: names that are new, or stand for something else than before.
        removed: names, and entries without one, that are gone.
    """

    entries: tuple[Descriptor, ...]
    blobs: dict[Digest, bytes] = attrs.field(factory=dict)
    added: tuple[Renamed, ...] = ()
    removed: tuple[Renamed, ...] = ()


def new_name(text: str, there: Iterable[ImageName]) -> ImageName:
    """The name that a text gives an image of a layout.

    One without ``:`` and ``/`` is a tag where all names of the layout are tags alone, as umoci and
    skopeo write them; else it is the name of a repository, as for Docker.

    Args:
        text: as the user wrote it.
        there: names that the layout has.

    Raises:
        UsageError: not a name.
    """
    plain = ":" not in text and "/" not in text
    if plain and all(name.reference is None for name in there):
        return ImageName.from_ref_name(text)
    try:
        name = ImageName.familiar(text)
    except InvalidReferenceError as error:
        raise UsageError(what=str(error)) from error
    if name.is_digest:
        raise UsageError(what=f"{text!r} is a digest, not a name")
    return name


def tagged(index: Index, roots: Sequence[Root], old: str, new: str, *, move: bool = False) -> Kept:
    """An index in which an image has one name more.

    Args:
        index: as it is.
        roots: what the layout holds.
        old: a name or digest of the image.
        new: the name it is to have.
        move: whether the name is taken away from what has it.

    Raises:
        SelectionError: there is no such image, or the new name is taken.
        UsageError: not a name.
    """
    there = listed(index)
    name = new_name(new, [name for root in roots for name in root.names])
    chosen = _entries(one_image(hits(old, roots), old), there)
    chosen = [*{each.digest: each for each in reversed(chosen)}.values()][::-1]
    digests = {each.digest for each in chosen}
    owners = [each for each in there if each.key == name.key]
    strangers = [each for each in owners if each.descriptor.digest not in digests]
    if strangers and not move:
        raise SelectionError(
            what=f"{name} is the name of another image ({strangers[0].descriptor.digest.short})",
            hint="--move takes it away from that",
        )
    kept = [each.descriptor for each in map(_without_name(strangers, there), there) if each]
    missing = [each for each in chosen if each.digest not in {o.descriptor.digest for o in owners}]
    shared = frozenset({name.tag} & {each.annotations.get(REF_NAME, "") for each in kept})
    for target in missing:
        named = _named(target, name, shared)
        bare = [at for at, each in enumerate(kept) if each is target and not _has_name(each)]
        kept = [named if at in bare else each for at, each in enumerate(kept)]
        kept += [] if bare else [named]
    before = strangers[0].descriptor.digest if strangers else None
    return Kept(
        entries=tuple(kept),
        added=tuple(Renamed(name=str(name), digest=each.digest, before=before) for each in missing),
    )


def one_image(found: list[Hit], text: str) -> Hit:
    """The one hit; one digest may stand in several places.

    Raises:
        SelectionError: there are several images.
    """
    if len({identity(hit.node) for hit in found}) > 1:
        labels = ", ".join(hit.root.label for hit in found[:8])
        raise SelectionError(what=f"{text!r} stands for several images", hint=labels)
    return found[0]


def _entries(hit: Hit, there: Sequence[Listed]) -> list[Descriptor]:
    """The entries that a hit stands for; for a platform of an index, the one of that index."""
    if hit.node is hit.root.node and hit.names:
        keys = {name.key for name in hit.names}
        found = [each.descriptor for each in there if each.key in keys]
        if found:
            return found
    digest = hit.node.descriptor.digest if hit.node.descriptor is not None else None
    found = [each.descriptor for each in there if each.descriptor.digest == digest]
    if not found and hit.node.descriptor is not None:
        return [hit.node.descriptor]
    return found


def _without_name(
    strangers: Sequence[Listed], there: Sequence[Listed]
) -> Callable[[Listed], Listed | None]:
    """Takes the name away from some entries; one of which nothing is left then, goes."""

    def change(each: Listed) -> Listed | None:
        if each not in strangers:
            return each
        return None if _elsewhere(each, there) else _unnamed(each)

    return change


def _has_name(one: Descriptor) -> bool:
    return any(key in one.annotations for key in _NAMES)


def _elsewhere(one: Listed, there: Sequence[Listed]) -> bool:
    """Whether another entry leads to what this one does."""
    digest = one.descriptor.digest
    return any(each is not one and each.descriptor.digest == digest for each in there)


def _unnamed(one: Listed) -> Listed:
    notes = {key: text for key, text in one.descriptor.annotations.items() if key not in _NAMES}
    return Listed(descriptor=_noted(one.descriptor, notes), name=None)


def _named(one: Descriptor, name: ImageName, shared: frozenset[str]) -> Descriptor:
    return _noted(one, entry_annotations(name, shared, one.annotations))


def _noted(one: Descriptor, notes: dict[str, str]) -> Descriptor:
    source = entry(one.source, one.media_type, str(one.digest), one.size, notes)
    return attrs.evolve(one, annotations=notes, source=source)


def removed(
    index: Index, roots: Sequence[Root], wanted: Sequence[str], *, attached: bool = False
) -> Kept:
    """An index without some names, or without what some digests stand for.

    Args:
        index: as it is.
        roots: what the layout holds.
        wanted: names, of which only the name goes; digests, of which every name goes, and which
            leave the indexes that list them.
        attached: whether what is attached to what goes, goes with it.

    Raises:
        SelectionError: there is no such image, or nothing would be left of an index.
    """
    there = listed(index)
    gone: set[int] = set()
    parts: set[Digest] = set()
    for text in wanted:
        for hit in hits(text, roots):
            numbers = _numbers(hit, there)
            gone.update(numbers)
            if not numbers and hit.node.descriptor is not None:
                parts.add(hit.node.descriptor.digest)
    left = [each for number, each in enumerate(there) if number not in gone]
    cutting = _Cutting(parts)
    entries, changed = [], []
    indexes = {
        root.node.descriptor.digest: root.node
        for root in roots
        if isinstance(root.node, ImageIndex)
    }
    for each in left:
        node = indexes.get(each.descriptor.digest)
        new = cutting.descriptor(each.descriptor, node) if node is not None else each.descriptor
        entries.append(new)
        if new.digest != each.descriptor.digest:
            name = str(each.name) if each.name is not None else None
            changed.append(Renamed(name=name, digest=new.digest, before=each.descriptor.digest))
    out = [there[number] for number in sorted(gone)]
    if attached:
        lost = _lost(roots, left, cutting.goes)
        out += [each for each in left if each.descriptor.digest in lost]
        entries = [each for each in entries if each.digest not in lost]
    return Kept(
        entries=tuple(entries),
        blobs=cutting.made,
        added=tuple(changed),
        removed=tuple(
            Renamed(
                name=str(each.name) if each.name is not None else None,
                digest=each.descriptor.digest,
            )
            for each in out
        ),
    )


def _numbers(hit: Hit, there: Sequence[Listed]) -> list[int]:
    """Numbers of the entries that go."""
    if not hit.by_digest:
        keys = {name.key for name in hit.names}
        return [number for number, each in enumerate(there) if each.key in keys]
    node = hit.node
    digest = node.descriptor.digest if node.descriptor is not None else None
    return [number for number, each in enumerate(there) if each.descriptor.digest == digest]


class _Cutting:
    """Makes indexes without some of what they list.

    Args:
        parts: digests of what goes.
    """

    def __init__(self, parts: set[Digest]) -> None:
        self.goes = leaving(parts)
        self.made: dict[Digest, bytes] = {}

    def descriptor(self, one: Descriptor, node: ImageIndex) -> Descriptor:
        """What points at the index as it is to be; the same where nothing of it goes."""
        edits, left, touched = Edits(node.index.raw), 0, False
        for number, (listed_, child) in enumerate(paired(node)):
            if child is not None and self.goes(child):
                edits.remove(("manifests", number))
                touched = True
                continue
            left += 1
            if isinstance(child, ImageIndex):
                new = self.descriptor(listed_, child)
                if new.digest != listed_.digest:
                    edits.set(("manifests", number, "digest"), str(new.digest))
                    edits.set(("manifests", number, "size"), new.size)
                    touched = True
        if not touched:
            return one
        if not left:
            raise nothing_left(node)
        raw = edits.apply()
        digest = Digest.of(raw, one.digest.algorithm)
        self.made[digest] = raw
        source = entry(one.source, one.media_type, str(digest), len(raw), one.annotations)
        return attrs.evolve(one, digest=digest, size=len(raw), source=source)


def _lost(roots: Sequence[Root], left: Sequence[Listed], goes: Goes) -> set[Digest]:
    """Digests of what was attached to something, and is attached to nothing that is left.

    Args:
        roots: as they were.
        left: entries that stay.
        goes: whether something below an index goes.
    """
    there = {each.descriptor.digest for each in left}

    def gone(node: Node) -> bool:
        return goes(node) or (node in side_by_side and identity(node) not in there)

    # Platforms that stand side by side in index.json are entries, and the graph has them in one.
    flat = [root.node for root in roots if identity(root.node) not in there]
    side_by_side = {
        child for node in flat if isinstance(node, ImageIndex) for child in node.children
    }
    now = [
        attrs.evolve(root, node=without(root.node, gone))
        for root in roots
        if any(identity(node) in there for node in walk(root.node))
    ]
    return attached_digests(roots) & there - attached_digests(now)
