"""Media types of Docker and OCI, and the way between them.

The table is that of image-spec ``media-types.md``, "Compatibility Matrix", and of Docker's
``image-manifest-v2-2.md``; the zstd form of Docker is unofficial but read by engines of today.
"""

from __future__ import annotations

import functools
import re

import attrs

from oci_layout.pythons import StrEnum


class Compression(StrEnum):
    """How bytes are packed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"


class Family(StrEnum):
    """Whose vocabulary a document speaks."""

    DOCKER = "docker"
    OCI = "oci"


class Kind(StrEnum):
    """What a blob is, by its media type."""

    MANIFEST = "manifest"
    INDEX = "index"
    CONFIG = "config"
    LAYER = "layer"
    SCHEMA1 = "schema1"
    OTHER = "other"


DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
# Of image-spec 1.1.0-rc1 to rc3 (artifact.md); notation and oras wrote it, and it is still about.
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

_DOCUMENTS: dict[str, tuple[Kind, Family]] = {
    DOCKER_MANIFEST: (Kind.MANIFEST, Family.DOCKER),
    DOCKER_LIST: (Kind.INDEX, Family.DOCKER),
    DOCKER_CONFIG: (Kind.CONFIG, Family.DOCKER),
    OCI_MANIFEST: (Kind.MANIFEST, Family.OCI),
    OCI_INDEX: (Kind.INDEX, Family.OCI),
    OCI_CONFIG: (Kind.CONFIG, Family.OCI),
    OCI_ARTIFACT: (Kind.MANIFEST, Family.OCI),
    SCHEMA1: (Kind.SCHEMA1, Family.DOCKER),
    SCHEMA1_SIGNED: (Kind.SCHEMA1, Family.DOCKER),
}
_OF: dict[tuple[Kind, Family], str] = {key: name for name, key in reversed(_DOCUMENTS.items())}

_LAYER_BASES: dict[str, tuple[Family, bool]] = {
    "application/vnd.docker.image.rootfs.diff.tar": (Family.DOCKER, False),
    "application/vnd.docker.image.rootfs.foreign.diff.tar": (Family.DOCKER, True),
    "application/vnd.oci.image.layer.v1.tar": (Family.OCI, False),
    "application/vnd.oci.image.layer.nondistributable.v1.tar": (Family.OCI, True),
}
_DOCKER_LAYERS = frozenset(
    base + suffix
    for base, (family, _) in _LAYER_BASES.items()
    for suffix in ("", ".gzip", ".zstd")
    if family is Family.DOCKER
)
_BASE_OF = {key: base for base, key in _LAYER_BASES.items()}
_SUFFIX = {"": Compression.NONE, "gzip": Compression.GZIP, "zstd": Compression.ZSTD}
_SUFFIX_OF = {compression: suffix for suffix, compression in _SUFFIX.items()}
_ENCRYPTED = "+encrypted"
# What the layers of images were called before the specs were, or are called by mistake.
_OTHER_BASES: dict[str, tuple[Family, bool]] = {
    "application/vnd.oci.image.layer.tar": (Family.OCI, False),
    "application/vnd.oci.image.serialization.rootfs.tar": (Family.OCI, False),
    "application/vnd.docker.image.rootfs.diff": (Family.DOCKER, False),
    "application/octet-stream": (Family.OCI, False),
}
_PACKED = re.compile(r"(.+?)(?:[.+](gzip|zstd|bzip2|xz)(?::chunked)?)?")


@attrs.frozen(kw_only=True)
class LayerType:
    """A layer's media type, taken apart.

    Args:
        family: whose vocabulary.
        compression: how the label says the tar is packed.
        foreign: a layer that may not be distributed (Docker: foreign).
        encrypted: an ocicrypt layer: its bytes are opaque.
    """

    family: Family
    compression: Compression
    foreign: bool = False
    encrypted: bool = False

    @classmethod
    @functools.lru_cache(maxsize=256)  # asked for every layer, and there are few kinds
    def parse(cls, media_type: str) -> LayerType | None:
        """Read a layer media type; None when it is not one of Docker's or OCI's."""
        text = media_type
        encrypted = text.endswith(_ENCRYPTED)
        if encrypted:
            text = text.removesuffix(_ENCRYPTED)
        for base, (family, foreign) in _LAYER_BASES.items():
            if text == base:
                suffix = ""
            elif text.startswith(base + ("." if family is Family.DOCKER else "+")):
                suffix = text[len(base) + 1 :]
                if not suffix:
                    return None
            else:
                continue
            if suffix not in _SUFFIX:
                return None
            return cls(
                family=family, compression=_SUFFIX[suffix], foreign=foreign, encrypted=encrypted
            )
        return None

    @classmethod
    @functools.lru_cache(maxsize=256)
    def of(cls, media_type: str) -> LayerType | None:
        """Read what an image calls one of its layers, in the specs' words or in other ones.

        None where that is no tar for all one knows.
        """
        exact = cls.parse(media_type)
        if exact is not None:
            return exact
        match = _PACKED.fullmatch(media_type.partition(";")[0].strip().lower())
        if match is None:
            return None
        known = _LAYER_BASES.get(match[1]) or _OTHER_BASES.get(match[1])
        if known is None:
            return None
        family, foreign = known
        packed = Compression(match[2] or "none")
        return cls(family=family, compression=packed, foreign=foreign)

    def render(self) -> str | None:
        """The media type's text; None where this family has none for it (bzip2, xz)."""
        suffix = _SUFFIX_OF.get(self.compression)
        if suffix is None or (self.family is Family.DOCKER and self.encrypted):
            return None
        if self.family is Family.DOCKER and self.foreign and suffix == "zstd":
            return None
        text = _BASE_OF[self.family, self.foreign]
        if suffix:
            text += ("." if self.family is Family.DOCKER else "+") + suffix
        return text + (_ENCRYPTED if self.encrypted else "")


def is_called_layer(media_type: str) -> bool:
    """Whether containerd takes a media type for a layer's (images/mediatypes.go, IsLayerType)."""
    base = media_type.partition("+")[0]
    return media_type.startswith("application/vnd.oci.image.layer.") or base in _DOCKER_LAYERS


def document_kind(media_type: str) -> tuple[Kind, Family | None]:
    """What a descriptor with this media type points at, and in whose vocabulary."""
    known = _DOCUMENTS.get(media_type)
    if known is not None:
        return known
    layer = LayerType.parse(media_type)
    return (Kind.LAYER, layer.family) if layer is not None else (Kind.OTHER, None)


def document_type(kind: Kind, family: Family) -> str:
    """The media type of a manifest, index or config in a family's vocabulary."""
    return _OF[kind, family]
