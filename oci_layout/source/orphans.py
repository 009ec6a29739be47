"""What lies in a source as a blob and is named by no document of it: told by names alone."""

from __future__ import annotations

from collections.abc import Iterator

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Node
from oci_layout.graph.reachable import named, orphans
from oci_layout.graph.walk import every
from oci_layout.model import containerdroot, dockersave, layout, registry
from oci_layout.source.kinds.single import stated_digest as flat_digest
from oci_layout.source.opening import Source
from oci_layout.streams.member import Member

_DOCUMENTS = {layout.MARKER, layout.INDEX, dockersave.MANIFEST, dockersave.REPOSITORIES}


def orphans_of(source: Source) -> Iterator[tuple[str, Member]]:
    """Names and bytes of blobs, or of the layers of a docker-archive, that nothing names.

    Args:
        source: opened.
    """
    candidates = source.kind.may_be_blobs(source.store, source.archive)
    return orphans(candidates, source.store.find, reached(source))


def reached(source: Source) -> set[str]:
    """Names of all members that the documents of a source lead to."""
    nodes: list[Node] = [node for _, node in every(source.roots)]
    nodes += [saved.image for saved in source.contents.docker]
    blobs = source.contents.blobs
    return _DOCUMENTS | named(nodes, blobs.find if blobs is not None else _nowhere)


def _nowhere(digest: Digest) -> None:
    del digest  # a docker-archive has no blobs by digest


def stated_digest(name: str) -> Digest | None:
    """The digest that a blob's name promises, in whatever kind of source; None without one."""
    found = flat_digest(name) or Digest.of_path(name)
    return found or registry.data_digest(name) or containerdroot.data_digest(name)
