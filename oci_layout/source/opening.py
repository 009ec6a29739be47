"""Opening: what is this, by its bytes, and the whole source as one value."""

from __future__ import annotations

import enum
import os
import stat
from types import TracebackType

import attrs

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.errors import NotAnImageError
from oci_layout.finding import FailFast, Findings, Where
from oci_layout.mediatype import Compression, Kind
from oci_layout.model import dockersave, jsontext, layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Index, kind_by_fields, read_document
from oci_layout.source import views
from oci_layout.source.blobs import Blobs, FlatBlobs, GraphReader, LayoutBlobs
from oci_layout.source.graph import Root
from oci_layout.source.reconcile import Reconciler
from oci_layout.source.spool import spool_compressed, spool_stream
from oci_layout.source.store import ArchiveStore, DirectoryStore, Store
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarindex import looks_like_tar

STANDARD_INPUT = "-"


class Kinds(enum.StrEnum):
    """What a source is."""

    LAYOUT = "OCI layout"
    HYBRID = "hybrid: OCI layout with manifest.json"
    DOCKER = "docker-archive"
    DIR = "dir:"


@attrs.frozen(kw_only=True)
class Source:
    """An opened source. A context manager; closing it closes the archive.

    Args:
        label: as the user called it.
        kind: what it is.
        archive: whether it is a tar (else a directory).
        outer: how the archive as a whole was compressed.
        store: its members.
        blobs: its blobs by digest; None for a docker-archive, which has none.
        roots: what it holds.
        index: its ``index.json``, or None.
        docker: the images as its ``manifest.json`` describes them.
        findings: what was found on opening.
    """

    label: str
    kind: Kinds
    archive: bool
    outer: Compression
    store: Store = attrs.field(repr=False)
    blobs: Blobs | None = attrs.field(repr=False)
    roots: tuple[Root, ...]
    index: Index | None = attrs.field(repr=False)
    docker: tuple[views.DockerImage, ...] = attrs.field(repr=False)
    findings: Findings = attrs.field(repr=False)

    def close(self) -> None:
        """Let go of the archive."""
        self.store.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def description(self) -> str:
        """One line for people."""
        form = "archive" if self.archive else "directory"
        packed = "" if self.outer is Compression.NONE else f", {self.outer}-compressed"
        return f"{self.kind} ({form}{packed})"


def open_source(
    path: str,
    *,
    findings: Findings | None = None,
    tmp: str | None = None,
    mend: bool = False,
) -> Source:
    """Open a file, a directory or standard input, whatever format it has.

    Args:
        path: the source; ``-`` for standard input.
        findings: told of all that is odd or wrong; by default the first error is raised.
        tmp: directory for spooling what cannot be read by offset (standard input, a compressed
            archive); by default that for large temporary files.
        mend: accept a missing ``oci-layout``.

    Raises:
        NotAnImageError: not an image of any kind.
        DamagedError: an image, and something in it does not hold.
    """
    findings = FailFast() if findings is None else findings
    outer = Compression.NONE
    if path != STANDARD_INPUT and os.path.isdir(path):
        store: Store = DirectoryStore(path)
        archive = False
    else:
        file, outer = _archive_file(path, tmp)
        archive = True
        label = "standard input" if path == STANDARD_INPUT else path
        try:
            if not looks_like_tar(file.pread(512, 0)):
                raise NotAnImageError(what=_not_a_tar(file), where=label)
            store = ArchiveStore(file, label, findings)
        except BaseException:
            file.close()
            raise
    try:
        return _read(store, path, archive, outer, findings, mend)
    except BaseException:
        store.close()
        raise


def _not_a_tar(file: HeldFile) -> str:
    if not file.size:
        return "empty, where an image archive was expected"
    if file.pread(1, 0) in (b"{", b"["):
        return "a JSON document, not an image archive"
    return "neither a tar archive nor a directory"


def _archive_file(path: str, tmp: str | None) -> tuple[HeldFile, Compression]:
    """The archive as a seekable, uncompressed file."""
    if path == STANDARD_INPUT:
        return spool_stream(0, "standard input", tmp)
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise NotAnImageError(what=error.strerror or str(error), where=path) from error
    if stat.S_ISFIFO(mode):  # <(docker save ...) of a shell
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return spool_stream(fd, path, tmp)
        finally:
            os.close(fd)
    file = HeldFile(path)
    outer = sniff(file.pread(SNIFF_BYTES, 0))
    if outer is Compression.NONE:
        return file, outer
    with file:
        return spool_compressed(file, outer, tmp), outer


def _read(
    store: Store,
    path: str,
    archive: bool,
    outer: Compression,
    findings: Findings,
    mend: bool,
) -> Source:
    reconciler = Reconciler(findings)
    index: Index | None = None
    blobs: Blobs | None = None
    docker: list[views.DockerImage] = []
    single = _dir_manifest(store)
    if single is not None:
        kind = Kinds.DIR
        blobs = _take_dir(single, store, reconciler, findings)
    elif store.find(layout.MARKER) or (
        _has_index(store) and not (archive and store.find(dockersave.MANIFEST))
    ):
        blobs = LayoutBlobs(store)
        hybrid = store.find(dockersave.MANIFEST) is not None
        kind = Kinds.HYBRID if hybrid else Kinds.LAYOUT
        docker = (views.read_docker(store, findings) or []) if hybrid else []
        index = views.read_index(store, findings, mend=mend)
        if index is not None:
            reconciler.take_index(index, GraphReader(blobs, findings), docker)
        _take_docker(store, docker, reconciler, findings, hybrid)
    elif store.find(dockersave.MANIFEST):
        kind = Kinds.DOCKER
        if _has_index(store):
            findings.warning(
                "no-layout-marker",
                "there is an index.json but no oci-layout file: engines read manifest.json alone",
                Where(member=layout.MARKER),
            )
        docker = views.read_docker(store, findings) or []
        _take_docker(store, docker, reconciler, findings, True)
    else:
        cut = next((each for each in findings.errors if each.code == "truncated"), None)
        hint = f"the archive is cut short: {cut.where}" if cut is not None else ""
        raise NotAnImageError(what=_unknown(store), where=store.label, hint=hint)
    return Source(
        label="standard input" if path == STANDARD_INPUT else path,
        kind=kind,
        archive=archive,
        outer=outer,
        store=store,
        blobs=blobs,
        roots=reconciler.roots(),
        index=index,
        docker=tuple(docker),
        findings=findings,
    )


def _has_index(store: Store) -> bool:
    """Whether an ``index.json`` is meant to be there, readable or not."""
    return store.find(layout.INDEX) is not None


def _take_docker(
    store: Store,
    docker: list[views.DockerImage],
    reconciler: Reconciler,
    findings: Findings,
    named: bool,
) -> None:
    reconciler.take_docker(docker)
    names = views.repository_names(store, findings) if named else None
    if names is not None:
        reconciler.take_repositories(names)


def _dir_manifest(store: Store) -> bytes | None:
    """The manifest of a ``dir:``: ``manifest.json`` is an object there, not a list."""
    member = store.find(dockersave.MANIFEST)
    if member is None or store.find(layout.MARKER) is not None:
        return None
    if not member.head(64).lstrip().startswith(b"{"):
        return None
    raw = member.read(limits.DOCUMENT_BYTES)
    value = jsontext.parse(raw, Where(member=dockersave.MANIFEST), Findings())
    if isinstance(value, dict) and kind_by_fields(value) is Kind.OTHER and _has_index(store):
        return None
    return raw


def _take_dir(raw: bytes, store: Store, reconciler: Reconciler, findings: Findings) -> FlatBlobs:
    digest = Digest.of(raw)
    blobs = FlatBlobs(store, digest)
    document = read_document(raw, Where(member=dockersave.MANIFEST), findings)
    if document is not None:
        descriptor = Descriptor(media_type=document.media_type, digest=digest, size=len(raw))
        reconciler.take_node(GraphReader(blobs, findings).node(descriptor))
    return blobs


def _unknown(store: Store) -> str:
    names = [name for _, name in zip(range(4), store.names(), strict=False)]
    if store.find(dockersave.REPOSITORIES) or any(name.endswith("/layer.tar") for name in names):
        return (
            "a Docker V1 archive (docker save before 1.10: there is no manifest.json), "
            "which this version does not convert"
        )
    inside = ", ".join(repr(name[:60]) for name in names) or "nothing"
    return f"no image: there is neither index.json nor manifest.json (found {inside})"
