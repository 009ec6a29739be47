"""What a store holds: which views are there, and the images they come to."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import attrs

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.errors import NotAnImageError
from oci_layout.finding import Findings, Where
from oci_layout.graph.nodes import Root
from oci_layout.mediatype import SCHEMA1, SCHEMA1_SIGNED, Kind, document_kind
from oci_layout.model import dockersave, jsontext, jws, layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Index, kind_by_fields, read_document
from oci_layout.model.schema1 import Schema1
from oci_layout.source import views
from oci_layout.source.blobs import Blobs, FlatBlobs, GraphReader, LayoutBlobs
from oci_layout.source.reading import Allowance
from oci_layout.source.reconcile import Reconciler
from oci_layout.source.store import Store
from oci_layout.source.unlisted import unlisted_referrers
from oci_layout.source.v1view import V1View


class SourceKind(enum.StrEnum):
    """What a source is."""

    LAYOUT = "OCI layout"
    HYBRID = "hybrid: OCI layout with manifest.json"
    DOCKER = "docker-archive"
    DIR = "dir:"
    V1 = "Docker V1 images (docker save before 1.10)"
    LONE = "a manifest without its blobs"


@attrs.frozen(kw_only=True)
class Contents:
    """Everything a store says it holds.

    Args:
        kind: what it is.
        blobs: its blobs by digest; None where there are none (docker-archive, V1).
        roots: what it holds.
        index: its ``index.json``, or None.
        docker: the images as its ``manifest.json`` or V1 folders describe them.
        reader: has read what ``index.json`` refers to; None without one.
    """

    kind: SourceKind
    blobs: Blobs | None = attrs.field(repr=False)
    roots: tuple[Root, ...]
    index: Index | None = attrs.field(default=None, repr=False)
    docker: tuple[views.DockerImage, ...] = attrs.field(default=(), repr=False)
    reader: GraphReader | None = attrs.field(default=None, repr=False)


class ContentsReader:
    """Reads a store.

    Args:
        store: the source's files.
        findings: told of all that is odd or wrong.
        repair: take a missing ``oci-layout`` for granted.
        trusted: keys of which one must have signed each schema 1 manifest.
    """

    def __init__(
        self,
        store: Store,
        findings: Findings,
        *,
        repair: bool = False,
        trusted: Sequence[jws.PublicKey] = (),
    ) -> None:
        self._store, self._findings = store, findings
        self._repair, self._trusted = repair, trusted
        self._reconciler = Reconciler(findings)
        self._allowance = Allowance()

    def contents(self, *, archive: bool) -> Contents:
        """What is there.

        Args:
            archive: whether the store is a tar: a directory is a layout by ``index.json`` alone.

        Raises:
            NotAnImageError: nothing that describes an image.
        """
        find = self._store.find
        single = self._dir_manifest()
        if single is not None:
            return self.single(single, SourceKind.DIR)
        saved, indexed = find(dockersave.MANIFEST) is not None, find(layout.INDEX) is not None
        if find(layout.MARKER) is not None or (indexed and not (archive and saved)):
            return self._layout(hybrid=saved)
        if saved:
            return self._docker(indexed=indexed)
        if V1View.is_there(self._store):
            # What docker save writes begins with such folders too, and ends with manifest.json.
            cut = next((e for e in self._findings.warnings if e.code == "no-end-marker"), None)
            if cut is not None:
                self._findings.error(
                    "truncated",
                    "the archive has neither a manifest.json nor an end: it was cut short",
                    cut.where,
                    "copy the file again",
                )
            docker = V1View(self._store, self._findings, self._allowance).read()
            self._reconciler.take_docker(docker)
            return Contents(
                kind=SourceKind.V1, blobs=None, roots=self._reconciler.roots(), docker=tuple(docker)
            )
        cut = next((each for each in self._findings.errors if each.code == "truncated"), None)
        hint = f"the archive is cut short: {cut.where}" if cut is not None else ""
        raise NotAnImageError(what=self._unknown(), where=self._store.label, hint=hint)

    def _layout(self, *, hybrid: bool) -> Contents:
        blobs = LayoutBlobs(self._store)
        docker = (
            (views.read_docker(self._store, self._findings, self._allowance) or [])
            if hybrid
            else []
        )
        index = views.read_index(self._store, self._findings, repair=self._repair)
        reader = None
        if index is not None:
            reader = GraphReader(blobs, self._findings, self._trusted, self._allowance)
            self._reconciler.take_index(index, reader, docker)
        self._take_docker(docker, named=hybrid)
        if reader is not None:
            listed = self._reconciler.roots()
            for node in unlisted_referrers(self._store, reader, listed):
                self._reconciler.take_unlisted(node)
        self._reconciler.compare_names()
        return Contents(
            kind=SourceKind.HYBRID if hybrid else SourceKind.LAYOUT,
            blobs=blobs,
            roots=self._reconciler.roots(),
            index=index,
            docker=tuple(docker),
            reader=reader,
        )

    def _docker(self, *, indexed: bool) -> Contents:
        if indexed:
            self._findings.warning(
                "no-layout-marker",
                "there is an index.json but no oci-layout file: engines read manifest.json alone",
                Where(member=layout.MARKER),
            )
        docker = self._saved()
        self._take_docker(docker, named=True)
        return Contents(
            kind=SourceKind.DOCKER, blobs=None, roots=self._reconciler.roots(), docker=tuple(docker)
        )

    def _saved(self) -> list[views.DockerImage]:
        return views.read_docker(self._store, self._findings, self._allowance) or []

    def _take_docker(self, docker: list[views.DockerImage], *, named: bool) -> None:
        self._reconciler.take_docker(docker)
        names = views.repository_names(self._store, self._findings) if named else None
        if names is not None:
            self._reconciler.take_repositories(names)

    def _dir_manifest(self) -> bytes | None:
        """The manifest of a ``dir:``: ``manifest.json`` is an object there, not a list."""
        member = self._store.find(dockersave.MANIFEST)
        if member is None or self._store.find(layout.MARKER) is not None:
            return None
        if not member.head(64).lstrip().startswith(b"{"):
            return None
        raw = member.read(limits.DOCUMENT_BYTES)
        value = jsontext.parse(raw, Where(member=dockersave.MANIFEST), Findings())
        indexed = self._store.find(layout.INDEX) is not None
        if isinstance(value, dict) and kind_by_fields(value) is Kind.OTHER and indexed:
            return None
        return raw

    def single(self, raw: bytes, kind: SourceKind) -> Contents:
        """The one manifest or list that a ``dir:``, or a lone file, begins with."""
        where = Where(member=dockersave.MANIFEST)
        document = read_document(raw, where, Findings())  # the graph reader will report
        if isinstance(document, Schema1):
            media_type = SCHEMA1_SIGNED if document.signatures else SCHEMA1
            digest = document.digest
        else:
            media_type = document.media_type if document is not None else ""
            if document_kind(media_type)[0] not in (Kind.MANIFEST, Kind.INDEX):
                media_type = ""  # read by its fields, and what it says of itself is reported
            digest = Digest.of(raw)
        blobs = FlatBlobs(self._store, digest)
        descriptor = Descriptor(media_type=media_type, digest=digest, size=len(raw))
        node = GraphReader(blobs, self._findings, self._trusted, self._allowance).node(descriptor)
        self._reconciler.take_node(node)
        return Contents(kind=kind, blobs=blobs, roots=self._reconciler.roots())

    def _unknown(self) -> str:
        names = [name for _, name in zip(range(4), self._store.names(), strict=False)]
        inside = ", ".join(repr(name[:60]) for name in names) or "nothing"
        return f"no image: there is neither index.json nor manifest.json (found {inside})"
