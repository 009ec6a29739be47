"""Indexes, images, artifacts and what is absent, as plain values."""

from __future__ import annotations

from typing import Any

from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Opaque, Root
from oci_layout.graph.shown import Shown
from oci_layout.graph.walk import stated_platform
from oci_layout.inspection.artifacts import kind_of, predicates, subject_of
from oci_layout.inspection.configs import config_fields, config_json, history_json
from oci_layout.inspection.layers import LayerReader
from oci_layout.inspection.manifests import Manifests
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.model.manifest import Manifest
from oci_layout.platform import Platform


class Nodes:
    """Makes values of nodes.

    Args:
        manifests: of the source they come from.
        layers: looks at their layers.
    """

    def __init__(self, manifests: Manifests, layers: LayerReader) -> None:
        self._manifests, self._layers = manifests, layers
        self._shown = Shown()

    def root(self, root: Root) -> dict[str, Any]:
        """What one or more names stand for."""
        entry = root.descriptor.annotations if root.descriptor is not None else {}
        value = self.node(root.node, root)
        return {
            "names": [str(name) for name in root.names],
            **value,
            "annotations": {**value["annotations"], **entry},
        }

    def node(self, node: Node, root: Root | None = None) -> dict[str, Any]:
        """A node with all below it."""
        if isinstance(node, ImageIndex):
            return self._index(node)
        if isinstance(node, Image):
            return self._image(node)
        if isinstance(node, Artifact):
            return self._artifact(node, root)
        if isinstance(node, Opaque):
            return _described("blob", node.descriptor)
        return self._absent(node)

    def _index(self, index: ImageIndex) -> dict[str, Any]:
        self._shown.take(len(index.index.raw))
        value = _described("index", index.descriptor)
        # Where index.json lists the platforms of a name side by side, the index stands nowhere.
        flat = not self._manifests.has(index.descriptor.digest)
        if flat:
            value.update(digest=None, media_type=None, size=None)
        return {
            **value,
            "family": None if flat else str(index.index.family),
            "artifact_type": index.index.artifact_type or None,
            "children": [self.node(child) for child in index.children],
        }

    def _image(self, image: Image) -> dict[str, Any]:
        self._shown.take(image.config.size, len(image.layers))
        fields = config_fields(image)
        manifest, stated = image.manifest, stated_platform(image)
        value = _described("image", image.descriptor)
        value["platform"] = str(stated) if stated is not None else None
        history = history_json(fields, len(image.layers))
        layers = [self._layers.json(number, layer) for number, layer in enumerate(image.layers)]
        for line in history:
            if line["layer"] is not None:
                layers[line["layer"]]["created_by"] = line["created_by"] or line["comment"]
        return {
            **value,
            "config_platform": str(image.config.platform),
            "platforms_differ": _differ(stated, image.config.platform),
            "family": str(manifest.family) if manifest is not None else None,
            "image_id": None if image.made_from else str(image.config.digest),
            "config": config_json(image, fields),
            "layers": layers,
            "history": history,
            "made_from": image.made_from or None,
            "schema1": None
            if image.schema1 is None
            else {
                "name": image.schema1.name,
                "tag": image.schema1.tag,
                "signatures": len(image.schema1.signatures),
            },
            "missing": [str(digest) for digest in image.missing],
        }

    def _artifact(self, artifact: Artifact, root: Root | None) -> dict[str, Any]:
        manifest = artifact.manifest
        config = manifest.config
        self._shown.take(len(manifest.raw), len(artifact.blobs))
        return {
            **_described("artifact", artifact.descriptor),
            "kind": kind_of(artifact),
            "artifact_type": manifest.artifact_type or artifact.descriptor.artifact_type or None,
            "config_media_type": config.media_type if config is not None else None,
            "attestation": artifact.is_attestation,
            "predicates": predicates(artifact),
            "subject": subject_of(artifact, root),
            "blobs": [
                {
                    "digest": str(descriptor.digest),
                    "size": descriptor.size,
                    "media_type": descriptor.media_type,
                    "title": descriptor.annotations.get("org.opencontainers.image.title"),
                    "present": member is not None,
                }
                for descriptor, member in artifact.blobs
            ],
            "missing": [str(digest) for digest in artifact.missing],
        }

    def _absent(self, node: Absent) -> dict[str, Any]:
        manifest = self._manifests.of(node)
        if manifest is not None and manifest.config is not None:
            return self._without_config(node, manifest, manifest.config)
        return {
            **_described("absent", node.descriptor),
            "unreadable": node.unreadable,
            "subject": node.descriptor.annotations.get(ATTESTATION_DIGEST),
            "missing": [str(digest) for digest in self._manifests.missing(node)],
        }

    def _without_config(
        self, node: Absent, manifest: Manifest, config: Descriptor
    ) -> dict[str, Any]:
        self._shown.take(len(manifest.raw), len(manifest.layers))
        layers = enumerate(self._manifests.layers(manifest))
        return {
            **_described("image", node.descriptor),
            "config_platform": None,
            "platforms_differ": False,
            "family": str(manifest.family),
            "image_id": str(config.digest),
            "config": None,
            "layers": [self._layers.json(number, layer) for number, layer in layers],
            "history": [],
            "made_from": None,
            "schema1": None,
            "missing": [str(digest) for digest in self._manifests.missing(node)],
        }


def _differ(stated: Platform | None, own: Platform) -> bool:
    """Whether an index and a config contradict each other; what one leaves out it leaves open."""
    if stated is None or not own.os or not own.architecture:
        return False
    one, other = stated.normalised(), own.normalised()
    variants = bool(one.variant and other.variant) and one.variant != other.variant
    return (one.os, one.architecture) != (other.os, other.architecture) or variants


def _described(kind: str, descriptor: Descriptor | None) -> dict[str, Any]:
    if descriptor is None:  # no manifest, as in what docker save wrote before 25
        return {
            "type": kind,
            "digest": None,
            "media_type": None,
            "size": None,
            "platform": None,
            "annotations": {},
        }
    platform = descriptor.platform
    return {
        "type": kind,
        "digest": str(descriptor.digest),
        "media_type": descriptor.media_type or None,
        "size": descriptor.size,
        "platform": str(platform) if platform is not None else None,
        "annotations": dict(descriptor.annotations),
    }
