"""One manifest or list, with its blobs beside it (``dir:``) or with none (a lone file)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.mediatype import (
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    SCHEMA1_SIGNED,
    Kind,
    document_kind,
)
from oci_layout.model import dockersave, jsontext, layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import (
    Index,
    Manifest,
    kind_by_fields,
    read_document,
    read_links,
)
from oci_layout.model.schema1 import Schema1
from oci_layout.source.blobs import Blobs, FlatBlobs
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.reading import read_bounded
from oci_layout.source.store import FileStore, Store
from oci_layout.where import Where

_FLAT = re.compile(r"([0-9a-f]{64}|[0-9a-f]{128})(?:\.manifest\.json)?")


def _is_dir(reading: Reading) -> bool:
    """``manifest.json`` is an object there, not a list."""
    member = reading.store.find(dockersave.MANIFEST)
    if member is None or reading.has(layout.MARKER):
        return False
    if not member.head(64).lstrip().startswith(b"{"):
        return False
    raw = member.read(limits.DOCUMENT_BYTES)
    value = jsontext.parse(raw, Where(member=dockersave.MANIFEST), Findings())
    indexed = reading.has(layout.INDEX)
    return not (isinstance(value, dict) and kind_by_fields(value) is Kind.OTHER and indexed)


def _read(reading: Reading, kind: SourceKind) -> Contents:
    where = Where(member=dockersave.MANIFEST)
    member = reading.store.find(dockersave.MANIFEST)
    raw = member.read(limits.DOCUMENT_BYTES) if member is not None else b""
    document = read_document(raw, where, Findings())  # the graph reader will report
    digest = document.digest if isinstance(document, Schema1) else Digest.of(raw)
    media_type = _type_of(document)
    blobs = FlatBlobs(reading.store, digest)
    descriptor = Descriptor(media_type=media_type, digest=digest, size=len(raw))
    reading.reconciler.take_node(reading.graph(blobs).node(descriptor))
    return Contents(kind=kind, blobs=blobs, roots=reading.reconciler.roots())


def _type_of(document: Manifest | Index | Schema1 | None) -> str:
    if isinstance(document, Schema1):
        return SCHEMA1_SIGNED if document.signatures else SCHEMA1
    media_type = document.media_type if document is not None else ""
    # Else it is read by its fields, and what it says of itself is reported.
    named = document_kind(media_type)[0] in (Kind.MANIFEST, Kind.INDEX)
    return media_type if named else ""


def stated_type(raw: bytes) -> tuple[str, bool]:
    """The media type that a document has where nothing but itself tells, and if it is an index.

    The type is empty where it says none that is a manifest's.
    """
    document = read_document(raw, Where(), Findings())
    return _type_of(document), isinstance(document, Index)


def descriptor_of(blobs: Blobs, digest: Digest) -> Descriptor:
    """What leads to a manifest of which its digest alone is kept: the rest is in the document.

    Args:
        blobs: where it lies.
        digest: of the manifest or index.
    """
    member = blobs.find(digest)
    raw = None if member is None else read_bounded(member, Findings())
    if member is None or raw is None:
        size = 0 if member is None else member.size
        return Descriptor(media_type="", digest=digest, size=size, sized=member is not None)
    links = read_links(raw, Where(), Findings())
    media_type = links.media_type if links is not None else ""
    if document_kind(media_type)[0] not in (Kind.MANIFEST, Kind.INDEX):
        media_type, is_index = stated_type(raw)
        media_type = media_type or (OCI_INDEX if is_index else OCI_MANIFEST)
    return Descriptor(media_type=media_type, digest=digest, size=len(raw))


def stated_digest(name: str) -> Digest | None:
    """The digest that a blob's name promises in a ``dir:``; None without one."""
    flat = _FLAT.fullmatch(name)
    if flat is None:
        return None
    return Digest.parse(f"{'sha256' if len(flat[1]) == 64 else 'sha512'}:{flat[1]}")


def _blobs(store: Store, archive: bool) -> Iterable[str]:
    del archive
    return (name for name in store.names() if _FLAT.fullmatch(name))


DIR: SourceKind = SourceKind(
    name="dir:",
    json="dir",
    told=_is_dir,
    read=lambda reading: _read(reading, DIR),
    may_be_blobs=_blobs,
)
LONE: SourceKind = SourceKind(
    name="a manifest without its blobs",
    json="manifest",
    told=lambda reading: isinstance(reading.store, FileStore),
    read=lambda reading: _read(reading, LONE),
    has_form=False,
)
