"""Whether a registry serves what it holds: the links of each repository, one by one."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node
from oci_layout.graph.walk import every
from oci_layout.model import registry
from oci_layout.model.registry import Link, LinkKind
from oci_layout.source import kinds
from oci_layout.source.kinds.registries import read_link
from oci_layout.source.opening import Source
from oci_layout.where import Where

_HINT = "push or mirror the image again"


@attrs.define(eq=False)
class _Repository:
    """What a repository has links to.

    Args:
        layers: blobs.
        revisions: manifests and indexes.
        tags: the digest of each tag; None for one without a link that can be read.
    """

    layers: set[Digest] = attrs.field(factory=set)
    revisions: set[Digest] = attrs.field(factory=set)
    tags: dict[str, Digest | None] = attrs.field(factory=dict)


def check_links(source: Source, findings: Findings) -> None:
    """Check the links of a registry's storage; of every other source there is nothing to check.

    A link to a blob that is gone is no finding: the registry's own garbage collection leaves them.

    Args:
        source: opened with the same findings.
        findings: told of links that are no digest, or missing.
    """
    if source.kind is not kinds.REGISTRY:
        return
    nodes: dict[Digest, Node] = {}
    for _, node in every(source.roots):
        if node.descriptor is not None:
            nodes.setdefault(node.descriptor.digest, node)
    for name, held in _repositories(source, findings).items():
        for tag, digest in held.tags.items():
            if digest is not None and digest not in held.revisions:
                _unlinked(name, registry.revision_link(name, digest), findings, tag)
            elif digest is None:
                where = Where(member=registry.current_link(name, tag))
                if source.store.find(where.member) is None:
                    findings.error("bad-link", "is not there: the tag stands for nothing", where)
        missing = {path for each in held.revisions for path in _needed(name, nodes.get(each), held)}
        for path in sorted(missing):
            _unlinked(name, path, findings)


def _repositories(source: Source, findings: Findings) -> dict[str, _Repository]:
    found: dict[str, _Repository] = {}
    for name in source.store.names(registry.REPOSITORIES):
        link = registry.parse_link(name)
        if link is None:
            continue
        held = found.setdefault(link.repository, _Repository())
        digest = _checked(source, name, link, findings)
        if link.kind is LinkKind.CURRENT:
            held.tags[link.tag] = digest
        elif link.kind is LinkKind.PAST:
            held.tags.setdefault(link.tag, None)
        elif digest is not None:
            of = held.layers if link.kind is LinkKind.LAYER else held.revisions
            of.add(digest)
    return found


def _checked(source: Source, name: str, link: Link, findings: Findings) -> Digest | None:
    """The digest of a link; None where it has none."""
    member = source.store.find(name)
    if member is None:
        return None
    if link.kind is LinkKind.CURRENT:  # told of when the tags were read
        return read_link(member, Findings())
    digest = read_link(member, findings)
    if digest is not None and str(digest) != link.stated:
        told = f"holds {digest}, and its path says {link.stated[:150]}"
        findings.error("bad-link", told, Where(member=name), _HINT)
    return digest


def _needed(repository: str, node: Node | None, held: _Repository) -> Iterator[str]:
    """Paths of the links that a manifest or index needs and that are not there."""
    if isinstance(node, ImageIndex):
        for child in node.children:
            digest = child.descriptor.digest if child.descriptor is not None else None
            if digest is None or digest in held.revisions or digest in held.layers:
                continue
            if not _gone(child):
                yield registry.revision_link(repository, digest)
        return
    for digest in _blobs(node):
        if digest not in held.layers:
            yield registry.layer_link(repository, digest)


def _gone(node: Node) -> bool:
    """Whether it is not there at all, which is told elsewhere."""
    return not isinstance(node, Image | Artifact | ImageIndex)


def _blobs(node: Node | None) -> Iterator[Digest]:
    """Digests of what a manifest lists and what is there."""
    if isinstance(node, Image):
        if not node.made_from:  # the config of a schema 1 manifest is nowhere
            yield node.config.digest
        for layer in node.layers:
            if layer.member is not None and layer.digest is not None:
                yield layer.digest
    elif isinstance(node, Artifact):
        yield from (blob.digest for blob, member in node.blobs if member is not None)


def _unlinked(repository: str, path: str, findings: Findings, tag: str = "") -> None:
    where = Where(image=f"{repository}:{tag}" if tag else repository, member=path)
    findings.error("unlinked", "this link is not there, so the registry answers 404", where, _HINT)
