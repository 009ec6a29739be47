"""What docker save writes: ``manifest.json`` and files, or before 1.10 folders of V1 images."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oci_layout.model import dockersave, layout
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.store import Store
from oci_layout.source.v1view import V1View
from oci_layout.where import Where

_LAYER = re.compile(r"(?:[^/]+/)?[^/]+\.tar(?:\.gz)?")


def _read(reading: Reading) -> Contents:
    if reading.has(layout.INDEX):
        reading.findings.warning(
            "no-layout-marker",
            "there is an index.json but no oci-layout file: engines read manifest.json alone",
            Where(member=layout.MARKER),
        )
    docker = reading.saved()
    reading.take_docker(docker, named=True)
    roots = reading.reconciler.roots()
    return Contents(kind=DOCKER, blobs=None, roots=roots, docker=tuple(docker))


def _read_v1(reading: Reading) -> Contents:
    docker = V1View(reading.store, reading.findings, reading.allowance).read()
    reading.reconciler.take_docker(docker)
    roots = reading.reconciler.roots()
    return Contents(kind=V1, blobs=None, roots=roots, docker=tuple(docker))


def _layers(store: Store, archive: bool) -> Iterable[str]:
    # In a directory a link would have a name of its own, and seem to be another layer.
    return (name for name in store.names() if _LAYER.fullmatch(name)) if archive else ()


DOCKER: SourceKind = SourceKind(
    name="docker-archive",
    json="docker-archive",
    told=lambda reading: reading.has(dockersave.MANIFEST),
    read=_read,
    may_be_blobs=_layers,
)
V1: SourceKind = SourceKind(
    name="Docker V1 images (docker save before 1.10)",
    json="docker-v1",
    told=lambda reading: V1View.is_there(reading.store),
    read=_read_v1,
    may_be_blobs=_layers,
)
