"""Manifests of before a conversion, which travel as referrers of what the images have become.

An artifact manifest (image-spec manifest.md, "Guidelines for Artifact Usage") of our own type: its
``subject`` is the manifest as it is now; its first layer is the manifest as it was, byte for byte;
the others are the indexes that led to that, without order. A signature of one of these digests
thereby proves the config, and with it every diff_id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Layer, Node, Root
from oci_layout.graph.walk import every
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.layout import ORIGINAL_ARTIFACT
from oci_layout.model.manifest import Index, Manifest, read_document
from oci_layout.streams.member import Member
from oci_layout.where import Where


class BadOriginalError(ValueError):
    """What should hold an original manifest holds none that can be read."""


@attrs.frozen(kw_only=True, eq=False)
class Original:
    """The manifest that an image had.

    Args:
        digest: its own.
        manifest: as it was.
        indexes: that led to it, by digest.
    """

    digest: Digest
    manifest: Manifest
    indexes: Mapping[Digest, bytes]

    @property
    def documents(self) -> dict[Digest, bytes]:
        """The bytes of all of it, the manifest first."""
        return {self.digest: self.manifest.raw, **self.indexes}


def is_original(node: Node) -> bool:
    """Whether a node is an artifact that holds an original manifest."""
    return isinstance(node, Artifact) and node.manifest.artifact_type == ORIGINAL_ARTIFACT


class OriginalReader:
    """Reads originals, each document of them once: an index may have led to many images."""

    def __init__(self) -> None:
        self._manifests: dict[Digest, Manifest] = {}
        self._indexes: dict[Digest, tuple[bytes, frozenset[Digest]]] = {}
        self._size = 0

    def read(self, artifact: Artifact) -> Original:
        """The original in an artifact.

        Args:
            artifact: of our type.

        Raises:
            BadOriginalError: it holds none, or one that cannot be read, or whose bytes were
                changed.
        """
        listed = artifact.blobs[0 if artifact.manifest.config is None else 1 :]
        if not listed or len(listed) > 1 + limits.ORIGINAL_INDEXES:
            raise BadOriginalError(f"lists {plural(len(listed), 'document')}")
        for descriptor, member in listed:
            self._document(descriptor, member)
        first, *rest = [descriptor.digest for descriptor, _ in listed]
        if first not in self._manifests:
            raise BadOriginalError(f"{first} is no manifest")
        leading = self._leading(first, rest)
        if len(leading) < len(set(rest)):
            raise BadOriginalError(f"an index in it does not lead to {first}")
        indexes = {digest: self._indexes[digest][0] for digest in leading}
        return Original(digest=first, manifest=self._manifests[first], indexes=indexes)

    def _document(self, descriptor: Descriptor, member: Member | None) -> None:
        """Read one document, unless it is known."""
        digest = descriptor.digest
        if digest in self._manifests or digest in self._indexes:
            return
        if member is None:
            raise BadOriginalError(f"{digest} is not there")
        self._size += member.size
        if member.size > limits.DOCUMENT_BYTES or self._size > limits.ORIGINALS_BYTES:
            raise BadOriginalError(f"{digest} is too large, by itself or with others")
        try:
            raw = member.read(limits.DOCUMENT_BYTES)
        except DamagedError as error:
            raise BadOriginalError(error.what) from error
        if Digest.of(raw, digest.algorithm) != digest:
            raise BadOriginalError(f"{digest} was changed: it has another digest")
        where, findings = Where(member=member.name), Findings()
        document = read_document(raw, where, findings, media_type=descriptor.media_type)
        if findings.errors or not isinstance(document, Manifest | Index):
            raise BadOriginalError(f"{digest} is no manifest or index that can be read")
        if isinstance(document, Manifest):
            self._manifests[digest] = document
        else:
            self._indexes[digest] = raw, frozenset(each.digest for each in document.manifests)

    def _leading(self, first: Digest, rest: Sequence[Digest]) -> list[Digest]:
        """The indexes that list a manifest, or an index that does; in their order."""
        reached = {first}
        todo = [first]
        while todo:
            below = todo.pop()
            for digest in rest:
                listed = self._indexes[digest][1] if digest in self._indexes else ()
                if below in listed and digest not in reached:
                    reached.add(digest)
                    todo.append(digest)
        return [digest for digest in dict.fromkeys(rest) if digest in reached]


def mismatch(original: Original, image: Image) -> str:
    """Why an original is not one of an image; empty where it is.

    With the same config the diff_ids are the same; a layer that has none is compared by digest.

    Args:
        original: as read.
        image: that it stands with.
    """
    config, layers = original.manifest.config, original.manifest.layers
    if config is None or not original.manifest.is_image:
        return f"{original.digest} is no manifest of an image"
    if config.digest != image.config.digest:
        return f"{original.digest} has the config {config.digest}, the image {image.config.digest}"
    diff_ids = image.config.diff_ids
    if image.made_from or diff_ids is None:
        return "the image's config states no diff_ids"
    if not len(layers) == len(image.layers) == len(diff_ids):
        return (
            f"{original.digest} lists {plural(len(layers), 'layer')}, the image has "
            f"{plural(len(image.layers), 'layer')} and {plural(len(diff_ids), 'diff_id')}"
        )
    for number, (old, new) in enumerate(zip(layers, image.layers, strict=True)):
        if new.opaque and old.digest != new.digest:
            return f"layer {number} is no tar, and {original.digest} lists another one"
    return ""


def other_bytes(original: Original, image: Image) -> list[Layer]:
    """The layers of an image whose blobs an original does not list.

    That they are the same layers, only their diff_ids say.

    Args:
        original: of this very image.
        image: as it is.
    """
    pairs = zip(original.manifest.layers, image.layers, strict=True)
    return [new for old, new in pairs if old.digest != new.digest]


def leading_to(roots: Iterable[Root]) -> dict[Digest, dict[Digest, ImageIndex]]:
    """The indexes of some roots by what they list: parents by the digests of their children.

    Args:
        roots: of one source, or of several.
    """
    parents: dict[Digest, dict[Digest, ImageIndex]] = {}
    for _, node in every(roots):
        if isinstance(node, ImageIndex) and not node.joined:
            for child in node.children:
                if child.descriptor is not None:
                    above = parents.setdefault(child.descriptor.digest, {})
                    above.setdefault(node.descriptor.digest, node)
    return parents


def indexes_above(
    digest: Digest, parents: Mapping[Digest, Mapping[Digest, ImageIndex]]
) -> dict[Digest, ImageIndex]:
    """The indexes that lead to a manifest, nearest first, as many as are kept with it.

    Args:
        digest: of the manifest.
        parents: as ``leading_to`` has them.
    """
    found: dict[Digest, ImageIndex] = {}
    todo = [digest]
    for each in todo:
        for above, index in parents.get(each, {}).items():
            if above not in found and len(found) < limits.ORIGINAL_INDEXES:
                found[above] = index
                todo.append(above)
    return found
