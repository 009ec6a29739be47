"""A folder of layouts, one a repository: zot's root, or whatever somebody has put side by side.

zot lists each child of an index in ``index.json`` too, without a name, and its tags are bare.
"""

from __future__ import annotations

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Node
from oci_layout.model import layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Index
from oci_layout.reference import ImageName
from oci_layout.source import views
from oci_layout.source.inner import InnerStore
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.kinds.registries import below, repository_name, take_rest
from oci_layout.source.layoutsstore import LayoutsStore
from oci_layout.source.store import Store
from oci_layout.streams.member import Member


class FolderBlobs:
    """Blobs of one layout of several, under the names that they have among all.

    Args:
        store: all of them.
        folder: of the layout.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self._store, self._folder = store, folder

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        return self._store.find(f"{self._folder}/{digest.blob_path}")


class AnyBlobs:
    """Blobs of several layouts: the first that has one gives it."""

    def __init__(self, store: Store, folders: tuple[str, ...]) -> None:
        self._every = [FolderBlobs(store, folder) for folder in folders]

    def find(self, digest: Digest) -> Member | None:
        """The blob's bytes, unchecked; None when it is not there."""
        found = (blobs.find(digest) for blobs in self._every)
        return next((member for member in found if member is not None), None)


def _read(reading: Reading) -> Contents:
    store = reading.store
    folders = store.folders if isinstance(store, LayoutsStore) else ()
    for folder in folders:
        index = _index(reading, folder)
        if index is not None:
            _take(reading, folder, index)
    roots = reading.reconciler.roots()
    return Contents(kind=LAYOUTS, blobs=AnyBlobs(store, folders), roots=roots)


def _index(reading: Reading, folder: str) -> Index | None:
    told = Findings()
    index = views.read_index(InnerStore(reading.store, folder), told, repair=reading.repair)
    for finding in told.found:
        where = attrs.evolve(finding.where, member=f"{folder}/{finding.where.member}")
        reading.findings.add(attrs.evolve(finding, where=where))
    return index


def _take(reading: Reading, folder: str, index: Index) -> None:
    reader = reading.graph(FolderBlobs(reading.store, folder))
    names: dict[Digest, list[ImageName]] = {}
    entries: dict[Digest, Descriptor] = {}
    for entry in index.manifests:
        name = _name(reading, folder, entry)
        first = entries.setdefault(entry.digest, entry)
        if name is not None:
            if not names.get(first.digest):
                entries[entry.digest] = entry
            names.setdefault(entry.digest, []).append(name)
    reached: set[Digest] = set()
    rest: dict[Digest, Node] = {}
    for digest, entry in entries.items():
        if digest in names:
            node = reader.node(entry)
            reached.update(below(node, with_itself=True))
            reading.reconciler.take_named(node, names[digest], entry)
    for digest, entry in entries.items():
        if digest not in reached:
            rest[digest] = reader.node(entry)
    take_rest(reading, rest, reached)


def _name(reading: Reading, folder: str, entry: Descriptor) -> ImageName | None:
    """The name of an entry: a bare tag is one of the repository that the folder is called by."""
    name = views.entry_name(entry, reading.findings)
    if name is None or name.reference is not None or name.verbatim or name.is_digest:
        return name
    member = f"{folder}/{layout.INDEX}"
    return repository_name(reading.host, folder, name.text, reading.findings, member)


LAYOUTS: SourceKind = SourceKind(
    name="several OCI layouts",
    json="oci-layouts",
    told=lambda reading: isinstance(reading.store, LayoutsStore),
    read=_read,
)
