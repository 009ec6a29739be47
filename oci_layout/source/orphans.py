"""What lies in a source as a blob and is named by no document of it: told by names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Node
from oci_layout.graph.reachable import named, orphans
from oci_layout.graph.walk import every
from oci_layout.model import dockersave, layout
from oci_layout.source.contents import SourceKind
from oci_layout.source.opening import Source
from oci_layout.streams.reader import Member

_FLAT = re.compile(r"([0-9a-f]{64}|[0-9a-f]{128})(?:\.manifest\.json)?")
_LAYER = re.compile(r"(?:[^/]+/)?[^/]+\.tar(?:\.gz)?")
_DOCUMENTS = {layout.MARKER, layout.INDEX, dockersave.MANIFEST, dockersave.REPOSITORIES}


def orphans_of(source: Source) -> Iterator[tuple[str, Member]]:
    """Names and bytes of blobs, or of the layers of a docker-archive, that nothing names.

    Args:
        source: opened.
    """
    return orphans(_candidates(source), source.store.find, reached(source))


def reached(source: Source) -> set[str]:
    """Names of all members that the documents of a source lead to."""
    nodes: list[Node] = [node for _, node in every(source.roots)]
    nodes += [saved.image for saved in source.contents.docker]
    blobs = source.contents.blobs
    return _DOCUMENTS | named(nodes, blobs.find if blobs is not None else _nowhere)


def _nowhere(digest: Digest) -> None:
    del digest  # a docker-archive has no blobs by digest


def _candidates(source: Source) -> Iterable[str]:
    store = source.store
    if source.kind in (SourceKind.LAYOUT, SourceKind.HYBRID):
        return (name for name in store.names("blobs") if name.count("/") == 2)
    if source.kind is SourceKind.DIR:
        return (name for name in store.names() if _FLAT.fullmatch(name))
    # In a directory a link would have a name of its own, and seem to be another layer.
    if source.kind in (SourceKind.DOCKER, SourceKind.V1) and source.archive:
        return (name for name in store.names() if _LAYER.fullmatch(name))
    return ()


def stated_digest(name: str) -> Digest | None:
    """The digest that a blob's name promises, in a layout and in a ``dir:``; None without one."""
    flat = _FLAT.fullmatch(name)
    if flat is not None:
        return Digest.parse(f"{'sha256' if len(flat[1]) == 64 else 'sha512'}:{flat[1]}")
    return Digest.of_path(name)
