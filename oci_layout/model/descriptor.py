"""Descriptors: media type, digest, size, and what else one may carry (image-spec descriptor.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.model.fields import EMPTY, Fields, canonical
from oci_layout.platform import Platform
from oci_layout.pythons import base64_bytes

DESCRIPTOR_FIELDS = frozenset(
    {"mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"}
)
_PLATFORM_FIELDS = frozenset(
    {"architecture", "os", "os.version", "os.features", "variant", "features"}
)


@attrs.frozen(kw_only=True)
class Descriptor:
    """Points at a blob.

    Args:
        media_type: what the blob is said to be; empty when the document says nothing.
        digest: of the stored bytes.
        size: of the stored bytes; 0 where nothing that is a size is stated (reported).
        sized: whether it is stated.
        urls: where else the blob is (foreign layers).
        annotations: free text by key.
        platform: what the image runs on; None when the document says nothing.
        artifact_type: type of an artifact, or empty.
        embedded: whether it carries the blob itself, as ``data``.
        data: the blob, where it does; None where that is another than its digest says.
        source: for an entry of an index, the JSON object it was read from, so that unknown fields
            are not lost; known ones stand under their canonical names.
    """

    media_type: str
    digest: Digest
    size: int
    sized: bool = attrs.field(default=True, eq=False, repr=False)
    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = EMPTY
    platform: Platform | None = None
    artifact_type: str = ""
    embedded: bool = attrs.field(default=False, eq=False)
    data: bytes | None = attrs.field(default=None, eq=False, repr=False)
    source: Mapping[str, Any] = attrs.field(default=EMPTY, repr=False, eq=False)

    @property
    def stated_size(self) -> int | None:
        """Bytes that are to be there; None where nothing is stated."""
        return self.size if self.sized else None

    @classmethod
    def from_fields(cls, fields: Fields, *, entry: bool = False) -> Descriptor | None:
        """Read one; None when it has no usable digest (reported, as is a size that is none).

        Args:
            fields: the object.
            entry: keep it for who writes it again. Layers are many, and are written by their
                fields in the document that lists them.
        """
        media_type = fields.text("mediaType") or ""
        digest = fields.digest("digest", required=True)
        size = fields.integer("size", required=True)
        urls = fields.texts("urls")
        annotations = fields.mapping("annotations")
        platform = read_platform(fields)
        artifact_type = fields.text("artifactType") or ""
        data = fields.text("data")
        source: Mapping[str, Any] = fields.value if entry else EMPTY
        inner = fields.raw("platform")
        if entry and isinstance(inner, dict):
            known = canonical(inner, _PLATFORM_FIELDS)
            source = source if known is inner else {**source, "platform": known}
        if digest is None:
            return None
        if not media_type:
            fields.findings.warning(
                "missing-media-type", "a descriptor without mediaType", fields.path("mediaType")
            )
        carried = _read_data(fields, data, digest, size or 0) if data is not None else None
        return cls(
            media_type=media_type,
            digest=digest,
            size=size or 0,  # as Go has it; few compare it
            sized=size is not None,
            urls=urls,
            annotations=annotations,
            platform=platform,
            artifact_type=artifact_type,
            embedded="data" in fields.value,
            data=carried,
            source=source,
        )


def _read_data(fields: Fields, text: str, digest: Digest, size: int) -> bytes | None:
    """An embedded copy must be the blob (descriptor.md, "data"): some readers use it instead."""
    try:
        data = base64_bytes(text)
    except ValueError:
        fields.findings.error("bad-data", "is not base64", fields.path("data"))
        return None
    if len(data) != size or Digest.of(data, digest.algorithm) != digest:
        fields.findings.error(
            "bad-data",
            f"the embedded data ({plural(len(data), 'byte')}) is not the blob {digest} "
            f"({plural(size, 'byte')})",
            fields.path("data"),
        )
        return None
    return data


def read_platform(fields: Fields) -> Platform | None:
    """The ``platform`` of a descriptor."""
    inner = fields.object("platform", _PLATFORM_FIELDS)
    if inner is None:
        return None
    for name in ("os", "architecture"):
        if inner.raw(name) is None:
            inner.findings.warning("missing-field", "is required", inner.path(name))
    return platform_of(inner)


def platform_of(fields: Fields) -> Platform:
    """The platform that an object's own fields describe (a descriptor's, or a config)."""
    return Platform(
        os=fields.text("os") or "",
        architecture=fields.text("architecture") or "",
        variant=fields.text("variant") or "",
        os_version=fields.text("os.version") or "",
        os_features=fields.texts("os.features"),
    )


def platform_json(platform: Platform) -> dict[str, Any]:
    """A platform as image-index.md writes it."""
    value: dict[str, Any] = {"architecture": platform.architecture, "os": platform.os}
    if platform.os_version:
        value["os.version"] = platform.os_version
    if platform.os_features:
        value["os.features"] = list(platform.os_features)
    if platform.variant:
        value["variant"] = platform.variant
    return value
