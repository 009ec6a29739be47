"""Image manifests and indexes, Docker's and OCI's (image-spec manifest.md, image-index.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from oci_layout import mediatype
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.mediatype import Family, Kind
from oci_layout.model import documenttypes, jsontext
from oci_layout.model.descriptor import DESCRIPTOR_FIELDS, Descriptor
from oci_layout.model.fields import Fields, canonical
from oci_layout.model.gotypes import At, Misread
from oci_layout.model.jsonedit import Edits
from oci_layout.model.schema1 import Schema1
from oci_layout.where import Where

_MANIFEST_FIELDS = frozenset(
    {"schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"}
)
_ARTIFACT_FIELDS = frozenset({"mediaType", "artifactType", "blobs", "subject", "annotations"})
_INDEX_FIELDS = frozenset(
    {"schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"}
)
# What early registries called a config (moby distribution/pull_v2.go, defaultImageTypes).
_OLD_CONFIGS = ("", "application/octet-stream", "application/json", "text/html")
_ANY_FIELDS = _MANIFEST_FIELDS | _ARTIFACT_FIELDS | _INDEX_FIELDS | {"fsLayers"}
_LISTS = ("manifests", "layers", "blobs")
_FOREIGN = {  # fields that make a document another kind's as well (CVE-2021-41190)
    Kind.MANIFEST: ("manifests", "fsLayers"),
    Kind.INDEX: ("config", "layers", "fsLayers"),
}


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Manifest:
    """One image of one platform, or an artifact.

    Args:
        raw: the document as it was read.
        media_type: what it says it is, or what its descriptor says.
        config: descriptor of the config; None in some artifacts.
        layers: descriptors of the layers, base first.
        subject: what this manifest refers to, or None.
        artifact_type: type of an artifact, or empty.
        annotations: free text by key.
        misread: values of wrong types; the fields above have them repaired.
        refused: values of wrong types that nobody can repair; the fields above go without.
        unusable: how many layers are listed without a digest; ``layers`` goes without.
        typed: whether it says itself what it is.
    """

    raw: bytes = attrs.field(repr=False)
    media_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    misread: tuple[Misread, ...] = ()
    refused: tuple[Misread, ...] = ()
    unusable: int = 0
    typed: bool = True

    @property
    def family(self) -> Family:
        """Whose vocabulary the document itself speaks."""
        return Family.DOCKER if self.media_type == mediatype.DOCKER_MANIFEST else Family.OCI

    @property
    def vocabularies(self) -> Mapping[str, frozenset[Family | None]]:
        """Whose words name the manifest, the config and the layers; None for words of neither."""
        config = self.config.media_type if self.config is not None else ""
        return {
            "manifest": frozenset({self.family}),
            "config": frozenset({mediatype.document_kind(config)[1]}),
            "layers": frozenset(
                mediatype.document_kind(layer.media_type)[1] for layer in self.layers
            ),
        }

    @property
    def layers_key(self) -> str:
        """The field that lists what ``layers`` holds."""
        return "blobs" if self.media_type == mediatype.OCI_ARTIFACT else "layers"

    @property
    def has_image_config(self) -> bool:
        """Whether its config is that of an image, by its media type (manifest.md)."""
        if self.config is None:
            return False
        return mediatype.document_kind(self.config.media_type)[0] is Kind.CONFIG

    @property
    def is_image(self) -> bool:
        """Whether it holds an image: an image's config, and nothing but layers of an image."""
        if self.config is None:
            return False
        kind, _ = mediatype.document_kind(self.config.media_type)
        # containerd takes a config without a type for an image's.
        others = _OLD_CONFIGS if self.family is Family.DOCKER else ("",)
        named = kind is Kind.CONFIG or (bool(self.layers) and self.config.media_type in others)
        return named and all(
            mediatype.LayerType.of(layer.media_type) is not None or not layer.media_type
            for layer in self.layers
        )


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Index:
    """A list of manifests and indexes: an image index, or Docker's manifest list.

    Args:
        raw: the document as it was read.
        media_type: what it says it is, or what its descriptor says.
        manifests: descriptors, in order.
        subject: what this index refers to, or None.
        artifact_type: type of an artifact, or empty.
        annotations: free text by key.
        fields: the JSON object, so that unknown fields are not lost; known ones stand under
            their canonical names.
        misread: values of wrong types; the fields above have them repaired.
        refused: values of wrong types that nobody can repair; the fields above go without.
        unusable: how many entries are listed without a digest; ``manifests`` goes without.
    """

    raw: bytes = attrs.field(repr=False)
    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    fields: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)
    misread: tuple[Misread, ...] = ()
    refused: tuple[Misread, ...] = ()
    unusable: int = 0

    @property
    def family(self) -> Family:
        """Whose vocabulary the document itself speaks."""
        return Family.DOCKER if self.media_type == mediatype.DOCKER_LIST else Family.OCI


def kind_by_fields(value: Mapping[str, Any]) -> Kind:
    """What a JSON object is, by the fields that only one kind has, spelled in any case."""
    value = canonical(dict(value), _ANY_FIELDS)
    if "fsLayers" in value or value.get("schemaVersion") == 1:
        return Kind.SCHEMA1
    if "manifests" in value:
        return Kind.INDEX
    if "config" in value and "layers" in value:
        return Kind.MANIFEST
    return Kind.OTHER


def read_document(
    raw: bytes,
    where: Where,
    findings: Findings,
    *,
    media_type: str = "",
    default: Kind = Kind.MANIFEST,
) -> Manifest | Index | Schema1 | None:
    """Read a manifest or an index; None when it is neither (reported).

    Args:
        raw: the document.
        where: its place, for findings.
        findings: told of all that does not hold.
        media_type: what its descriptor says it is; empty when there is none.
        default: what it is taken for when it does not say itself.
    """
    value = jsontext.parse(raw, where, findings)
    if value is None:
        return None
    if not isinstance(value, dict):
        findings.error("wrong-type", "expected an object", where)
        return None
    stated = canonical(value, _ANY_FIELDS).get("mediaType")
    kind, _ = mediatype.document_kind(media_type or (stated if isinstance(stated, str) else ""))
    if kind not in (Kind.MANIFEST, Kind.INDEX, Kind.SCHEMA1):
        by_fields = kind_by_fields(value)
        kind = default if by_fields is Kind.OTHER else by_fields
    if kind is Kind.SCHEMA1:
        return Schema1.from_bytes(raw, where, findings)
    artifact = kind is Kind.MANIFEST and (media_type or stated) == mediatype.OCI_ARTIFACT
    struct = (
        documenttypes.INDEX
        if kind is Kind.INDEX
        else documenttypes.ARTIFACT
        if artifact
        else documenttypes.MANIFEST
    )
    every = tuple(struct.misread(value, At()))
    misread = tuple(filter(documenttypes.repairable, every))
    refused = tuple(each for each in every if not documenttypes.repairable(each))
    value = _with_types(raw, value, misread, where, findings)
    document: Manifest | Index | None
    if kind is Kind.INDEX:
        document = _index(raw, value, where, findings, media_type)
    elif artifact:
        document = _artifact(raw, value, where, findings)
    else:
        document = _manifest(raw, value, where, findings, media_type)
    if document is None or not every:
        return document
    return attrs.evolve(document, misread=misread, refused=refused)


def _with_types(
    raw: bytes,
    value: dict[str, Any],
    misread: tuple[Misread, ...],
    where: Where,
    findings: Findings,
) -> dict[str, Any]:
    """A document without the wrong types beside what leads to blobs; each is reported."""
    if not misread:
        return value
    for each in misread:
        findings.error(
            "mistyped-field",
            f"expected {each.expected}: containerd, podman and skopeo refuse it",
            where.at(each.place),
            "--repair rewrites it",
        )
    edits = Edits(raw)
    set_types(edits, misread)
    repaired = jsontext.parse(edits.apply(), where, Findings())
    return repaired if isinstance(repaired, dict) else value


def set_types(edits: Edits, misread: Iterable[Misread]) -> None:
    """Write values in the types that belong there, and take out what has none.

    Args:
        edits: of the document.
        misread: of the same.
    """
    for each in misread:
        if each.repaired is None:
            edits.remove(each.path)
        else:
            edits.set(each.path, each.repaired)


def names_no_config(raw: bytes) -> bool:
    """Whether a manifest has no config, or one without a digest: skopeo copies it all the same.

    Args:
        raw: the document, which could not be read.
    """
    value = jsontext.parse(raw, Where(), Findings())
    if not isinstance(value, dict):
        return False
    config = canonical(value, _ANY_FIELDS).get("config")
    if not isinstance(config, dict):
        return config is None
    return canonical(config, DESCRIPTOR_FIELDS).get("digest") in (None, "")


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Links:
    """What a document of any kind leads to.

    Args:
        below: digests of all that it lists, and of its config.
        subject: digest of what it refers to, or None.
        media_type: what it says it is, or empty.
        blobs: whether all of ``below`` are blobs to it, whatever they hold: it is no index.
    """

    below: tuple[Digest, ...]
    subject: Digest | None
    media_type: str
    blobs: bool = False


def read_links(raw: bytes, where: Where, findings: Findings) -> Links | None:
    """What a manifest or index leads to; None when it is no JSON object (reported).

    Args:
        raw: the document.
        where: its place, for findings.
        findings: told of what is no digest.
    """
    value = jsontext.parse(raw, where, findings)
    if not isinstance(value, dict):
        return None
    fields = Fields(value, where, findings, _ANY_FIELDS)
    below = [each for key in _LISTS for _, each in fields.objects(key, DESCRIPTOR_FIELDS)]
    config = fields.object("config", DESCRIPTOR_FIELDS)
    digests = [each.digest("digest") for each in [*below, *([config] if config else [])]]
    subject = fields.object("subject", DESCRIPTOR_FIELDS)
    return Links(
        below=tuple(digest for digest in digests if digest is not None),
        subject=subject.digest("digest") if subject is not None else None,
        media_type=fields.text("mediaType") or "",
        blobs="manifests" not in fields.value,
    )


def _header(fields: Fields, kind: Kind, media_type: str) -> str:
    """Check what manifests and indexes share; the media type that counts."""
    version = fields.integer("schemaVersion", required=True)
    if version is not None and version != 2:
        fields.findings.error(
            "schema-version", f"is {version}, not 2", fields.path("schemaVersion")
        )
    every = canonical(fields.value, _ANY_FIELDS)
    for name in _FOREIGN[kind]:
        if every.get(name) is not None:
            fields.findings.error(
                "two-kinds",
                f"{'an' if kind is Kind.INDEX else 'a'} {kind} that also has {name!r}: readers "
                "would see different images",
                fields.where,
            )
    stated = fields.text("mediaType") or ""
    stated_kind, _ = mediatype.document_kind(stated)
    if stated and not media_type and stated_kind is not kind:
        fields.findings.error(
            "media-type-mismatch", f"says {stated!r}, and is a {kind}", fields.path("mediaType")
        )
    if stated and media_type and stated != media_type:
        report = fields.findings.warning if stated_kind is kind else fields.findings.error
        report(
            "media-type-mismatch",
            f"says {stated!r}, its descriptor {media_type!r}",
            fields.path("mediaType"),
        )
    default = mediatype.document_type(kind, Family.OCI)
    return stated or media_type or default


def _descriptors(
    fields: Fields, key: str, findings: Findings, *, entries: bool = False
) -> tuple[Descriptor, ...]:
    if key in fields.value and fields.raw(key) is None:
        findings.warning("null-list", "is null, where a list belongs", fields.path(key))
        return ()
    read = (
        Descriptor.from_fields(inner, entry=entries)
        for _, inner in fields.objects(key, DESCRIPTOR_FIELDS, required=True)
    )
    return tuple(descriptor for descriptor in read if descriptor is not None)


def _unusable(fields: Fields, key: str, read: tuple[Descriptor, ...]) -> int:
    """How many descriptors of a list are none."""
    listed = fields.raw(key)
    return len(listed) - len(read) if isinstance(listed, list) else 0


def _subject(fields: Fields) -> Descriptor | None:
    inner = fields.object("subject", DESCRIPTOR_FIELDS)
    return None if inner is None else Descriptor.from_fields(inner)


def _manifest(
    raw: bytes, value: dict[str, Any], where: Where, findings: Findings, media_type: str
) -> Manifest | None:
    fields = Fields(value, where, findings, _MANIFEST_FIELDS)
    stated = _header(fields, Kind.MANIFEST, media_type)
    artifact_type = fields.text("artifactType") or ""
    if artifact_type and "config" not in fields.value:
        # manifest.md requires one; tools that made artifacts before it did leave it out.
        findings.warning("missing-config", "an artifact without config", fields.path("config"))
    inner = fields.object("config", DESCRIPTOR_FIELDS, required=not artifact_type)
    config = None if inner is None else Descriptor.from_fields(inner)
    layers = _descriptors(fields, "layers", findings)
    if config is None and not artifact_type:
        return None
    return Manifest(
        raw=raw,
        media_type=stated,
        config=config,
        layers=layers,
        unusable=_unusable(fields, "layers", layers),
        typed=bool(fields.raw("mediaType")),
        subject=_subject(fields),
        artifact_type=artifact_type,
        annotations=fields.mapping("annotations"),
    )


def _artifact(raw: bytes, value: dict[str, Any], where: Where, findings: Findings) -> Manifest:
    """The artifact manifest of image-spec 1.1.0-rc3, artifact.md: blobs, and no config."""
    fields = Fields(value, where, findings, _ARTIFACT_FIELDS)
    stated = fields.text("mediaType")
    if stated != mediatype.OCI_ARTIFACT:
        findings.error(
            "media-type-mismatch",
            f"says {stated!r}, its descriptor {mediatype.OCI_ARTIFACT!r}",
            fields.path("mediaType"),
        )
    blobs = _descriptors(fields, "blobs", findings) if "blobs" in fields.value else ()
    return Manifest(
        raw=raw,
        media_type=mediatype.OCI_ARTIFACT,
        config=None,
        layers=blobs,
        subject=_subject(fields),
        artifact_type=fields.text("artifactType") or "",
        annotations=fields.mapping("annotations"),
    )


def _index(
    raw: bytes, value: dict[str, Any], where: Where, findings: Findings, media_type: str
) -> Index:
    fields = Fields(value, where, findings, _INDEX_FIELDS)
    manifests = _descriptors(
        fields, "manifests", findings, entries=True
    )  # first: what matters most
    stated = _header(fields, Kind.INDEX, media_type)
    return Index(
        raw=raw,
        media_type=stated,
        manifests=manifests,
        unusable=_unusable(fields, "manifests", manifests),
        subject=_subject(fields),
        artifact_type=fields.text("artifactType") or "",
        annotations=fields.mapping("annotations"),
        fields=fields.value,
    )
