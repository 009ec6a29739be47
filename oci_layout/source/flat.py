"""Flat layouts: the platforms of one image as entries of ``index.json``, with no index around them.

apko, old buildah and hand-made layouts look like that. skopeo and containerd take each entry for an
image of its own, so an index is made around those that belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Image, ImageIndex, Node
from oci_layout.graph.walk import attached_to, stated_platform
from oci_layout.mediatype import OCI_INDEX
from oci_layout.model import gojson, layout
from oci_layout.model.descriptor import Descriptor, platform_json
from oci_layout.model.manifest import Index, read_document
from oci_layout.where import Where

_NAMES = (layout.REF_NAME, layout.CONTAINERD_NAME)


def one_image(nodes: Sequence[Node], *, stated: bool = False) -> bool:
    """Whether some entries are the platforms of one image, and what is attached to those.

    Args:
        nodes: what the entries lead to.
        stated: whether the entries themselves must name the platforms: without a common name,
            that alone says that they belong together.
    """
    platforms = []
    digests = set()
    rest = []
    for node in nodes:
        if not _is_platform(node):
            rest.append(node)
        elif node.descriptor is not None:
            platform = node.descriptor.platform if stated else stated_platform(node)
            if platform is None or platform.unknown or not platform.architecture:
                return False
            platforms.append(platform.normalised())
            digests.add(str(node.descriptor.digest))
    if any(not attached_to(node) & digests for node in rest):
        return False
    return len(platforms) > 1 and len(set(platforms)) == len(platforms)


def _is_platform(node: Node) -> bool:
    return isinstance(node, Image) or (isinstance(node, Absent) and not attached_to(node))


def nested(nodes: Sequence[Node]) -> ImageIndex | None:
    """An index around some entries, each as it stands in ``index.json`` but for its name."""
    entries: list[dict[str, Any]] = []
    for node in nodes:
        descriptor = node.descriptor
        if descriptor is None:
            return None
        entry = {key: value for key, value in descriptor.source.items() if key != "annotations"}
        kept = {k: v for k, v in descriptor.annotations.items() if k not in _NAMES}
        if kept:
            entry["annotations"] = kept
        platform = stated_platform(node)
        if "platform" not in entry and platform is not None:
            entry["platform"] = platform_json(platform)
        entries.append(entry)
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    raw = gojson.encode_bytes(value)
    descriptor = Descriptor(media_type=OCI_INDEX, digest=Digest.of(raw), size=len(raw))
    where = Where(member=layout.INDEX)
    index = read_document(raw, where, Findings(), media_type=OCI_INDEX)
    if not isinstance(index, Index) or len(index.manifests) != len(nodes):
        return None
    children = tuple(
        attrs.evolve(node, descriptor=entry)
        for node, entry in zip(nodes, index.manifests, strict=True)
    )
    return ImageIndex(index=index, descriptor=descriptor, children=children)
