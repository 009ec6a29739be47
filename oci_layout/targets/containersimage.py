"""podman, skopeo and CRI-O: containers/image, by the transport that fits.

containers/image oci/layout, oci/archive, docker/internal/tarfile, directory; containers/common
libimage/load.go.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Layer, Node
from oci_layout.graph.walk import images, walk
from oci_layout.havelist.values import Finds
from oci_layout.mediatype import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    Compression,
    Family,
    LayerType,
)
from oci_layout.model.manifest import Manifest
from oci_layout.platform import Platform
from oci_layout.source import kinds
from oci_layout.targets import dockerarchive
from oci_layout.targets.answer import Loaded, Prediction
from oci_layout.targets.damage import Unpacks, report_damage, report_no_tar
from oci_layout.targets.docker import other_architecture
from oci_layout.targets.facts import Configs, Entry, Facts
from oci_layout.targets.hosts import Host, spelled
from oci_layout.targets.names import normalised, whole
from oci_layout.targets.target import Target
from oci_layout.targets.traits import Traits, traits_of
from oci_layout.targets.typed import Structs, mistyped, unreadable

_ZSTD_NOTE = "io.github.containers.compression.zstd"  # on an entry that is packed with zstd
_SHOWN = 100  # characters of a media type that a message has


def read(facts: Facts, target: Target, platform: Platform) -> tuple[Prediction, str]:
    """What the engine makes of a source, and the transport that it reads it by.

    Args:
        facts: the source.
        target: podman, skopeo or CRI-O.
        platform: of the host.
    """
    traits = traits_of(target)
    transports = (
        (target.variant,)
        if target.variant
        else ("oci-archive", "docker-archive")
        if facts.archive
        else ("oci", "dir")
    )
    tried = [(_READERS[name](facts, traits, platform), name) for name in transports]
    reading, transport = next(
        (each for each in tried if not each[0].reasons), _closest(tried, facts)
    )
    if not reading.reasons:
        _losses(facts, reading, transport)
    return reading, transport


def _closest(tried: list[tuple[Prediction, str]], facts: Facts) -> tuple[Prediction, str]:
    """Of the ways that fail, the one that tells most: not that the source is another thing."""
    strangers = {"needs-layout", "needs-manifest-json", "transport", "v1-unknown"}
    for reading, transport in tried:
        if not {each.rule.code for each in reading.reasons} & strangers:
            return reading, transport
    return tried[-1] if facts.v1_tops else tried[0]


def _sound(facts: Facts, reading: Prediction, *, archive: bool, twice: bool = True) -> bool:
    """Whether it can be read at all, also where it is packed twice."""
    if facts.archive is not archive:
        kind = "an archive" if facts.archive else "a directory"
        reading.fail("transport", f"this is {kind}")
    elif facts.packed_twice and not twice:
        reading.fail("outer-compression", "the archive is compressed twice")
    elif facts.broken is not None:
        reading.fail("broken-archive", str(facts.broken))
    return not reading.reasons


def _untarred(facts: Facts, reading: Prediction) -> None:
    """An OCI archive is unpacked as a whole first."""
    if facts.odd_types:
        reading.fail("member-type", f"{min(facts.odd_types)} is of a type that nobody knows")


def _oci(facts: Facts, traits: Traits, platform: Platform, *, archive: bool) -> Prediction:
    """``oci-archive:`` and ``oci:``: the one entry of ``index.json``; oci-layout is not read."""
    reading = Prediction()
    if not _sound(facts, reading, archive=archive, twice=False):
        return reading
    entry = _only_entry(facts, reading)
    if entry is None:
        return reading
    names: tuple[str, ...] = ()
    if not archive and traits.names_folders:
        path = os.path.abspath(facts.path)
        found = normalised(f"localhost/{path.lstrip('/')}")
        if not found:
            return reading.fail("bad-name", f"{path!r}, after which it would be named, is no name")
        names = (found,)
    elif archive and traits.stores:
        if entry.name:
            found = normalised(entry.name)
            if not found:
                return reading.fail("bad-name", f"{entry.name!r} is not an image name")
            names = (found,)
            digest = found.partition("@")[2]
            if digest and digest != str(entry.descriptor.digest):
                names = ()
                reading.lose("digest-name", f"{entry.name!r} is not {entry.descriptor.digest}")
            elif found != whole(entry.name):
                reading.lose("generated-name", f"{entry.name!r} becomes {found}")
        else:
            reading.lose("nameless", f"{entry.label} has no name")
    elif traits.stores:
        reading.lose("nameless", "a layout folder loses the names of its images")
    _node(facts, entry.node, entry.label, names, traits, platform, reading)
    return reading


def _only_entry(facts: Facts, reading: Prediction) -> Entry | None:
    """The one entry of ``index.json``; None where there is not one."""
    if facts.index is None:
        reading.fail("needs-layout", "there is no index.json")
        return None
    _untarred(facts, reading)
    if facts.unusable:
        reading.fail("bad-document", "an entry of index.json has no digest")
    for field in facts.mistyped:
        reading.fail("bad-document", f"index.json: {field.place}: expected {field.expected}")
    if len(facts.index) == 1:
        return facts.index[0]
    if facts.index:
        listed = ", ".join(entry.label for entry in facts.index[:3])
        reading.fail("several-images", f"index.json lists {len(facts.index)}: {listed}")
    else:
        reading.fail("no-image", "index.json lists nothing")
    return None


def _node(
    facts: Facts,
    node: Node,
    label: str,
    names: tuple[str, ...],
    traits: Traits,
    platform: Platform,
    reading: Prediction,
) -> None:
    """A manifest, or the one of an index that fits the host."""
    _typed(node, label, traits, reading)
    if isinstance(node, ImageIndex):
        chosen = _chosen(node, traits, spelled(platform))
        if chosen is None:
            there = ", ".join(sorted({str(each.platform) for each in images(node)})) or "nothing"
            reading.fail("no-platform", f"{label} is for {there}, the host is {platform}")
            return
        for other in images(node):
            if other is not chosen:
                reading.lose("other-platforms", f"{label} for {other.platform}")
        if any(isinstance(each, Artifact) and each.is_attestation for each in walk(node)):
            reading.lose("attestations", f"attestations of {label}")
        node = chosen
        _typed(node, label, traits, reading)
    if isinstance(node, Absent) and node.configless and traits.copies_artifacts:
        reading.images.append(Loaded(names=(), image_id=None, id_of="config", platform=None))
    elif isinstance(node, Absent):
        reading.fail("missing-manifest", f"{label}: {node.missing[0]} is not there")
    elif isinstance(node, Image):
        _image(facts, node, label, names, traits, platform, reading)
    elif isinstance(node, Artifact) and node.manifest.config and traits.copies_artifacts:
        _artifact(node, label, traits, reading)
    else:
        reading.fail("not-an-image", f"{label} is no image")


def _typed(node: Node, label: str, traits: Traits, reading: Prediction) -> None:
    for field in mistyped(node, docker_structs=True, spec_1_1=traits.spec_1_1):
        reading.fail("bad-document", f"{label}: {field}")


def _chosen(index: ImageIndex, traits: Traits, host: Host) -> Node | None:
    """The entry of an index that is taken: of the best platform, and there the first.

    containers/image internal/manifest/oci_index.go, chooseInstance; docker_schema2_list.go knows no
    entry without a platform.
    """
    listed = index.index.media_type == DOCKER_LIST
    ranked = []
    for child in index.children:
        descriptor = child.descriptor
        stated = descriptor.platform if descriptor is not None else None
        none = None if listed else len(host.choices)
        rank = none if stated is None else host.rank(stated)
        if rank is not None and descriptor is not None:
            zstd = descriptor.annotations.get(_ZSTD_NOTE) == "true"
            ranked.append(((rank, traits.prefers_zstd and not listed and not zstd), child))
    return min(ranked, key=lambda each: each[0])[1] if ranked else None


def _image(
    facts: Facts,
    image: Image,
    label: str,
    names: tuple[str, ...],
    traits: Traits,
    platform: Platform,
    reading: Prediction,
) -> None:
    other_architecture(image.config, label, platform, reading)
    digests = [layer.digest for layer in image.layers] + [image.config.digest]
    if image.descriptor is not None:
        digests.append(image.descriptor.digest)
    if any(digest is not None and digest.algorithm != "sha256" for digest in digests):
        reading.fail("sha512", f"{label} has sha512 digests")
    if image.schema1 is not None and traits.stores:
        reading.fail("schema1", f"{label} has a schema 1 manifest")
    manifest = image.manifest
    if manifest is not None:
        _docker_types(manifest, label, traits, reading)
        _stated(image, manifest, label, reading)
        config = manifest.config.media_type if manifest.config else ""
        if traits.stores and manifest.media_type != DOCKER_MANIFEST and config != OCI_CONFIG:
            reading.fail("not-an-image", f"{label} has a config of the type {config[:_SHOWN]!r}")
    _layers(facts, image, label, traits, reading)
    if traits.stores:
        for field in unreadable(image.config, Structs.BOTH):
            reading.fail("bad-config", f"{label}: {field}")
    diff_ids = image.config.diff_ids
    if (
        traits.counts
        and image.layers
        and diff_ids is not None
        and len(diff_ids) != len(image.layers)
    ):
        reading.fail_count(label, len(image.layers), len(diff_ids))
    reading.images.append(
        Loaded(
            names=names,
            image_id=None if image.made_from else image.config.digest,
            id_of="new" if image.made_from else "config",
            platform=image.platform,
        )
    )


def _layers(facts: Facts, image: Image, label: str, traits: Traits, reading: Prediction) -> None:
    for number, layer in enumerate(image.layers):
        place = f"{label}: layer {number}"
        if layer.descriptor is not None and layer.descriptor.urls:
            reading.fail("foreign-layer", f"{place} is to be fetched from elsewhere")
        elif layer.member is None and traits.stores and _stored(facts, layer):
            continue
        elif layer.member is None:
            reading.fail("missing-layer", f"{place} is not there")
        else:
            report_damage(
                facts,
                image.layers,
                number,
                place,
                reading,
                unpacks=Unpacks.DIFFS if traits.stores else Unpacks.NOT,
                diff_ids=traits.counts,
            )
            if traits.stores:
                report_no_tar(layer.member, place, reading)


def _stated(image: Image, manifest: Manifest, label: str, reading: Prediction) -> None:
    """What a manifest must say of its blobs."""
    there, config = image.config_member.size, manifest.config
    if config is not None and config.digest != image.config.digest:
        reading.fail("damaged-blob", f"{label}: the config is {image.config.digest}")
    if config is not None and config.size != there:
        reading.fail("config-size", f"{label}: the config has {there} bytes, not {config.size}")
    if manifest.unusable:
        reading.fail("bad-document", f"{label}: a layer without a digest")


def _stored(facts: Facts, layer: Layer) -> bool:
    """Whether the store has a blob, or the tar that it is: storage_dest.go, TryReusingBlob."""
    return facts.have.holds(Finds.BLOB_OR_TAR, layer.digest, None)


def _artifact(node: Artifact, label: str, traits: Traits, reading: Prediction) -> None:
    """What is no image is copied like one, blob by blob."""
    for digest in node.missing:
        reading.fail("missing-layer", f"{label}: {digest} is not there")
    _docker_types(node.manifest, label, traits, reading)
    config = node.manifest.config
    reading.images.append(
        Loaded(names=(), image_id=config.digest if config else None, id_of="config", platform=None)
    )


def _docker_types(manifest: Manifest, label: str, traits: Traits, reading: Prediction) -> None:
    """A manifest of Docker's must have Docker's layers.

    containers/image manifest/docker_schema2.go, Schema2FromManifest.
    """
    if manifest.media_type != DOCKER_MANIFEST:
        return
    if not manifest.typed:
        reading.fail("bad-document", f"{label}: a manifest of Docker's without mediaType")
    for number, layer in enumerate(manifest.layers):
        kind = LayerType.parse(layer.media_type)
        place = f"{label}: layer {number}"
        if kind is None or kind.family is not Family.DOCKER:
            reading.fail("docker-layers", f"{place} is {layer.media_type[:_SHOWN]!r}")
        elif not traits.docker_zstd and _docker_zstd(kind):
            reading.fail("docker-zstd", f"{place} is zstd under a media type of Docker")


def _docker_zstd(kind: LayerType | None) -> bool:
    return (
        kind is not None and kind.family is Family.DOCKER and kind.compression is Compression.ZSTD
    )


def _docker_archive(facts: Facts, traits: Traits, platform: Platform) -> Prediction:
    reading = Prediction()
    if not _sound(facts, reading, archive=True):
        return reading
    return dockerarchive.read(facts, traits, platform)


def _dir(facts: Facts, traits: Traits, platform: Platform) -> Prediction:
    """``dir:``: a manifest, and blobs by bare hex."""
    reading = Prediction()
    if not _sound(facts, reading, archive=False):
        return reading
    if facts.source.kind is not kinds.DIR or not facts.source.roots:
        return reading.fail("transport", "this is no dir: directory")
    if traits.stores:
        reading.lose("nameless", "a dir: holds no name")
    root = facts.source.roots[0]
    _node(facts, root.node, root.label, (), traits, platform, reading)
    return reading


def _losses(facts: Facts, reading: Prediction, transport: str) -> None:
    """What only another view of the source knows."""
    names = {whole(name) for each in reading.images for name in each.names}
    ids = {each.image_id for each in reading.images}
    if transport in ("oci-archive", "oci"):
        every = [image for entry in facts.index or () for image in images(entry.node)]
        known, loaded = Configs.of(every), Configs.of(i for i in every if i.config.digest in ids)
        for saved in facts.saved or ():
            if not known.lists(saved):
                reading.lose("images-left", f"{saved.label} stands in manifest.json only")
            for tag in saved.tags if names and loaded.lists(saved) else ():
                if whole(tag) not in names:
                    reading.lose("names-left", f"{tag} stands in manifest.json only")
    elif transport == "docker-archive":
        taken = Configs.saved(facts.saved or ())
        for entry in facts.index or ():
            held = list(images(entry.node))
            left = [image for image in held if not taken.has(image)]
            if held and len(left) == len(held):
                reading.lose("images-left", f"{entry.label} stands in index.json only")
                continue
            for image in left:
                reading.lose("other-platforms", f"{entry.label} for {image.platform}")


_READERS: dict[str, Callable[[Facts, Traits, Platform], Prediction]] = {
    "oci-archive": lambda facts, traits, host: _oci(facts, traits, host, archive=True),
    "oci": lambda facts, traits, host: _oci(facts, traits, host, archive=False),
    "docker-archive": _docker_archive,
    "dir": _dir,
}
