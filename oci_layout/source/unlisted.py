"""Manifests that lie among the blobs of a source and that nothing lists, referrers above all.

``cosign save`` of version 3 puts the signature of an image there: a manifest whose ``subject`` is
the image, and nothing points at it. ``cosign verify --local-image`` looks through the blobs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.walk import walk
from oci_layout.mediatype import OCI_INDEX, OCI_MANIFEST, Kind, document_kind
from oci_layout.model import jsontext
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Links, kind_by_fields, read_document, read_links
from oci_layout.source.blobs import GraphReader
from oci_layout.source.store import Store
from oci_layout.where import Where

# A key that may be "subject", in any case and spelled with escapes.
_SUBJECT = re.compile(rb'(?i)ubject"|\\u')


DigestOf = Callable[[str], Digest | None]


def unlisted_referrers(
    store: Store,
    reader: GraphReader,
    roots: Sequence[Root],
    names: Iterable[str],
    digest_of: DigestOf = Digest.of_path,
) -> Iterator[Node]:
    """Artifacts and indexes whose subject, or whose subject's subject, is in the graph.

    Args:
        store: the layout, or another store of blobs.
        reader: of its documents.
        roots: what its views list.
        names: of its blobs.
        digest_of: the digest that such a name promises.
    """
    known, reached = _reached(roots)
    waiting: dict[str, list[Descriptor]] = {}
    for name in names:
        digest = digest_of(name)
        if digest is None or name in reached or str(digest) in known:
            continue
        found = _document(store, name, digest, _SUBJECT)
        if found is not None and found[0].subject is not None:
            waiting.setdefault(str(found[0].subject), []).append(found[1])
    todo = sorted(known & waiting.keys())
    while todo:
        for descriptor in waiting.pop(todo.pop(), ()):
            node = reader.node(descriptor)
            if any(not isinstance(each, Artifact | ImageIndex) for each in walk(node)):
                continue  # an image that nothing lists is none of the layout's
            yield node
            if str(descriptor.digest) in waiting:
                todo.append(str(descriptor.digest))


def manifests_among(
    store: Store, names: Iterable[str], digest_of: DigestOf
) -> Iterator[Descriptor]:
    """What leads to the manifests and indexes among some blobs.

    Args:
        store: that has them.
        names: of the blobs.
        digest_of: the digest that such a name promises.
    """
    for name in names:
        digest = digest_of(name)
        found = None if digest is None else _document(store, name, digest)
        if found is not None:
            yield found[1]


def _reached(roots: Sequence[Root]) -> tuple[set[str], set[str]]:
    """Digests of manifests and indexes, and names of the other blobs that they lead to."""
    known: set[str] = set()
    names: set[str] = set()
    for root in roots:
        for node in walk(root.node):
            if node.descriptor is not None:
                known.add(str(node.descriptor.digest))
            if isinstance(node, Image):
                names.add(node.config_member.name)
                names.update(layer.member.name for layer in node.layers if layer.member)
            elif isinstance(node, Artifact):
                names.update(member.name for _, member in node.blobs if member)
    return known, names


def _document(
    store: Store, name: str, digest: Digest, wanted: re.Pattern[bytes] | None = None
) -> tuple[Links, Descriptor] | None:
    """What a blob refers to and its descriptor, if it is a manifest or an index.

    Args:
        store: that has it.
        name: of it.
        digest: that the name promises.
        wanted: what must be in it.
    """
    member = store.find(name)
    if member is None or member.size > limits.MANIFEST_BYTES:
        return None
    if not member.head(64).lstrip().startswith(b"{"):
        return None
    raw = member.read(limits.MANIFEST_BYTES)
    if wanted is not None and wanted.search(raw) is None:
        return None
    links = read_links(raw, Where(member=name), Findings())
    if links is None:
        return None
    media_type = links.media_type
    if not media_type:
        value = jsontext.parse(raw, Where(member=name), Findings())
        media_type = OCI_INDEX if kind_by_fields(value) is Kind.INDEX else OCI_MANIFEST
    kind, _ = document_kind(media_type)
    if kind not in (Kind.MANIFEST, Kind.INDEX):
        return None
    probe = Findings()
    read_document(raw, Where(member=name), probe, media_type=media_type)
    if probe.errors:
        return None  # nobody lists it, so nobody misses what is no manifest
    return links, Descriptor(media_type=media_type, digest=digest, size=member.size)
