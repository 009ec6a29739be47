"""Sums over a source: what is stored, what images share, what is missing, what nobody names."""

from __future__ import annotations

from collections.abc import Iterable

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Absent, Artifact, Image, Root
from oci_layout.graph.walk import walk
from oci_layout.inspection.manifests import Manifests
from oci_layout.inspection.report import OrphanReport, Totals
from oci_layout.source.opening import Source
from oci_layout.source.orphans import orphans_of


def totals(source: Source, manifests: Manifests, roots: Iterable[Root]) -> Totals:
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
    return Totals(
        images=len(seen),
        artifacts=len(artifacts),
        layers=len(sizes),
        layer_bytes=sum(sizes.values()),
        shared_layers=len(shared),
        shared_bytes=sum(sizes[name] for name in shared),
        missing=tuple(missing),
        orphans=tuple(
            OrphanReport(name=name, size=member.size) for name, member in orphans_of(source)
        ),
    )


def _identity(image: Image) -> object:
    """What makes two entries one image: its manifest, or where it has none its config."""
    if image.descriptor is not None:
        return image.descriptor.digest
    return image.config.digest, tuple(layer.member for layer in image.layers)
