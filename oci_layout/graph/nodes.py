"""The image graph: what a source holds, whichever way it was packed.

Nodes, roots and layers are compared by identity, so each can be a key: entries of one digest are
two nodes. What they hold, a tuple of layers or blobs, is shared where the document is the same.
"""

from __future__ import annotations

import attrs

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.mediatype import LayerType
from oci_layout.model.config import Config
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.layout import ATTESTATION_TYPE
from oci_layout.model.manifest import Index, Manifest
from oci_layout.model.schema1 import Schema1
from oci_layout.platform import Platform
from oci_layout.reference import ImageName
from oci_layout.streams.member import Member
from oci_layout.where import Where


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Layer:
    """One layer of an image.

    Args:
        member: its bytes; None when they are not there.
        size: stored bytes, as stated, or as they are where nothing states it.
        digest: of the stored bytes, as stated; None where nothing states it (docker save).
        diff_id: of the tar inside, as the config states it; None where the config does not.
        descriptor: from the manifest; None where there is none (docker save).
        file: what ``manifest.json`` calls it; empty where a manifest lists it.
        substitute: where its bytes are not there, a layer of the same diff_id whose bytes are,
            packed in whatever way.
        elsewhere: whether it is not there, and whoever reads the result is said to have it.
        discarded: whether it is not there since its engine unpacked it and let go of it.
        stated: what the manifest says, where an engine has unpacked the blob and its tar alone is
            left: everything else here is of that tar. None everywhere else.
        pulled_as: blobs of registries that an engine has pulled or pushed it as, by repository and
            digest; for people to know.
    """

    member: Member | None
    size: int
    digest: Digest | None = None
    diff_id: Digest | None = None
    descriptor: Descriptor | None = None
    file: str = ""
    substitute: Layer | None = None
    elsewhere: bool = False
    discarded: bool = False
    stated: Descriptor | None = None
    pulled_as: tuple[str, ...] = ()

    @property
    def lacking(self) -> bool:
        """Whether it would have to be there and is not."""
        return self.there is None and not self.foreign and not self.elsewhere

    @property
    def there(self) -> Layer | None:
        """The layer whose bytes are there: itself, or its substitute; None without either."""
        return self if self.member is not None else self.substitute

    @property
    def called(self) -> str:
        """What to call it where it is missing: its digest, or a file's name."""
        return str(self.digest or self.file or self.diff_id or "a layer")

    @property
    def foreign(self) -> bool:
        """Whether it may be fetched elsewhere by its nature (image-spec layer.md, "urls")."""
        return self.descriptor is not None and bool(self.descriptor.urls)

    @property
    def type(self) -> LayerType | None:
        """The media type that the manifest gives it."""
        return LayerType.of(self.descriptor.media_type) if self.descriptor else None

    @property
    def opaque(self) -> bool:
        """Whether its bytes are no tar, by its media type: it is encrypted, or nobody's layer."""
        if self.descriptor is None or not self.descriptor.media_type:
            return False
        return self.type is None or self.type.encrypted


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Image:
    """One image of one platform.

    Args:
        config: what its config says.
        config_member: the config's bytes.
        layers: base first.
        manifest: the manifest as read; None where there is none (docker save).
        descriptor: what pointed at the manifest, or None.
        made_from: the older format that its config was made from; empty when it has its own.
        schema1: its schema 1 manifest, where it has one.
        pulled_as: manifests of registries that an engine knows it by, by repository and digest;
            for people to know.
    """

    config: Config
    config_member: Member
    layers: tuple[Layer, ...]
    manifest: Manifest | None = None
    descriptor: Descriptor | None = None
    made_from: str = ""
    schema1: Schema1 | None = None
    pulled_as: tuple[str, ...] = ()

    def raw_config(self) -> bytes:
        """The bytes of the config, which are those that were judged.

        Raises:
            DamagedError: the file was changed meanwhile.
        """
        raw = self.config_member.read(limits.DOCUMENT_BYTES)
        if Digest.of(raw, self.config.digest.algorithm) != self.config.digest:
            raise DamagedError(
                what="has changed while it was read",
                where=Where(member=self.config_member.name),
                hint="try again when nobody writes to the source",
                code="digest-mismatch",
            )
        return raw

    @property
    def complete(self) -> bool:
        """Whether every layer is there, or may be fetched elsewhere by its nature."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """What to call the layers that would have to be there and are not."""
        return tuple(layer.called for layer in self.layers if layer.lacking)

    @property
    def platform(self) -> Platform:
        """The platform its config states, or else its descriptor."""
        stated = self.config.platform
        if not stated.os and not stated.architecture and self.descriptor is not None:
            return self.descriptor.platform or stated
        return stated


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Artifact:
    """A manifest that holds no image: attestation, signature, Helm chart, anything.

    Args:
        manifest: as read.
        descriptor: what pointed at it.
        blobs: config and layers, each with its bytes or None.
    """

    manifest: Manifest
    descriptor: Descriptor
    blobs: tuple[tuple[Descriptor, Member | None], ...]

    @property
    def missing(self) -> tuple[Digest, ...]:
        """Digests of blobs that are not there."""
        return tuple(
            descriptor.digest
            for descriptor, member in self.blobs
            if member is None and not descriptor.urls
        )

    @property
    def is_attestation(self) -> bool:
        """Whether BuildKit attached it to an image of the same index."""
        return ATTESTATION_TYPE in self.descriptor.annotations


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class ImageIndex:
    """A list of platforms, and whatever else stands beside them.

    Args:
        index: as read.
        descriptor: what pointed at it.
        children: in order.
        joined: whether no source has it: its children come from several, the document and the
            descriptor stand for one that is yet to be made, and tell one such index from another.
    """

    index: Index
    descriptor: Descriptor
    children: tuple[Node, ...]
    joined: bool = False


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Opaque:
    """A blob of a type that is nobody's manifest."""

    descriptor: Descriptor
    member: Member


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Absent:
    """A manifest or index that is referred to and not there, or whose config is not.

    Args:
        descriptor: what points at it.
        missing: digests that would have to be there to know what it is.
        unreadable: whether they are there, and are no documents (which has been reported).
        parts: what of it is there all the same: the manifest, layers.
        damaged: whether its bytes are others than its digest says.
        configless: whether it is a manifest without a config, or whose config has no digest.
    """

    descriptor: Descriptor
    missing: tuple[Digest, ...]
    unreadable: bool = False
    parts: tuple[tuple[Descriptor, Member], ...] = ()
    damaged: bool = False
    configless: bool = False


Node = Image | Artifact | ImageIndex | Opaque | Absent


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Root:
    """What one or more names stand for.

    Args:
        node: the image, index or artifact.
        names: in the order they were found; empty when it has none.
        docker: config digests that ``manifest.json`` names under each of the names.
        descriptor: the entry of ``index.json``, with annotations to keep; None without one.
        listed: whether ``index.json`` has an entry for it; a referrer may lie among the blobs.
        subject: what it is attached to by its place alone (cosign's ``kind``), or None.
        origin: what to call the source it came from, where there are several.
    """

    node: Node
    names: tuple[ImageName, ...] = ()
    docker: tuple[tuple[str, Digest], ...] = ()
    descriptor: Descriptor | None = None
    listed: bool = True
    subject: Digest | None = None
    origin: str = ""

    @property
    def label(self) -> str:
        """What to call it: its first name, or a digest, of its manifest where it has one.

        Several images may have one image ID, each packed in another way.
        """
        if self.names:
            return str(self.names[0])
        node = self.node
        if isinstance(node, Image):
            document = node.config if node.descriptor is None else node.descriptor
            return str(document.digest)
        return str(node.descriptor.digest)
