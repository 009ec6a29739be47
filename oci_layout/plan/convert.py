"""One image's documents in the vocabulary of the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from oci_layout import mediatype
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import TargetError
from oci_layout.graph.nodes import Image
from oci_layout.mediatype import Family, Kind, LayerType
from oci_layout.model import gojson
from oci_layout.model.config import Repair, foreign_fields
from oci_layout.model.gotypes import Misread
from oci_layout.model.jsonedit import Edits, Path
from oci_layout.model.manifest import Manifest, set_types
from oci_layout.plan.change import Change, ChangeKind
from oci_layout.plan.editing import Editing
from oci_layout.plan.options import Options
from oci_layout.plan.packed import Packed
from oci_layout.platform import Platform
from oci_layout.where import Where

# Annotations that describe the very bytes of a layer: eStargz, zstd:chunked, SOCI.
_BYTE_ANNOTATIONS = (
    "containerd.io/snapshot/stargz/",
    "io.containers.estargz.",
    "io.github.containers.zstd-chunked.",
)
_ROOTFS: Path = ("rootfs",)
_DOCKER_LACKS = ("annotations", "subject", "artifactType")


@attrs.frozen(kw_only=True)
class Converted:
    """An image's new documents, and what was done to them.

    Args:
        manifest: the bytes.
        config: the bytes; None to copy the config as it is.
        config_digest: the image ID.
        config_changes: why the image ID is another; empty when it is not.
        changes: what was dropped, repaired or converted.
        platform: that the image runs on.
    """

    manifest: bytes
    config: bytes | None
    config_digest: Digest
    config_changes: tuple[Change, ...]
    changes: tuple[Change, ...]
    platform: Platform


def convert(
    image: Image,
    layers: tuple[Packed, ...],
    config_raw: bytes,
    options: Options,
) -> Converted:
    """Make an image's documents for the target.

    Args:
        image: the image.
        layers: as they go out, base first.
        config_raw: the config's bytes.
        options: the target, and how its config is to be treated.
    """
    family = image.manifest.family if image.manifest is not None else None
    target = options.target_of(family)
    config, reasons, platform = new_config(
        image,
        layers,
        config_raw,
        mode=options.request.config,
        overrule=options.request.repair,
        editing=options.editing,
    )
    digest, size = (
        (image.config.digest, len(config_raw))
        if config is None
        else (
            Digest.of(config, options.request.digest or image.config.digest.algorithm),
            len(config),
        )
    )
    if image.manifest is None:
        manifest = fresh_manifest(digest, size, layers, target)
        changes: tuple[Change, ...] = ()
    else:
        keeps = options.keeps_types
        manifest, changes = _edited(image.manifest, digest, size, layers, target, keeps=keeps)
        if keeps and options.request.preserve_digests:
            changes = (*changes, *_kept_types(image.manifest))
    if options.editing is not None and options.editing.holds(image):
        where = Where(image=image.config.digest.short)
        manifest, told = options.editing.manifest(manifest, target, where)
        changes = (*changes, *told, *options.editing.passed_over(image))
        before = image.manifest.raw if image.manifest is not None else None
        if options.request.preserve_digests and (
            digest != image.config.digest or before not in (None, manifest)
        ):
            raise TargetError(
                what="the edit changes digests",
                where=where,
                hint="leave --preserve-digests out",
            )
    return Converted(
        manifest=manifest,
        config=config,
        config_digest=digest,
        config_changes=reasons,
        changes=changes,
        platform=platform,
    )


def _kept_types(manifest: Manifest) -> Iterator[Change]:
    """What to say of media types that are not all OCI's, and stay."""
    found = manifest.vocabularies
    if all(each <= {Family.OCI} for each in found.values()):
        return
    what = "its media types are Docker's"
    if not all(each <= {Family.DOCKER} for each in found.values()):
        parts = [
            f"{' and '.join(sorted(_WHOSE[each] for each in whose))} {part}"
            for part, whose in found.items()
            if whose
        ]
        what = f"its media types are mixed ({', '.join(parts)})"
    yield Change(ChangeKind.KEPT, f"{what}, for --preserve-digests", field="mediaType")


_WHOSE = {Family.DOCKER: "Docker's", Family.OCI: "OCI's", None: "unknown"}


def new_config(
    image: Image,
    layers: tuple[Packed, ...],
    raw: bytes,
    *,
    mode: str = "auto",
    overrule: bool = False,
    editing: Editing | None = None,
) -> tuple[bytes | None, tuple[Change, ...], Platform]:
    """The config's new bytes (None when they are the old), why, and the platform."""
    if editing is None:
        return _valid_config(image, layers, raw, mode=mode, overrule=overrule)
    if not editing.holds(image):
        mode = "keep"  # what is not edited stays as it is
    valid, reasons, platform = _valid_config(image, layers, raw, mode=mode, overrule=overrule)
    if not editing.holds(image):
        return valid, reasons, platform
    actual = [layer.diff_id for layer in layers]
    changed = actual if any(layer.edited for layer in layers) else None
    before = raw if valid is None else valid
    new, told = editing.config(image, before, changed)
    return (
        valid if new == before else new,
        (*reasons, *told),
        editing.wanted.platform or platform,
    )


def _valid_config(
    image: Image, layers: tuple[Packed, ...], raw: bytes, *, mode: str, overrule: bool
) -> tuple[bytes | None, tuple[Change, ...], Platform]:
    platform = image.config.platform
    if mode == "keep" and not image.made_from:
        actual = [str(layer.diff_id) for layer in layers]
        stated = [str(digest) for digest in image.config.diff_ids or ()]
        if overrule and image.config.diff_ids is not None and actual != stated:
            raise TargetError(
                what="a layer is not the one of its diff_id, and --config keep forbids repairing",
                where=Where(member=image.config_member.name),
                hint="--config auto",
            )
        return None, (), platform
    repairs = _repairs(image, layers, overrule=overrule)
    for repair in repairs:
        if repair.path == ("os",):
            platform = attrs.evolve(platform, os=repair.value)
        elif repair.path == ("architecture",):
            platform = attrs.evolve(platform, architecture=repair.value)
    taken = {repair.path for repair in repairs}
    foreign = [path for path in foreign_fields(raw) if path not in taken] if mode == "oci" else []
    if not repairs and not foreign:
        return None, (), platform
    edits = Edits(raw)
    for repair in repairs:
        if repair.value is None:
            edits.remove(repair.path)
        else:
            edits.set(repair.path, repair.value)
    for path in foreign:
        edits.remove(path)
    dropped = (Change(ChangeKind.DROPPED, _field(path), field=_field(path)) for path in foreign)
    return edits.apply(), (*(_told(repair, image) for repair in repairs), *dropped), platform


def _told(repair: Repair, image: Image) -> Change:
    made = repair.path == _ROOTFS and image.made_from
    kind = ChangeKind.MADE if made else ChangeKind.REPAIRED
    return Change(kind, repair.reason, field=_field(repair.path))


def _field(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _repairs(image: Image, layers: tuple[Packed, ...], *, overrule: bool) -> list[Repair]:
    """What makes the config valid, and true of the layers."""
    stated = image.descriptor.platform if image.descriptor is not None else None
    repairs = []
    for repair in image.config.repairs:
        if repair.missing and repair.path in (("os",), ("architecture",)):
            # The index may know better than the default.
            known = getattr(stated, str(repair.path[0])) if stated is not None else ""
            value = known or repair.value
            repairs.append(Repair(repair.path, value, f"{repair.reason}: now {value!r}"))
        else:
            repairs.append(repair)
    diff_ids = [str(layer.diff_id) for layer in layers]
    if image.config.diff_ids is None:
        repairs = [repair for repair in repairs if repair.path[0] != "rootfs"]
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        reason = (
            f"the config, from {image.made_from}"
            if image.made_from
            else "rootfs was missing: taken from the layers"
        )
        repairs.append(Repair(_ROOTFS, rootfs, reason))
    elif overrule and diff_ids != [str(digest) for digest in image.config.diff_ids]:
        wrong = [
            str(number)
            for number, (old, new) in enumerate(zip(image.config.diff_ids, diff_ids, strict=True))
            if str(old) != new
        ]
        repairs.append(
            Repair(
                ("rootfs", "diff_ids"),
                diff_ids,
                f"diff_ids of layers {', '.join(wrong)}, as their bytes are",
            )
        )
    return repairs


def fresh_manifest(
    config: Digest, config_size: int, layers: tuple[Packed, ...], target: Family
) -> bytes:
    """A manifest where the source had none, byte for byte as Docker 25 and containerd write it."""

    def descriptor(media_type: str, digest: Digest, size: int) -> Mapping[str, Any]:
        if target is Family.DOCKER:  # as Docker, skopeo and podman write it: the size first
            return {"mediaType": media_type, "size": size, "digest": str(digest)}
        return {"mediaType": media_type, "digest": str(digest), "size": size}

    return gojson.encode_bytes(
        {
            "schemaVersion": 2,
            "mediaType": mediatype.document_type(Kind.MANIFEST, target),
            "config": descriptor(mediatype.document_type(Kind.CONFIG, target), config, config_size),
            "layers": [
                descriptor(layer.media_type(target), layer.digest, layer.size) for layer in layers
            ],
        }
    )


class _ManifestEdits:
    """Edits of a manifest, each made only where something differs."""

    def __init__(self, manifest: Manifest) -> None:
        self.edits = Edits(manifest.raw)
        self.changed = False

    def put(self, path: Path, old: object, new: object) -> None:
        if old != new:
            self.edits.set(path, new)
            self.changed = True

    def drop(self, path: Path) -> None:
        self.edits.remove(path)
        self.changed = True


def _edited(
    manifest: Manifest,
    config_digest: Digest,
    config_size: int,
    layers: tuple[Packed, ...],
    target: Family,
    *,
    keeps: bool,
) -> tuple[bytes, tuple[Change, ...]]:
    out = _ManifestEdits(manifest)
    changes = told_types(manifest.misread)
    set_types(out.edits, manifest.misread)
    out.changed = bool(manifest.misread)
    config = manifest.config
    if config is None:
        raise TargetError(what="a manifest without config is no image")
    config_type = mediatype.document_type(Kind.CONFIG, target)
    if not config.media_type:
        what, field = "the config had no media type", "config.mediaType"
        changes.append(Change(ChangeKind.REPAIRED, what, field=field))
    elif keeps:
        config_type = config.media_type
    out.put(("config", "mediaType"), config.media_type, config_type)
    out.put(("config", "digest"), str(config.digest), str(config_digest))
    out.put(("config", "size"), config.size, config_size)
    if config.digest != config_digest and config.embedded:
        out.drop(("config", "data"))
        what = "the config's embedded data, which is no longer the config"
        changes.append(Change(ChangeKind.DROPPED, what, field="config.data"))
    changes += _put_together(layers)
    for number, packed in enumerate(layers):
        own = packed.own_type if keeps else None
        _edit_layer(out, number, packed, own or packed.media_type(target), changes)
    if manifest.family is not target:
        if target is Family.DOCKER:
            _drop_for_docker(out, manifest, changes)
        manifest_type = mediatype.document_type(Kind.MANIFEST, target)
        out.edits.set(("mediaType",), manifest_type)
        out.changed = True
    return (out.edits.apply() if out.changed else manifest.raw), _once(changes)


def told_types(misread: Iterable[Misread], digest: str = "") -> list[Change]:
    """What to say of values whose types are repaired.

    Args:
        misread: the values.
        digest: of the document, where the report would not tell.
    """
    return [
        Change(
            ChangeKind.REPAIRED,
            f"{each.place} was not {each.expected}: "
            f"{'removed' if each.repaired is None else 'rewritten'}",
            digest=digest,
            field=each.place,
        )
        for each in misread
    ]


def _once(changes: list[Change]) -> tuple[Change, ...]:
    """Each change once: an annotation may go for two reasons, of which the first is told."""
    told: dict[tuple[ChangeKind, str], Change] = {}
    for change in changes:
        told.setdefault((change.kind, change.field or change.what), change)
    return tuple(told.values())


def _put_together(layers: tuple[Packed, ...]) -> list[Change]:
    """What is told of layers of which an engine has the files and not the blobs."""
    number = sum(
        each.layer.stated is not None and each.layer.stated != each.layer.descriptor
        for each in layers
    )
    if not number:
        return []
    what = f"{plural(number, 'layer')} kept unpacked by an engine, and not as the manifest states"
    return [Change(ChangeKind.REPLACED, f"{what}: the tars were taken")]


def _edit_layer(
    out: _ManifestEdits, number: int, packed: Packed, media_type: str, changes: list[Change]
) -> None:
    descriptor = packed.layer.stated or packed.layer.descriptor
    if descriptor is None:
        return
    path: Path = ("layers", number)
    stated, lent = packed.layer.type, packed.layer.substitute
    if lent is not None:
        what = (
            f"layer {number}: {descriptor.digest} is not there; {lent.called} holds the same layer "
            "and was taken"
        )
        changes.append(Change(ChangeKind.REPLACED, what, layer=number))
    as_it_was = lent is None and packed.layer.stated is None and not packed.reencoded
    kept = as_it_was and packed.layer.member is not None and not packed.layer.opaque
    kept = kept and media_type != descriptor.media_type
    what = ""
    if kept and stated is not None and LayerType.parse(descriptor.media_type) is None:
        what = f"layer {number} was labelled {descriptor.media_type[:100]!r}"
    elif kept and stated is not None and stated.compression is not packed.compression:
        what = (
            f"layer {number} was labelled {stated.compression}, its bytes are {packed.compression}"
        )
    if what:
        field = f"layers[{number}].mediaType"
        changes.append(Change(ChangeKind.REPAIRED, what, layer=number, field=field))
    out.put((*path, "mediaType"), descriptor.media_type, media_type)
    out.put((*path, "digest"), str(descriptor.digest), str(packed.digest))
    out.put((*path, "size"), descriptor.size, packed.size)
    if descriptor.digest == packed.digest:
        return
    if as_it_was:
        what = f"layer {number} was stated as {descriptor.digest}"
        field = f"layers[{number}].digest"
        changes.append(Change(ChangeKind.REPAIRED, what, layer=number, field=field))
    if descriptor.embedded:
        out.drop((*path, "data"))
        what, field = f"layer {number}: its embedded data", f"layers[{number}].data"
        changes.append(Change(ChangeKind.DROPPED, what, layer=number, field=field))
    for key in descriptor.annotations:
        if key.startswith(_BYTE_ANNOTATIONS):
            out.drop((*path, "annotations", key))
            changes.append(_unlabelled(number, key, ", which described its bytes"))


def _unlabelled(number: int, key: str, why: str = "") -> Change:
    return Change(
        ChangeKind.DROPPED,
        f"layer {number}: annotation {key}{why}",
        layer=number,
        field=f"layers[{number}].annotations.{key}",
    )


def _drop_for_docker(out: _ManifestEdits, manifest: Manifest, changes: list[Change]) -> None:
    """Take out what Docker's schema 2 has no field for; each is reported."""
    if manifest.annotations:
        out.drop(("annotations",))
        changes.extend(
            Change(ChangeKind.DROPPED, f"annotation {key}", field=f"annotations.{key}")
            for key in manifest.annotations
        )
    if manifest.subject is not None:
        out.drop(("subject",))
        what = f"subject {manifest.subject.digest}"
        changes.append(Change(ChangeKind.DROPPED, what, field="subject"))
    if manifest.artifact_type:
        out.drop(("artifactType",))
        what = f"artifactType {manifest.artifact_type}"
        changes.append(Change(ChangeKind.DROPPED, what, field="artifactType"))
    for number, layer in enumerate(manifest.layers):
        if layer.annotations:
            out.drop(("layers", number, "annotations"))
            changes.extend(_unlabelled(number, key) for key in layer.annotations)
    if manifest.config is not None and manifest.config.annotations:
        out.drop(("config", "annotations"))
        changes.extend(
            Change(
                ChangeKind.DROPPED,
                f"config: annotation {key}",
                field=f"config.annotations.{key}",
            )
            for key in manifest.config.annotations
        )
