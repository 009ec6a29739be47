"""Adds to a layout that is there: the layout and what is new are merged as any two sources are.

A run that is killed leaves a folder beside the layout, which the next run removes, and perhaps
blobs that no index names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.digest import Digest
from oci_layout.disk.draft import Draft
from oci_layout.disk.place import Place
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.reachable import named
from oci_layout.graph.referrers import with_referrers
from oci_layout.graph.walk import every, whole
from oci_layout.model import layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.plan.keeping import listed
from oci_layout.plan.merging import Merge
from oci_layout.plan.planning import Plan
from oci_layout.sink.layoutdir import BlobFolder, fill
from oci_layout.sink.layoutfolder import LayoutFolder, held, require_plain
from oci_layout.sink.written import Written
from oci_layout.source.opening import Source, open_source
from oci_layout.source.views import entry_name


def append_layout(plan: Plan, place: Place, *, on_conflict: str, pool: Pool) -> Written:
    """Carry a plan out into a layout that is there.

    Args:
        plan: what to do.
        place: the layout, as it was found.
        on_conflict: what happens when a name is there already and stands for something else:
            ``error``, ``first`` (the old one stays) or ``last`` (the new one takes the name).
        pool: does the work on blobs.

    Returns:
        What was done, with what is new in the layout and its bytes.

    Raises:
        SelectionError: a name is taken.
        DestinationError: a blob there is damaged, or the disk refuses.
        DamagedError: the source, or the layout's index, does not hold what it says.
    """
    require_plain(place.real)  # before any work
    with Draft(place, directory=True, replace=False) as draft:
        with BlobFolder(draft.folder) as folder:
            done = fill(plan, folder, pool)
        draft.folder.sync_all()
        with held(place) as dest, open_source(draft.folder.path) as new:
            joined = _join(dest, new, Merge(on_conflict, plan.findings, bare=True))
            size = dest.take(draft.folder, _blobs(dest, new, joined))
            dest.replace_index([*joined.old, *joined.added], draft.folder)
    return attrs.evolve(done, size=size, added=tuple(map(_label, joined.added)))


def _label(entry: Descriptor) -> str:
    """What to call an entry."""
    name = entry_name(entry, Findings())
    return str(name) if name is not None else str(entry.digest)


@attrs.frozen(kw_only=True)
class _Joined:
    """Entries of the index.

    Args:
        old: those that stay, which keep their place and their bytes' meaning.
        added: those that are new.
        known: digests of new ones that the layout has already, under the same name.
    """

    old: Sequence[Descriptor]
    added: Sequence[Descriptor]
    known: frozenset[Digest]


_NEW = "the source"


def _join(dest: LayoutFolder, new: Source, merge: Merge) -> _Joined:
    for label, roots in ((dest.path, dest.roots), (_NEW, new.roots)):
        for root in roots:
            merge.take(root, label)
    merge.require_settled()
    there = listed(dest.index)
    known = {each.identity for each in there}
    kept = [each for each in there if (dest.path, each.key) not in merge.lost]
    tags = {each.descriptor.annotations.get(layout.REF_NAME) for each in kept}
    entries = listed(new.contents.index) if new.contents.index is not None else []
    return _Joined(
        old=[each.descriptor for each in kept],
        added=[
            _distinct(each.descriptor, tags)
            for each in entries
            if each.identity not in known and (_NEW, each.key) not in merge.lost
        ],
        known=frozenset(each.descriptor.digest for each in entries if each.identity in known),
    )


def _distinct(entry: Descriptor, tags: set[str | None]) -> Descriptor:
    """The entry, with its full name as ``ref.name`` where an old entry has the same tag."""
    notes = entry.annotations
    full = notes.get(layout.CONTAINERD_NAME)
    if not full or notes.get(layout.REF_NAME) not in tags:
        return entry
    annotations = {**notes, layout.REF_NAME: full}
    source: dict[str, Any] = {**entry.source, "annotations": annotations}
    return attrs.evolve(entry, annotations=annotations, source=source)


def _blobs(dest: LayoutFolder, new: Source, joined: _Joined) -> set[str]:
    """Paths of all that the new entries lead to; what was not taken must not be left lying.

    A referrer that no index lists goes with its subject, be that new or there already. What an
    entry of the layout lacks goes in, too.
    """
    digests = {entry.digest for entry in joined.added}
    added = _of(new.roots, digests)
    known = _of(new.roots, joined.known)
    with_them = with_referrers((*added, *known), [root for root in new.roots if not root.listed])
    short = {_digest(root) for root in dest.roots if not whole(root.node)} - {None}
    nodes = [node for root, node in every(with_them) if root not in known or _digest(root) in short]
    blobs = new.contents.blobs
    return named(nodes, blobs.find) if blobs is not None else set()


def _of(roots: Iterable[Root], digests: Iterable[Digest]) -> tuple[Root, ...]:
    wanted = set(digests)
    return tuple(
        root
        for root in roots
        if root.node.descriptor is not None and root.node.descriptor.digest in wanted
    )


def _digest(root: Root) -> Digest | None:
    return None if root.descriptor is None else root.descriptor.digest
