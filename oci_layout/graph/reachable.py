"""What the graph leads to: the one rule for what a document names, and so for what is an orphan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.graph.nodes import Absent, Artifact, Image, Node, Opaque
from oci_layout.streams.member import Member

Find = Callable[[Digest], Member | None]


def named(nodes: Iterable[Node], find: Find) -> set[str]:
    """Names of all members that some nodes lead to: documents, layers, blobs, whatever they hold.

    Args:
        nodes: of the graph, and images that only another view of the source has.
        find: the member of a blob in the source, under whatever name that kind of source has.
    """
    names: set[str] = set()
    seen: set[object] = set()
    for node in nodes:
        if node.descriptor is not None:
            names.update(_member(find, node.descriptor.digest))
        held: object = node
        if isinstance(node, Image):
            names.add(node.config_member.name)
            held = node.layers
        if held in seen:
            continue
        seen.add(held)
        names.update(_held(node, find))
    return names


def _member(find: Find, digest: Digest) -> Iterator[str]:
    member = find(digest)
    if member is not None:
        yield member.name


def _held(node: Node, find: Find) -> Iterator[str]:
    """Names of what a node holds beside its own document."""
    if isinstance(node, Image):
        yield from (layer.member.name for layer in node.layers if layer.member is not None)
        if node.manifest is not None:  # another view may have ruled on the layers
            for layer in node.manifest.layers:
                yield from _member(find, layer.digest)
        if node.schema1 is not None:  # with the empty layers that its image goes without
            for digest, _ in node.schema1.layers:
                yield from _member(find, digest)
    elif isinstance(node, Artifact):
        yield from (member.name for _, member in node.blobs if member is not None)
    elif isinstance(node, Absent):
        yield from (member.name for _, member in node.parts)
        for digest in node.missing:
            yield from _member(find, digest)
    elif isinstance(node, Opaque):
        for digest in mentioned(node.member):
            yield from _member(find, digest)


_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def mentioned(member: Member) -> set[Digest]:
    """Digests in a document of a type that nobody knows: it may need what they are those of.

    Args:
        member: its bytes; only what begins as a JSON object, and is no larger than a manifest may
            be, is looked through.
    """
    if member.size > limits.MANIFEST_BYTES or not member.head(_BEGIN).lstrip().startswith(b"{"):
        return set()
    found = _DIGEST.findall(member.read(limits.MANIFEST_BYTES))
    return {Digest.parse(text.decode()) for text in set(found)}


_BEGIN = 64


def orphans(
    candidates: Iterable[str], find: Callable[[str], Member | None], known: set[str]
) -> Iterator[tuple[str, Member]]:
    """The candidates that nothing leads to, with their bytes; a link is what it leads to.

    Args:
        candidates: names in the source that are those of blobs.
        find: a member by its name, links followed.
        known: names that the graph leads to.
    """
    for name in candidates:
        member = find(name)
        if member is not None and member.name not in known and name not in known:
            yield name, member
