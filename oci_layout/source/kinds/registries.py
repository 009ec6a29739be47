"""A registry's own storage: blobs for all, and links in each repository (distribution 2.x, 3.x)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Set

import attrs

from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, ImageIndex, Node
from oci_layout.graph.walk import attached_to, walk
from oci_layout.model import registry
from oci_layout.model.registry import Link, LinkKind
from oci_layout.reference import ImageName, InvalidReferenceError
from oci_layout.source.blobs import RegistryBlobs
from oci_layout.source.kinds.kind import Contents, Reading, SourceKind
from oci_layout.source.kinds.single import descriptor_of
from oci_layout.source.store import Store
from oci_layout.streams.member import Member
from oci_layout.where import Where

_WRITING = 0.05  # seconds
_HINT = "push or mirror the image again"


def _is_registry(reading: Reading) -> bool:
    store = reading.store
    if any(registry.parse_link(name) for name in store.names(registry.REPOSITORIES)):
        return True
    return any(registry.data_digest(name) for name in store.names(registry.BLOBS))


def read_link(member: Member, findings: Findings) -> Digest | None:
    """The digest that a link holds; None where it holds none (reported).

    A registry fails at whatever else is in the file, be it a newline.
    """
    where = Where(member=member.name)
    raw = member.read(registry.LINK_BYTES) if member.size <= registry.LINK_BYTES else b""
    text = raw.decode("ascii", "replace")
    try:
        digest = Digest.parse(text.strip())
    except InvalidDigestError:
        said = repr(text[:80]) if raw else f"{member.size} bytes"
        findings.error("bad-link", f"holds no digest but {said}", where, _HINT)
        return None
    if str(digest) != text:
        findings.error(
            "bad-link",
            "holds more than a digest, at which a registry fails (HTTP 500)",
            where,
            f"printf %s {digest} > LINK",
        )
    return digest


@attrs.define(eq=False, repr=False, match_args=False)
class _Listed:
    """What the links of all repositories lead to.

    Args:
        tags: names that each manifest has, in order.
        revisions: all manifests and indexes, children included.
    """

    tags: dict[Digest, list[ImageName]] = attrs.field(factory=dict)
    revisions: dict[Digest, None] = attrs.field(factory=dict)


class _Links:
    """Goes through the links.

    Args:
        reading: the registry.
    """

    def __init__(self, reading: Reading) -> None:
        self._store, self._findings = reading.store, reading.findings
        self._host = reading.host

    def read(self) -> _Listed:
        found = _Listed()
        for name in self._store.names(registry.REPOSITORIES):
            link = registry.parse_link(name)
            if link is None:
                continue
            if link.kind is LinkKind.CURRENT:
                self._tag(link, name, found)
            elif link.kind is LinkKind.REVISION:
                digest = link.digest
                if digest is None:
                    told = f"a revision of the digest {link.stated[:150]!r}, which is none"
                    self._findings.error("bad-link", told, Where(member=name), _HINT)
                else:
                    found.revisions.setdefault(digest)
        return found

    def _tag(self, link: Link, name: str, found: _Listed) -> None:
        member = self._store.find(name)
        if member is not None and not member.size:
            time.sleep(_WRITING)  # a registry empties a link before it writes it
            member = self._store.find(name)
        digest = read_link(member, self._findings) if member is not None else None
        if digest is None:
            return
        names = found.tags.setdefault(digest, [])
        called = repository_name(self._host, link.repository, link.tag, self._findings, name)
        if called is not None:
            names.append(called)


def repository_name(
    host: str, repository: str, tag: str, findings: Findings, member: str
) -> ImageName | None:
    """What an image is called by its repository and tag; None where that is no name (reported).

    Args:
        host: of the registry; empty for none.
        repository: in it.
        tag: in that.
        findings: told of what is no name.
        member: the file that says so.
    """
    text = f"{host}/{repository}:{tag}" if host else f"{repository}:{tag}"
    try:
        return ImageName.familiar(text)
    except InvalidReferenceError as error:
        findings.warning("bad-name", str(error), Where(member=member), "--name gives it another")
        return None


def _read(reading: Reading) -> Contents:
    store, reconciler, findings = reading.store, reading.reconciler, reading.findings
    blobs = RegistryBlobs(store)
    listed = _Links(reading).read()
    reader = reading.graph(blobs)
    reached: set[Digest] = set()
    for digest, names in listed.tags.items():
        node = reader.node(descriptor_of(blobs, digest))
        reached.update(below(node, with_itself=True))
        reconciler.take_named(node, names)
    rest = {
        digest: reader.node(descriptor_of(blobs, digest))
        for digest in listed.revisions
        if digest not in reached
    }
    take_rest(reading, rest, reached)
    if not listed.tags and not listed.revisions:
        findings.warning("empty", "no repository of this registry has an image")
    return Contents(kind=REGISTRY, blobs=blobs, roots=reconciler.roots(), reader=reader)


def take_rest(reading: Reading, nodes: Mapping[Digest, Node], reached: Set[Digest]) -> None:
    """Take what no tag leads to: images without a name, and what refers to others.

    Args:
        reading: takes it.
        nodes: all of it, children of indexes included.
        reached: what tags lead to.
    """
    inner = {digest for node in nodes.values() for digest in below(node, with_itself=False)}
    known = {str(each) for each in reached | nodes.keys() | inner}
    for digest, node in nodes.items():
        if digest in inner:
            continue
        if attached_to(node) & known and _no_image(node):
            reading.reconciler.take_unlisted(node)
        else:
            reading.reconciler.take_named(node, [])


def below(node: Node, *, with_itself: bool) -> Iterator[Digest]:
    """Digests of what a node leads to."""
    for each in walk(node):
        if each.descriptor is not None and (with_itself or each is not node):
            yield each.descriptor.digest


def _no_image(node: Node) -> bool:
    return all(isinstance(each, Artifact | ImageIndex) for each in walk(node))


def _blobs(store: Store, archive: bool) -> Iterable[str]:
    del archive
    return (name for name in store.names(registry.BLOBS) if registry.data_digest(name))


REGISTRY: SourceKind = SourceKind(
    name="a registry's storage",
    json="registry",
    told=_is_registry,
    read=_read,
    may_be_blobs=_blobs,
)
