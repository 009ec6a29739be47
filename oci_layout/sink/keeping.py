"""Changes a layout that is there: names come and go, and blobs that nothing leads to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import attrs

from oci_layout.disk.draft import Draft
from oci_layout.disk.folder import Folder, identity
from oci_layout.disk.place import Place, tidy
from oci_layout.errors import DamagedError
from oci_layout.graph.nodes import Absent, Root
from oci_layout.graph.walk import every
from oci_layout.model.manifest import Index
from oci_layout.plan.keeping import Kept, Renamed
from oci_layout.plan.report import Report
from oci_layout.sink.layoutdir import BlobFolder
from oci_layout.sink.layoutfolder import LayoutFolder, held, require_plain
from oci_layout.source.orphans import orphans_of, stated_digest
from oci_layout.where import Where

Change = Callable[[Index, Sequence[Root]], Kept]


@attrs.frozen(kw_only=True)
class NamesReport:
    """What has become of the names of a source.

    Args:
        path: the source.
        added: names that are new, or stand for something else than before.
        removed: names, and entries without one, that are gone.
        dry_run: whether nothing was written.
        written: of the conversion, where the source was written again; None for a layout's folder.
    """

    path: str
    added: tuple[Renamed, ...]
    removed: tuple[Renamed, ...]
    dry_run: bool = False
    written: Report | None = None

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {"version": 1, **attrs.asdict(self, recurse=False)}


@attrs.frozen(kw_only=True)
class Collected:
    """A blob, or a layer of a docker-archive, that nothing leads to.

    Args:
        name: in the source.
        size: bytes.
    """

    name: str
    size: int


@attrs.frozen(kw_only=True)
class CollectReport:
    """What has become of the blobs of a source that nothing leads to.

    Args:
        path: the source.
        removed: those that are gone.
        young: those that are too new to be taken.
        older_than: seconds from which on a blob of a layout's folder is taken.
        dry_run: whether nothing was removed.
        written: of the conversion, where the source was written again; None for a layout's folder.
    """

    path: str
    removed: tuple[Collected, ...]
    young: tuple[Collected, ...] = ()
    older_than: float = 0
    dry_run: bool = False
    written: Report | None = None

    def to_json(self) -> dict[str, object]:
        """As JSON has it."""
        return {"version": 1, **attrs.asdict(self, recurse=False)}


def change_names(place: Place, change: Change, *, dry_run: bool = False) -> NamesReport:
    """Let a layout have other names.

    Args:
        place: the layout, as it was found.
        change: makes the new index of the old one; asked while nobody else writes.
        dry_run: whether nothing is to be written.

    Raises:
        SelectionError: no such image, or a name is taken.
        DestinationError: it cannot be changed, or the disk refuses.
        DamagedError: its index does not hold.
    """
    require_plain(place.real)
    with Draft(place, directory=True, replace=False) as draft, held(place) as layout:
        kept = change(layout.index, layout.roots)
        if not dry_run and (kept.added or kept.removed):
            _write(layout, kept, draft.folder)
    return NamesReport(path=place.path, added=kept.added, removed=kept.removed, dry_run=dry_run)


def _write(layout: LayoutFolder, kept: Kept, staged: Folder) -> None:
    with BlobFolder(staged) as folder:
        for digest, raw in kept.blobs.items():
            folder.put(digest, raw)
    if kept.blobs:
        staged.sync_all()
        layout.take(staged, {digest.blob_path for digest in kept.blobs})
    layout.replace_index(kept.entries, staged)


def collect(place: Place, *, older_than: float, dry_run: bool = False) -> CollectReport:
    """Remove the blobs of a layout that nothing leads to, and what killed runs left beside it.

    What another of our runs is about to name lies elsewhere until the layout is locked. Other
    programs write blobs first and name them later, without a lock: so what is young stays.

    Args:
        place: the layout, as it was found.
        older_than: seconds since a blob was written, or given its name.
        dry_run: whether nothing is to be removed.

    Raises:
        DamagedError: a document cannot be read, so that nobody knows what it leads to.
        DestinationError: it cannot be changed, or the disk refuses.
    """
    if not dry_run:
        tidy(place)
    with held(place) as layout:
        _require_readable(layout)
        now, linked = time.time(), layout.linked()
        old: dict[str, Collected] = {}
        young = []
        for name, member in orphans_of(layout.source):
            status = layout.status(name)
            if stated_digest(name) is None or status is None or identity(status) in linked:
                continue
            blob = Collected(name=name, size=member.size)
            if now - max(status.st_mtime, status.st_ctime) < older_than:
                young.append(blob)
            else:
                old[name] = blob
        if not dry_run:
            layout.remove(old)
    return CollectReport(
        path=place.path,
        removed=tuple(old.values()),
        young=tuple(young),
        older_than=older_than,
        dry_run=dry_run,
    )


def _require_readable(layout: LayoutFolder) -> None:
    """What a document that does not hold leads to, nobody knows."""
    for finding in layout.source.findings.errors:
        raise DamagedError(
            what=f"{finding.message}; nothing is removed",
            where=attrs.evolve(finding.where, file=layout.path),
            hint="layout verify says more; layout rm takes a name out of the index",
            code=finding.code,
        )
    for root, node in every(layout.roots):
        if isinstance(node, Absent) and (node.unreadable or node.damaged):
            raise DamagedError(
                what=f"{node.descriptor.digest} cannot be read, so nobody knows what it needs; "
                "nothing is removed",
                where=Where(file=layout.path, image=root.label),
                hint="layout verify says more; layout rm takes a name out of the index",
                code="digest-mismatch",
            )
