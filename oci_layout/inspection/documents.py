"""The exact bytes of one document of a source."""

from __future__ import annotations

from collections.abc import Iterator

from oci_layout.errors import SelectionError
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.walk import walk
from oci_layout.inspection.manifests import Manifests
from oci_layout.source.opening import Source

DOCUMENTS = ("index", "manifest", "config")


def raw(source: Source, roots: tuple[Root, ...], what: str) -> bytes:
    """The bytes as they lie in the source.

    Args:
        source: opened.
        roots: what was chosen of it.
        what: one of ``DOCUMENTS``. The index is the one that is chosen, or else ``index.json``.

    Raises:
        SelectionError: there is none, or more than one.
    """
    # A referrer that no index lists comes along with its image, and is not what was asked for.
    nodes = [node for root in roots if root.listed for node in walk(root.node)]
    manifests = Manifests(source)
    found = {digest: data for node in nodes for digest, data in _of(node, manifests, what)}
    if what == "index" and not found and source.contents.index is not None:
        return source.contents.index.raw
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise SelectionError(what=f"there is no {what} here", hint=_why(nodes, what))
    shown = ", ".join(list(found)[:8])
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    raise SelectionError(
        what=f"there are {len(found)} of them",
        hint=f"--image or --platform chooses one: {shown}{more}",
    )


def _of(node: Node, manifests: Manifests, what: str) -> Iterator[tuple[str, bytes]]:
    if what == "index" and isinstance(node, ImageIndex):
        if manifests.has(node.descriptor.digest):
            yield str(node.descriptor.digest), node.index.raw
    elif what == "manifest":
        manifest = None
        if isinstance(node, Image):
            manifest = node.schema1 or node.manifest
        elif isinstance(node, Artifact):
            manifest = node.manifest
        elif isinstance(node, Absent):
            manifest = manifests.of(node)
        if manifest is not None and node.descriptor is not None:
            yield str(node.descriptor.digest), manifest.raw
    elif what == "config" and isinstance(node, Image) and not node.made_from:
        yield str(node.config.digest), node.raw_config()


def _why(nodes: list[Node], what: str) -> str:
    held = [node for node in nodes if isinstance(node, Image)]
    if what == "manifest" and held:
        return "docker save wrote none before 25; layout repack makes one"
    if what == "config" and any(image.made_from for image in held):
        return "older than image configs; layout repack makes one"
    return ""
