"""Sums over a source: what is stored, what images share, what is missing, what nobody names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Absent, Artifact, Image, Node, Root
from oci_layout.graph.walk import walk
from oci_layout.inspection.manifests import Manifests
from oci_layout.model import dockersave, layout
from oci_layout.source.contents import Kinds
from oci_layout.source.opening import Source

_FLAT = re.compile(r"[0-9a-f]{64,128}(?:\.manifest\.json)?")
_LAYER = re.compile(r"(?:[^/]+/)?[^/]+\.tar(?:\.gz)?")


def totals(source: Source, manifests: Manifests, roots: Iterable[Root]) -> dict[str, Any]:
    """What images come to, each blob counted once.

    Args:
        source: they come from.
        manifests: of the source.
        roots: what was chosen of it.
    """
    sizes: dict[str, int] = {}
    users: dict[str, set[int]] = {}
    seen: dict[object, int] = {}
    artifacts: set[Digest] = set()
    missing: dict[str, None] = {}
    for root in roots:
        for node in walk(root.node):
            if isinstance(node, Absent):
                missing.update(dict.fromkeys(map(str, manifests.missing(node))))
            elif isinstance(node, Image | Artifact):
                missing.update(dict.fromkeys(map(str, node.missing)))
            if isinstance(node, Artifact):
                artifacts.add(node.descriptor.digest)
            if not isinstance(node, Image):
                continue
            number = seen.setdefault(_identity(node), len(seen))
            for layer in node.layers:
                if layer.member is not None:
                    sizes[layer.member.name] = layer.member.size
                    users.setdefault(layer.member.name, set()).add(number)
    shared = [name for name, images in users.items() if len(images) > 1]
    return {
        "images": len(seen),
        "artifacts": len(artifacts),
        "layers": len(sizes),
        "layer_bytes": sum(sizes.values()),
        "shared_layers": len(shared),
        "shared_bytes": sum(sizes[name] for name in shared),
        "missing": list(missing),
        "orphans": list(_orphans(source, manifests)),
    }


def _identity(image: Image) -> object:
    """What makes two entries one image: its manifest, or where it has none its config."""
    if image.descriptor is not None:
        return image.descriptor.digest
    return image.config.digest, tuple(layer.member for layer in image.layers)


def _orphans(source: Source, manifests: Manifests) -> Iterator[dict[str, Any]]:
    """Blobs, or the layers of a docker-archive, that no document names: by their names alone."""
    known = _named(source, manifests)
    for name in _candidates(source):
        member = source.store.find(name)
        if member is not None and member.name not in known and name not in known:
            yield {"name": name, "size": member.size}


def _candidates(source: Source) -> Iterator[str]:
    store = source.store
    if source.kind in (Kinds.LAYOUT, Kinds.HYBRID):
        return (name for name in store.names("blobs") if name.count("/") == 2)
    if source.kind is Kinds.DIR:
        return (name for name in store.names() if _FLAT.fullmatch(name))
    # In a directory a link would have a name of its own, and seem to be another layer.
    if source.kind in (Kinds.DOCKER, Kinds.V1) and source.archive:
        return (name for name in store.names() if _LAYER.fullmatch(name))
    return iter(())


def _named(source: Source, manifests: Manifests) -> set[str]:
    """Names of all members that something in the source refers to, there or not."""
    known = {layout.MARKER, layout.INDEX, dockersave.MANIFEST, dockersave.REPOSITORIES}
    nodes = [node for root in source.roots for node in walk(root.node)]
    nodes += [saved.image for saved in source.contents.docker]
    for node in nodes:
        for digest in _digests(node, manifests):
            known |= {digest.blob_path, digest.hex, f"{digest.hex}.manifest.json"}
        if isinstance(node, Image):
            known.add(node.config_member.name)
            known |= {layer.member.name for layer in node.layers if layer.member is not None}
    return known


def _digests(node: Node, manifests: Manifests) -> Iterator[Digest]:
    if node.descriptor is not None:
        yield node.descriptor.digest
    if isinstance(node, Image):
        yield node.config.digest
        if node.manifest is not None:
            yield from (layer.digest for layer in node.manifest.layers)
        if node.schema1 is not None:  # with the empty layers that its image goes without
            yield from (digest for digest, _ in node.schema1.layers)
    elif isinstance(node, Artifact):
        yield from (descriptor.digest for descriptor, _ in node.blobs)
    elif isinstance(node, Absent):
        yield from node.missing
        manifest = manifests.of(node)
        yield from (layer.digest for layer in manifest.layers) if manifest is not None else ()
