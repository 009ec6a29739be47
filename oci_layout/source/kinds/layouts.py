"""OCI image layouts, as folders and archives; hybrids have a ``manifest.json`` for Docker too."""

from __future__ import annotations

from collections.abc import Iterable

from oci_layout.finding import Findings
from oci_layout.model import dockersave, layout
from oci_layout.model.manifest import Index
from oci_layout.source import views
from oci_layout.source.blobs import LayoutBlobs
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.store import Store
from oci_layout.source.unlisted import unlisted_referrers
from oci_layout.where import Where


def _is_layout(reading: Reading) -> bool:
    """A folder is a layout by ``index.json`` alone, an archive not beside ``manifest.json``."""
    if reading.has(layout.MARKER):
        return True
    return reading.has(layout.INDEX) and not (reading.archive and reading.has(dockersave.MANIFEST))


def _is_hybrid(reading: Reading) -> bool:
    return reading.has(dockersave.MANIFEST) and _is_layout(reading)


def _read(reading: Reading, kind: SourceKind, *, hybrid: bool) -> Contents:
    store, reconciler = reading.store, reading.reconciler
    blobs = LayoutBlobs(store)
    docker = reading.saved() if hybrid else []
    index = views.read_index(store, reading.findings, repair=reading.repair)
    reader = None
    if index is not None:
        _find_flat(store, index, reading.findings)
        reader = reading.graph(blobs)
        reconciler.take_index(index, reader, docker)
    reading.take_docker(docker, named=hybrid)
    if reader is not None:
        listed = reconciler.roots()
        for node in unlisted_referrers(store, reader, listed, store.names("blobs")):
            reconciler.take_unlisted(node)
    reconciler.compare_names()
    return Contents(
        kind=kind,
        blobs=blobs,
        roots=reconciler.roots(),
        index=index,
        docker=tuple(docker),
        reader=reader,
    )


def _find_flat(store: Store, index: Index, findings: Findings) -> None:
    """Tell of blobs that lie beside the folder of their algorithm: no reader finds them there."""
    for entry in index.manifests:
        flat = f"blobs/{entry.digest.hex}"
        if store.find(entry.digest.blob_path) is None and store.find(flat) is not None:
            findings.error(
                "flat-blobs",
                f"lies in blobs/, where blobs/{entry.digest.algorithm}/ is the place for it",
                Where(member=flat),
                f"move all blobs into blobs/{entry.digest.algorithm}/",
            )
            return


def _blobs(store: Store, archive: bool) -> Iterable[str]:
    del archive
    return (name for name in store.names("blobs") if name.count("/") == 2)


HYBRID: SourceKind = SourceKind(
    name="hybrid: OCI layout with manifest.json",
    json="hybrid",
    told=_is_hybrid,
    read=lambda reading: _read(reading, HYBRID, hybrid=True),
    may_be_blobs=_blobs,
)
LAYOUT: SourceKind = SourceKind(
    name="OCI layout",
    json="oci-layout",
    told=_is_layout,
    read=lambda reading: _read(reading, LAYOUT, hybrid=False),
    may_be_blobs=_blobs,
)
