"""Manifests whose config is not there: no images, yet something can be told of them."""

from __future__ import annotations

from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Layer
from oci_layout.model.manifest import Manifest, read_document
from oci_layout.source.opening import Source
from oci_layout.source.reading import read_bounded
from oci_layout.where import Where


class Manifests:
    """The manifests of a source, each read once.

    Args:
        source: opened.
    """

    def __init__(self, source: Source) -> None:
        self._blobs = source.contents.blobs
        self._read: dict[tuple[Digest, str], Manifest | None] = {}

    def of(self, node: Absent) -> Manifest | None:
        """The manifest itself; None when it is not there either, or is no image's."""
        if node.unreadable:
            return None
        key = node.descriptor.digest, node.descriptor.media_type
        if key not in self._read:
            self._read[key] = self._manifest(*key)
        return self._read[key]

    def _manifest(self, digest: Digest, media_type: str) -> Manifest | None:
        member = self._blobs.find(digest) if self._blobs is not None else None
        raw = read_bounded(member, Findings()) if member is not None else None
        if raw is None:
            return None
        document = read_document(raw, Where(), Findings(), media_type=media_type)
        return document if isinstance(document, Manifest) and document.is_image else None

    def layers(self, manifest: Manifest) -> list[Layer]:
        """Its layers, each with its bytes where they are there."""
        return [
            Layer(
                member=self._blobs.find(layer.digest) if self._blobs is not None else None,
                size=layer.size,
                digest=layer.digest,
                descriptor=layer,
            )
            for layer in manifest.layers
        ]

    def missing(self, node: Absent) -> list[Digest]:
        """What would have to be there for it to be an image: the config, and layers."""
        manifest = self.of(node)
        absent = [] if node.unreadable else list(node.missing)
        for layer in self.layers(manifest) if manifest is not None else ():
            if layer.member is None and layer.digest is not None and not layer.foreign:
                absent.append(layer.digest)
        return absent

    def has(self, digest: Digest) -> bool:
        """Whether a blob is there."""
        return self._blobs is not None and self._blobs.find(digest) is not None
