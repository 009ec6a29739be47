"""Writes a registry's storage: a new one, or into one that is there and may go on serving.

Blobs come first, then the links that let a repository serve them, tags last: a tag that is there
leads to what is whole. A run that is killed leaves blobs and links that no tag leads to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.task import Fact
from oci_layout.digest import Digest
from oci_layout.disk.draft import AppearedError, Draft
from oci_layout.disk.folder import Folder
from oci_layout.disk.lock import locked
from oci_layout.disk.place import Place, PlaceKind, failed
from oci_layout.errors import DestinationError, SelectionError
from oci_layout.finding import Findings
from oci_layout.model import registry
from oci_layout.plan.assemble import Documents
from oci_layout.plan.planning import Plan
from oci_layout.plan.registry import Links, Placed, links_of, placed_in, repositories_of
from oci_layout.sink.layoutdir import BlobFolder, blob_bytes, do_all
from oci_layout.sink.registryfolder import RegistryFolder
from oci_layout.sink.written import Written
from oci_layout.where import Where

_EMPTY = {"lost+found"}  # in the root of a file system that nobody has used


def require_registry(place: Place, *, append: bool) -> None:
    """Refuse a destination that is neither new nor a registry's root that may be added to.

    Args:
        place: as it was found.
        append: whether it may be there already.

    Raises:
        DestinationError: what is there must not be touched.
    """
    if place.kind in (PlaceKind.ABSENT, PlaceKind.EMPTY):
        return
    if place.kind is not PlaceKind.FOLDER:
        raise DestinationError(what="is not a directory", where=Where(file=place.path))
    with place.parent.enter(place.name) as folder:
        names = set(folder.names())
        known = os.path.isdir(os.path.join(place.real, registry.ROOT)) or _begun(folder)
    if {registry.BLOBS, registry.REPOSITORIES} <= names:
        raise DestinationError(
            what="is inside of a registry's storage",
            where=Where(file=place.path),
            hint=f"name the folder that holds {registry.ROOT}",
        )
    if not known:
        raise DestinationError(
            what=f"exists already, and is no registry's storage: there is no {registry.ROOT}",
            where=Where(file=place.path),
            hint="choose another destination",
        )
    if not append:
        raise DestinationError(
            what="exists already", where=Where(file=place.path), hint="--append adds to it"
        )


def _begun(folder: Folder) -> bool:
    """Whether another run is making a registry here now, or was killed at it.

    Nothing is there but the folders that lead to its storage, as far as they go.

    Args:
        folder: the root, or one of those folders.
    """
    ours = f".{registry.TOP[0]}.layout-"
    with ExitStack() as opened:
        for name in registry.TOP:
            rest = {each for each in folder.names() if not each.startswith(ours)} - _EMPTY
            if rest - {name}:
                return False
            if not rest:
                return True
            try:
                folder = opened.enter_context(folder.enter(name))
            except OSError:  # a file, a link, or not to be read
                return False
    return True


def write_registry(
    plan: Plan, place: Place, *, append: bool, on_conflict: str, pool: Pool
) -> Written:
    """Carry a plan out into a registry's root folder.

    Args:
        plan: what to do.
        place: where, as it was found.
        append: whether it may be there already.
        on_conflict: what happens when a tag is there and stands for something else: ``error``,
            ``first`` (it stays) or ``last`` (it moves).
        pool: does the work on blobs.

    Raises:
        SelectionError: a tag is taken.
        DestinationError: a blob there is damaged, or the disk refuses.
        DamagedError: the source does not hold what it says.
    """
    if place.kind is PlaceKind.ABSENT:
        try:
            return _write_new(plan, place, pool)
        except AppearedError:
            if not append:
                raise
        # Another run made the registry meanwhile: ours is added to it.
    return _append(plan, place, on_conflict, pool)


def _write_new(plan: Plan, place: Place, pool: Pool) -> Written:
    homes = repositories_of(plan.roots)

    def named(digest: Digest) -> str:
        return f"{registry.ROOT}/{registry.data_path(digest)}"

    with Draft(place, directory=True, replace=False) as draft:
        with BlobFolder(draft.folder, named) as folder:
            facts = do_all(plan, folder, pool)
            documents = plan.documents(facts)
            for digest, data in documents.blobs.items():
                folder.put(digest, data)
            links = links_of(placed_in(documents, homes), documents, _there(documents, facts))
            for path in links.folders:
                folder.make(f"{registry.ROOT}/{path}")
            for path, digest in links.every.items():
                folder.put_file(f"{registry.ROOT}/{path}", registry.link_bytes(digest))
            size = folder.bytes_written + blob_bytes(facts)
        draft.appear()
    return Written(documents=documents, facts=facts, size=size)


def _there(documents: Documents, facts: Mapping[str, Fact]) -> frozenset[Digest]:
    """Digests of all blobs that are written."""
    return frozenset(documents.blobs) | {fact.digest for fact in facts.values()}


def _append(plan: Plan, place: Place, on_conflict: str, pool: Pool) -> Written:
    homes = repositories_of(plan.roots)
    # What is made is made inside of the root folder: that may be a file system of its own.
    with (
        Place.look("--output", os.path.join(place.real, registry.TOP[0])) as inner,
        Draft(inner, directory=True, replace=False) as draft,
    ):
        with BlobFolder(draft.folder) as folder:
            facts = do_all(plan, folder, pool)
            documents = plan.documents(facts)
            for digest, data in documents.blobs.items():
                folder.put(digest, data)
            there = _there(documents, facts)
            placed = placed_in(documents, homes)
            staged = _Staged(draft.folder, folder, links_of(placed, documents, there))
        draft.folder.sync_all()
        try:
            with RegistryFolder(inner.parent, place.path) as dest:
                verified = {digest for digest in there if dest.has_blob(digest)}
                if inner.parent.make(registry.TOP[0]):
                    status = os.fstat(inner.parent.fd)
                    inner.parent.give(registry.TOP[0], (status.st_uid, status.st_gid))
                with locked(inner.parent, registry.TOP[0], place.path):
                    kept = _settled(dest, placed, on_conflict, plan.findings)
                    links = links_of(kept, documents, there)
                    added, size = staged.take(dest, links, verified)
        except OSError as error:
            raise failed(error, place.path) from error
    return Written(documents=documents, facts=facts, size=size, added=added)


def _settled(
    dest: RegistryFolder, placed: Sequence[Placed], on_conflict: str, findings: Findings
) -> list[Placed]:
    """What is left once tags that are there have had their say.

    Raises:
        SelectionError: one stands for another image, and ``error`` was asked for.
    """
    kept: list[Placed] = []
    for each in placed:
        path = registry.current_link(each.repository, each.tag) if each.tag else ""
        there = dest.linked(path) if path else None
        if there is None or there == each.digest:
            kept.append(each)
            continue
        one, other = f"{there.short} in the registry", f"{each.digest.short} in the source"
        if on_conflict == "error":
            raise SelectionError(
                what=f"{each.name} names two different images: {one}, {other}",
                hint="--on-conflict first or last, or give one another name with --name",
            )
        last = on_conflict == "last"
        findings.warning(
            "name-taken",
            f"goes to {other if last else one}, not to {one if last else other}",
            Where(image=each.name),
        )
        if last:
            kept.append(each)
    tagged = {each.repository for each in kept if each.tag}
    lost = {each.repository for each in placed} - tagged
    # What refers to an image that does not go there has nothing to refer to.
    alone = {each.repository for each in placed if each.tag}
    return [each for each in kept if each.tag or each.repository not in lost & alone]


@attrs.frozen(kw_only=True)
class _Link:
    """A link that is staged: its name, and the digest that it holds."""

    name: str
    digest: Digest


class _Staged:
    """What waits beside the registry for its place.

    Args:
        folder: all of it, blobs as in a layout.
        writer: writes into it.
        links: all that may be needed.
    """

    def __init__(self, folder: Folder, writer: BlobFolder, links: Links) -> None:
        self._folder = folder
        self._links: dict[str, _Link] = {}
        for number, (path, digest) in enumerate(links.every.items(), 1):
            name = f".{number}.tmp"
            writer.put_file(name, registry.link_bytes(digest))
            self._links[path] = _Link(name=name, digest=digest)

    def take(
        self, dest: RegistryFolder, links: Links, verified: set[Digest]
    ) -> tuple[tuple[str, ...], int]:
        """Give everything its place, tags last.

        Args:
            dest: the registry, under its lock.
            links: those that are wanted.
            verified: blobs that were found there, and to be what they should.

        Returns:
            The tags that are new or have moved, and bytes of the blobs that were not there.
        """
        size = 0
        for algorithm in sorted({digest.algorithm for digest in links.blobs}):
            with self._folder.enter("blobs") as blobs, blobs.enter(algorithm) as here:
                for digest in sorted(links.blobs - verified):
                    if digest.algorithm != algorithm:
                        continue
                    placed = dest.place_blob(here, digest.hex, digest)
                    if placed is None:
                        dest.has_blob(digest)
                    size += placed or 0
        for path in links.folders:
            dest.make(path)
        self._link(dest, links.below)
        dest.sync()
        added = self._link(dest, links.tags)
        dest.sync()
        return added, size

    def _link(self, dest: RegistryFolder, links: Mapping[str, Digest]) -> tuple[str, ...]:
        """Put links in their places; the tags among them that stand for something new."""
        found = []
        for path, digest in links.items():
            if dest.linked(path) == digest:
                continue
            dest.place(self._folder, self._links[path].name, path)
            parsed = registry.parse_link(path)
            if parsed is not None and parsed.kind is registry.LinkKind.CURRENT:
                found.append(f"{parsed.repository}:{parsed.tag}")
        return tuple(found)
