"""Unpacking into snapshots: what containerd refuses to unpack.

containerd images/mediatypes.go, DiffCompression; diff/stream.go.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout.counting import plural
from oci_layout.digest import Digest, chain_ids
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image
from oci_layout.havelist.values import Finds
from oci_layout.mediatype import Compression, Family, LayerType, is_called_layer
from oci_layout.model import jsontext
from oci_layout.model.config import Config
from oci_layout.platform import Platform
from oci_layout.source.reading import read_bounded
from oci_layout.streams.member import Member
from oci_layout.targets.answer import Prediction
from oci_layout.targets.damage import Unpacks, report_damage
from oci_layout.targets.docker import other_architecture
from oci_layout.targets.facts import Facts, Saved, packing
from oci_layout.targets.hosts import runs
from oci_layout.targets.importing import Importing
from oci_layout.targets.typed import Structs, unreadable
from oci_layout.where import Where

# The rules that are spoken of here, and not while an archive is read.
UNPACKED = {
    "bad-config",
    "damaged-blob",
    "diff-id",
    "docker-zstd",
    "foreign-layer",
    "layer-count",
    "layer-label",
    "layer-file",
    "layer-member",
    "layer-packing",
    "layer-tar",
    "layer-types",
    "missing-layer",
    "no-rootfs",
}
_SHOWN = 100  # characters of a media type that a message has
_KNOWN = {Compression.NONE, Compression.GZIP, Compression.ZSTD}
_RAW_LAYER = LayerType(family=Family.DOCKER, compression=Compression.NONE)
_PACKED_LAYER = LayerType(family=Family.DOCKER, compression=Compression.GZIP)


@attrs.frozen(kw_only=True)
class _Layer:
    """A layer as containerd will unpack it."""

    member: Member | None
    type: LayerType | None
    packing: Compression | None
    urls: bool = False
    digest: Digest | None = None
    diff_id: Digest | None = None


def unpack(
    facts: Facts, image: Image, label: str, how: Importing, platform: Platform, reading: Prediction
) -> None:
    """Unpack an image of a layout, as its labels say.

    Args:
        facts: the source.
        image: that is unpacked.
        label: what to call it.
        how: the options of the import.
        platform: of the host.
        reading: told what stands in the way.
    """
    types = [layer.descriptor.media_type if layer.descriptor else "" for layer in image.layers]
    layers = [
        _Layer(
            member=layer.member,
            digest=layer.digest,
            diff_id=layer.diff_id,
            type=LayerType.parse(types[number]),
            packing=packing(image, number),
            urls=bool(layer.descriptor and layer.descriptor.urls),
        )
        for number, layer in enumerate(image.layers)
        if how.counts_all or is_called_layer(types[number])
    ]
    if not layers and not how.reads_config:
        return  # core/unpack/unpacker.go: without layers nothing is unpacked
    if len(layers) != len(image.layers) == len(image.config.diff_ids or ()):
        strange = next(text for text in types if not is_called_layer(text))
        reading.fail("layer-types", f"{label} has layers of the type {strange[:_SHOWN]!r}")
        return
    config = image.manifest.config if image.manifest is not None else None
    if config is not None and config.digest != image.config.digest:
        reading.fail("damaged-blob", f"{label}: the config is {image.config.digest}")
    _layers(facts, layers, image.config, label, how, platform, reading)


def unpack_artifact(node: Artifact, label: str, how: Importing, reading: Prediction) -> None:
    """Unpack what is no image as if it were one: containerd goes by its config's rootfs.

    client/image.go, Unpack: of 1.6 with all layers; later with what is called a layer. The transfer
    service leaves alone what has no image's config, or no layers.

    Args:
        node: the artifact.
        label: what to call it.
        how: the options of the import.
        reading: told what stands in the way.
    """
    manifest = node.manifest
    called = [layer for layer in manifest.layers if is_called_layer(layer.media_type)]
    if not how.reads_config and not (called and manifest.has_image_config):
        return
    layers = list(manifest.layers) if how.counts_all else called
    why = ""
    diff_ids = _rootfs(node)
    if how.unpacks not in ("load", "passing"):
        return
    if diff_ids is None:
        why = "its config is no JSON object"
    elif diff_ids != len(layers):
        why = f"{plural(len(layers), 'layer')}, {plural(diff_ids, 'diff_id')}"
    elif any(LayerType.parse(layer.media_type) is None for layer in layers):
        why = "containerd does not know its layers"
    if why:
        reading.fail("not-an-image", f"{label} is an artifact: {why}")


def _rootfs(node: Artifact) -> int | None:
    """How many diff_ids the config of an artifact has; None where it is no JSON object."""
    member = node.blobs[0][1] if node.manifest.config is not None and node.blobs else None
    raw = read_bounded(member, Findings()) if member is not None else None
    value = jsontext.parse(raw, Where(), Findings()) if raw is not None else None
    if not isinstance(value, dict):
        return None
    rootfs = value.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return len(diff_ids) if isinstance(diff_ids, list) else 0


def unpack_saved(
    facts: Facts, saved: Saved, how: Importing, platform: Platform, reading: Prediction
) -> None:
    """Unpack an image of ``manifest.json``, with the labels that containerd gives its layers."""
    layers = [
        _Layer(
            member=layer.member,
            diff_id=layer.diff_id,
            type=_PACKED_LAYER if layer.packing in _KNOWN - {Compression.NONE} else _RAW_LAYER,
            packing=layer.packing,
        )
        for layer in saved.layers
    ]
    if saved.config is not None and (layers or how.reads_config):
        _layers(facts, layers, saved.config, saved.label, how, platform, reading)


def _layers(
    facts: Facts,
    layers: list[_Layer],
    config: Config,
    label: str,
    how: Importing,
    platform: Platform,
    reading: Prediction,
) -> None:
    other_architecture(config, label, platform, reading)
    if how.unpacks == "host" and not runs(config.platform, platform):
        return  # it is kept as it is
    for field in unreadable(config, Structs.SPEC):
        if how.reads_config or field.startswith("rootfs"):
            reading.fail("bad-config", f"{label}: {field}")
    diff_ids = config.diff_ids or ()
    if config.diff_ids is None and layers:
        reading.fail("no-rootfs", f"{label}: the config has no rootfs")
    elif len(layers) != len(diff_ids):
        reading.fail_count(label, len(layers), len(diff_ids))
    unpacked = reading.unpack(diff_ids)
    for number in range(len(layers)):
        if number >= len(unpacked) or not unpacked[number]:
            _layer(facts, layers, number, f"{label}: layer {number}", how, reading)
    if how.unpacks == "passing":
        _at_once(facts, layers, diff_ids, label, reading)


def _at_once(
    facts: Facts, layers: list[_Layer], diff_ids: Sequence[Digest], label: str, reading: Prediction
) -> None:
    """Images are unpacked side by side: whose layer comes first, none can say."""
    for number, (layer, chain) in enumerate(zip(layers, chain_ids(diff_ids), strict=False)):
        there = layer.member is not None or facts.have.holds(Finds.BLOB, layer.digest, None)
        if reading.parted(chain, held=there):
            reading.fail("unpacked-at-once", f"{label}: only one of two images has layer {number}")


def _layer(
    facts: Facts,
    layers: list[_Layer],
    number: int,
    label: str,
    how: Importing,
    reading: Prediction,
) -> None:
    layer = layers[number]
    if layer.member is None and facts.have.holds(Finds.BLOB, layer.digest, None):
        return  # as it was stored there; nobody can tell more of it
    if layer.member is None:
        code = "foreign-layer" if layer.urls else "missing-layer"
        reading.fail(code, f"{label} is not there")
        return
    if layer.member.name in facts.old_gnu:
        reading.fail("sparse-member", f"{label} is a sparse file of GNU's type")
        return
    report_damage(facts, layers, number, label, reading, unpacks=Unpacks.SNAPSHOTS)
    if layer.type is None or layer.type.encrypted:
        reading.fail("layer-packing", f"{label} is of a media type that containerd does not know")
        return
    stated = layer.type.compression
    if layer.type.family is Family.DOCKER and stated is Compression.ZSTD and not how.docker_zstd:
        reading.fail("docker-zstd", f"{label} is zstd under a media type of Docker")
    elif layer.packing not in _KNOWN:
        reading.fail("layer-packing", f"{label} is packed with {layer.packing}")
    elif (
        layer.type.family is Family.OCI
        and stated is Compression.NONE
        and layer.packing is not Compression.NONE
    ):
        reading.fail("layer-label", f"{label} is {layer.packing}, and labelled as a raw tar")
