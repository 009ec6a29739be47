"""Indexes, images, artifacts and what is absent, as values of a report."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Opaque, Root
from oci_layout.graph.shown import Shown
from oci_layout.graph.walk import stated_platform
from oci_layout.inspection.artifacts import kind_of, predicates, subject_of
from oci_layout.inspection.configs import config_fields, config_of, history_of
from oci_layout.inspection.layers import LayerReader
from oci_layout.inspection.manifests import Manifests
from oci_layout.inspection.report import (
    AbsentReport,
    ArtifactReport,
    BlobReport,
    ImageReport,
    IndexReport,
    NodeReport,
    RootReport,
    SignedReport,
)
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

    def root(self, root: Root) -> RootReport:
        """What one or more names stand for."""
        entry = root.descriptor.annotations if root.descriptor is not None else {}
        node = self.node(root.node, root)
        if entry:
            node = attrs.evolve(node, annotations={**node.annotations, **entry})
        return RootReport(names=tuple(str(name) for name in root.names), node=node)

    def node(self, node: Node, root: Root | None = None) -> NodeReport:
        """A node with all below it."""
        if isinstance(node, ImageIndex):
            return self._index(node)
        if isinstance(node, Image):
            return self._image(node)
        if isinstance(node, Artifact):
            return self._artifact(node, root)
        if isinstance(node, Opaque):
            return NodeReport(**_described(node.descriptor))
        return self._absent(node)

    def _index(self, index: ImageIndex) -> IndexReport:
        self._shown.take(len(index.index.raw))
        described = _described(index.descriptor)
        # Where index.json lists the platforms of a name side by side, the index stands nowhere.
        flat = not self._manifests.has(index.descriptor.digest)
        if flat:
            described.update(digest=None, media_type=None, size=None)
        return IndexReport(
            **described,
            family=None if flat else index.index.family,
            artifact_type=index.index.artifact_type or None,
            children=tuple(self.node(child) for child in index.children),
        )

    def _image(self, image: Image) -> ImageReport:
        self._shown.take(image.config.size, len(image.layers))
        fields = config_fields(image)
        manifest, stated, signed = image.manifest, stated_platform(image), image.schema1
        history = history_of(fields, len(image.layers))
        made_by = {line.layer: line.created_by or line.comment for line in history}
        return ImageReport(
            **{**_described(image.descriptor), "platform": stated},
            config_platform=image.config.platform,
            platforms_differ=_differ(stated, image.config.platform),
            family=manifest.family if manifest is not None else None,
            image_id=None if image.made_from else image.config.digest,
            config=config_of(image, fields),
            layers=tuple(
                self._layers.look(number, layer, made_by.get(number))
                for number, layer in enumerate(image.layers)
            ),
            history=history,
            made_from=image.made_from or None,
            schema1=None
            if signed is None
            else SignedReport(name=signed.name, tag=signed.tag, signatures=len(signed.signatures)),
            missing=tuple(map(str, image.missing)),
            pulled_as=image.pulled_as,
        )

    def _artifact(self, artifact: Artifact, root: Root | None) -> ArtifactReport:
        manifest = artifact.manifest
        config = manifest.config
        self._shown.take(len(manifest.raw), len(artifact.blobs))
        return ArtifactReport(
            **_described(artifact.descriptor),
            kind=kind_of(artifact),
            artifact_type=manifest.artifact_type or artifact.descriptor.artifact_type or None,
            config_media_type=config.media_type if config is not None else None,
            attestation=artifact.is_attestation,
            predicates=predicates(artifact),
            subject=subject_of(artifact, root),
            blobs=tuple(
                BlobReport(
                    digest=descriptor.digest,
                    size=descriptor.size,
                    media_type=descriptor.media_type,
                    title=descriptor.annotations.get("org.opencontainers.image.title"),
                    present=member is not None,
                )
                for descriptor, member in artifact.blobs
            ),
            missing=tuple(map(str, artifact.missing)),
        )

    def _absent(self, node: Absent) -> NodeReport:
        manifest = self._manifests.of(node)
        if manifest is not None and manifest.config is not None:
            return self._without_config(node, manifest, manifest.config)
        return AbsentReport(
            **_described(node.descriptor),
            unreadable=node.unreadable,
            subject=node.descriptor.annotations.get(ATTESTATION_DIGEST),
            missing=tuple(map(str, self._manifests.missing(node))),
        )

    def _without_config(self, node: Absent, manifest: Manifest, config: Descriptor) -> ImageReport:
        self._shown.take(len(manifest.raw), len(manifest.layers))
        layers = enumerate(self._manifests.layers(manifest))
        return ImageReport(
            **_described(node.descriptor),
            config_platform=None,
            platforms_differ=False,
            family=manifest.family,
            image_id=config.digest,
            config=None,
            layers=tuple(self._layers.look(number, layer) for number, layer in layers),
            history=(),
            made_from=None,
            schema1=None,
            missing=tuple(map(str, self._manifests.missing(node))),
        )


def _differ(stated: Platform | None, own: Platform) -> bool:
    """Whether an index and a config contradict each other; what one leaves out it leaves open."""
    if stated is None or not own.os or not own.architecture:
        return False
    one, other = stated.normalised(), own.normalised()
    variants = bool(one.variant and other.variant) and one.variant != other.variant
    return (one.os, one.architecture) != (other.os, other.architecture) or variants


def _described(descriptor: Descriptor | None) -> dict[str, Any]:
    """The fields that all nodes have in common."""
    if descriptor is None:  # no manifest, as in what docker save wrote before 25
        return {**dict.fromkeys(("digest", "media_type", "size", "platform")), "annotations": {}}
    return {
        "digest": descriptor.digest,
        "media_type": descriptor.media_type or None,
        "size": descriptor.size,
        "platform": descriptor.platform,
        "annotations": descriptor.annotations,
    }
