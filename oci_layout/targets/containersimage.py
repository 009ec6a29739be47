"""podman, skopeo and CRI-O: containers/image, by the transport that fits.

containers/image oci/layout, oci/archive, docker/internal/tarfile, directory; containers/common
libimage/load.go.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import attrs

from oci_layout.mediatype import DOCKER_MANIFEST, Compression, Family, LayerType
from oci_layout.model import dockersave
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.source.contents import Kinds
from oci_layout.source.graph import Absent, Artifact, Image, ImageIndex, Node, images, walk
from oci_layout.streams.tarindex import MemberType
from oci_layout.targets.answer import Loaded, Reading
from oci_layout.targets.damage import report_damage
from oci_layout.targets.docker import other_architecture
from oci_layout.targets.facts import Facts, LayerFile, Saved, is_link, links
from oci_layout.targets.target import Since, Target, at
from oci_layout.targets.typed import unreadable

_MANIFEST_JSON = 1 << 20  # iolimits.MaxTarFileManifestSize


@attrs.frozen(kw_only=True)
class Traits:
    """What differs between versions.

    Args:
        docker_zstd: whether zstd is known under Docker's media types.
        packed_docker_archive: whether ``docker-archive:`` reads a file packed with gzip.
        stores: whether images are unpacked into a store (podman).
        counts: whether the store compares the numbers of layers and diff_ids, and diff_ids.
        names_folders: whether an image out of a layout folder is called after the folder.
    """

    docker_zstd: bool = True
    packed_docker_archive: bool = True
    stores: bool = False
    counts: bool = False
    names_folders: bool = False


_PODMAN = Traits(stores=True, counts=True)
TRAITS: dict[str, tuple[Since[Traits], ...]] = {
    "skopeo": (
        Since(
            version=(1,),
            value=Traits(docker_zstd=False, packed_docker_archive=False),
            source="measured: skopeo 1.9.3",
        ),
        Since(version=(1, 18), value=Traits(docker_zstd=False), source="measured: skopeo 1.18.0"),
        Since(version=(1, 22), value=Traits(), source="measured: skopeo 1.22.0"),
    ),
    "podman": (
        Since(
            version=(4,),
            value=Traits(
                stores=True, docker_zstd=False, packed_docker_archive=False, names_folders=True
            ),
            source="measured: podman 4.3.1",
        ),
        Since(
            version=(5,),
            value=attrs.evolve(_PODMAN, docker_zstd=False),
            source="measured: podman 5.4.2",
        ),
        Since(version=(5, 8), value=_PODMAN, source="measured: podman 5.8.6"),
    ),
    "cri-o": (Since(version=(1,), value=Traits(), source="measured: skopeo 1.22.0"),),
}


def read(facts: Facts, target: Target, platform: Platform) -> tuple[Reading, str]:
    """What the engine makes of a source, and the transport that it reads it by.

    Args:
        facts: the source.
        target: podman, skopeo or CRI-O.
        platform: of the host.
    """
    traits = at(TRAITS[target.name], target.version).value
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


def _closest(tried: list[tuple[Reading, str]], facts: Facts) -> tuple[Reading, str]:
    """Of the ways that fail, the one that tells most: not that the source is another thing."""
    strangers = {"needs-layout", "needs-manifest-json", "transport", "v1-unknown"}
    for reading, transport in tried:
        if not {each.rule.code for each in reading.reasons} & strangers:
            return reading, transport
    return tried[-1] if facts.v1_tops else tried[0]


def normalised(name: str) -> str | None:
    """A name as podman stores it; None when it is none (libimage/normalize.go)."""
    try:
        plain = Reference.parse(name)
        first = name.partition("/")[0] if "/" in name else ""
        if not ("." in first or ":" in first or first == "localhost"):
            plain = Reference.parse(f"localhost/{name}")
    except InvalidReferenceError:
        return None
    return str(plain)


def _whole(facts: Facts, reading: Reading, *, archive: bool) -> bool:
    if facts.archive is not archive:
        kind = "an archive" if facts.archive else "a directory"
        reading.fail("transport", f"this is {kind}")
    elif facts.broken is not None:
        reading.fail("broken-archive", str(facts.broken))
    return not reading.reasons


def _oci(facts: Facts, traits: Traits, platform: Platform, *, archive: bool) -> Reading:
    """``oci-archive:`` and ``oci:``: the one entry of ``index.json``; oci-layout is not read."""
    reading = Reading()
    if not _whole(facts, reading, archive=archive):
        return reading
    if facts.index is None:
        return reading.fail("needs-layout", "there is no index.json")
    if not facts.index:
        return reading.fail("no-image", "index.json lists nothing")
    if len(facts.index) > 1:
        listed = ", ".join(entry.label for entry in facts.index[:3])
        return reading.fail("several-images", f"index.json lists {len(facts.index)}: {listed}")
    (entry,) = facts.index
    names: tuple[str, ...] = ()
    if not archive and traits.names_folders:
        found = normalised(f"localhost/{os.path.abspath(facts.path).lstrip('/')}")
        names = (found,) if found is not None else ()
    elif archive and traits.stores:
        if entry.name:
            found = normalised(entry.name)
            if found is None:
                return reading.fail("bad-name", f"{entry.name!r} is not an image name")
            names = (found,)
            if found != _full(entry.name):
                reading.lose("generated-name", f"{entry.name!r} becomes {found}")
        else:
            reading.lose("nameless", f"{entry.label} has no name")
    elif traits.stores:
        reading.lose("nameless", "a layout folder loses the names of its images")
    _node(facts, entry.node, entry.label, names, traits, platform, reading)
    return reading


def _full(name: str) -> str:
    try:
        return str(Reference.parse(name))
    except InvalidReferenceError:
        return ""


def _node(
    facts: Facts,
    node: Node,
    label: str,
    names: tuple[str, ...],
    traits: Traits,
    platform: Platform,
    reading: Reading,
) -> None:
    """A manifest, or the one of an index that fits the host."""
    if isinstance(node, ImageIndex):
        chosen = _chosen(node, platform)
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
    if isinstance(node, Absent):
        reading.fail("missing-manifest", f"{label}: {node.missing[0]} is not there")
    elif isinstance(node, Image):
        _image(facts, node, label, names, traits, platform, reading)
    else:
        reading.fail("not-an-image", f"{label} is no image")


def _chosen(index: ImageIndex, platform: Platform) -> Node | None:
    for choice in platform.runs():
        for child in index.children:
            descriptor = child.descriptor
            stated = descriptor.platform if descriptor is not None else None
            if stated is not None and stated.matches(choice):
                return child
    return next(
        (
            child
            for child in index.children
            if child.descriptor is not None and child.descriptor.platform is None
        ),
        None,
    )


def _image(
    facts: Facts,
    image: Image,
    label: str,
    names: tuple[str, ...],
    traits: Traits,
    platform: Platform,
    reading: Reading,
) -> None:
    other_architecture(image.config, label, platform, reading)
    digests = [layer.digest for layer in image.layers] + [image.config.digest]
    if image.descriptor is not None:
        digests.append(image.descriptor.digest)
    if any(digest is not None and digest.algorithm != "sha256" for digest in digests):
        reading.fail("sha512", f"{label} has sha512 digests")
    if image.schema1 is not None and traits.stores:
        reading.fail("schema1", f"{label} has a schema 1 manifest")
    docker = image.manifest is not None and image.manifest.media_type == DOCKER_MANIFEST
    for number, layer in enumerate(image.layers):
        place = f"{label}: layer {number}"
        kind = layer.type
        if layer.descriptor is not None and layer.descriptor.urls:
            reading.fail("foreign-layer", f"{place} is to be fetched from elsewhere")
        elif layer.member is None:
            reading.fail("missing-layer", f"{place} is not there")
        else:
            report_damage(facts, layer.member, place, reading, diff_ids=traits.counts)
        if docker and not traits.docker_zstd and _docker_zstd(kind):
            reading.fail("docker-zstd", f"{place} is zstd under a media type of Docker")
    if traits.stores:
        for field in unreadable(image.config, docker=False):
            reading.fail("bad-config", f"{label}: {field}")
    diff_ids = image.config.diff_ids
    if traits.counts and diff_ids is not None and len(diff_ids) != len(image.layers):
        reading.fail(
            "layer-count", f"{label}: {len(image.layers)} layers, {len(diff_ids)} diff_ids"
        )
    reading.images.append(
        Loaded(
            names=names,
            image_id=None if image.made_from else image.config.digest,
            id_of="new" if image.made_from else "config",
            platform=image.platform,
        )
    )


def _docker_zstd(kind: LayerType | None) -> bool:
    return (
        kind is not None and kind.family is Family.DOCKER and kind.compression is Compression.ZSTD
    )


def _docker_archive(facts: Facts, traits: Traits, platform: Platform) -> Reading:
    """``docker-archive:``: ``manifest.json``; podman takes all of it, skopeo the one image."""
    reading = Reading()
    if not _whole(facts, reading, archive=True):
        return reading
    if facts.outer is Compression.GZIP and not traits.packed_docker_archive:
        return reading.fail("outer-compression", "the archive is compressed with gzip")
    if facts.absolute:
        return reading.fail("absolute-name", "members have absolute names")
    if not facts.saved_there:
        if facts.v1_tops:
            return reading.fail("v1-unknown", "V1 folders, and no manifest.json")
        return reading.fail("needs-manifest-json", "there is no manifest.json")
    member = facts.source.store.find(dockersave.MANIFEST)
    if member is not None and member.size > _MANIFEST_JSON:
        return reading.fail("document-size", f"manifest.json has {member.size} bytes")
    if facts.saved is None and not _is_null(facts):
        return reading.fail("bad-manifest-json", "manifest.json is no list")
    saved = facts.saved or ()
    if not saved:
        return reading.fail("no-image", "manifest.json lists nothing")
    if len(saved) > 1 and not traits.stores:
        return reading.fail("several-images", f"manifest.json lists {len(saved)}")
    for item in saved:
        _saved(facts, item, traits, platform, reading)
    return reading


def _is_null(facts: Facts) -> bool:
    member = facts.source.store.find(dockersave.MANIFEST)
    return member is not None and member.head(16).strip() == b"null"


def _saved(
    facts: Facts, saved: Saved, traits: Traits, platform: Platform, reading: Reading
) -> None:
    names = []
    for tag in saved.tags:
        try:
            if not Reference.parse(tag, default_tag="").tag:
                reading.fail("no-tag", f"{tag!r} has no tag")
        except InvalidReferenceError as error:
            reading.fail("bad-name", str(error))
            continue
        name = normalised(tag) if traits.stores else tag
        if name is not None:
            names.append(name)
            if traits.stores and name != _full(tag):
                reading.lose("localhost-name", f"{tag} becomes {name}")
    if not saved.tags and traits.stores:
        reading.lose("nameless", f"{saved.label} has no name")
    config = saved.config
    if config is None:
        reading.fail("missing-config", f"{saved.label}: no config {saved.config_name}")
        return
    if config.diff_ids is None:
        reading.fail("no-rootfs", f"{saved.label}: the config has no rootfs")
    elif len(saved.layers) != len(config.diff_ids):
        reading.fail(
            "layer-count",
            f"{saved.label}: {len(saved.layers)} layers, {len(config.diff_ids)} diff_ids",
        )
    else:
        _layer_files(facts, saved, reading)
    if traits.stores:
        for field in unreadable(config, docker=False):
            reading.fail("bad-config", f"{saved.label}: {field}")
    other_architecture(config, saved.label, platform, reading)
    reading.images.append(
        Loaded(names=tuple(names), image_id=config.digest, id_of="config", platform=config.platform)
    )


def _layer_files(facts: Facts, saved: Saved, reading: Reading) -> None:
    """Layers are known by diff_id: of those that repeat, the first is read."""
    first: dict[object, LayerFile] = {}
    used: dict[str, object] = {}
    for number, layer in enumerate(saved.layers):
        if layer.diff_id in first:
            continue
        first[layer.diff_id] = layer
        place = f"{saved.label}: layer {number}"
        if used.setdefault(layer.name, layer.diff_id) != layer.diff_id:
            reading.fail("shared-layer-file", f"{place}: {layer.name} stands for two diff_ids")
        if layer.member is None:
            reading.fail("missing-layer", f"{place}: {layer.name} is not there")
        elif is_link(layer.entry, MemberType.HARDLINK):
            reading.fail("linked-layer", f"{place}: {layer.name} is a hard link")
        elif _chained(facts, layer):
            reading.fail("linked-layer", f"{place}: {layer.name} is a link to a link")
        else:
            report_damage(facts, layer.member, place, reading, stored=False)


def _chained(facts: Facts, layer: LayerFile) -> bool:
    """Whether a layer is a link that does not lead to a file at once: one hop is followed."""
    if not is_link(layer.entry, MemberType.SYMLINK) or layer.member is None:
        return False
    names = {os.path.normpath(link.name) for link in links(facts)}
    folder = layer.name.rpartition("/")[0]
    target = layer.entry.linkname if layer.entry is not None else ""
    joined = os.path.normpath(os.path.join(folder, target))
    return joined in names


def _dir(facts: Facts, traits: Traits, platform: Platform) -> Reading:
    """``dir:``: a manifest, and blobs by bare hex."""
    reading = Reading()
    if not _whole(facts, reading, archive=False):
        return reading
    if facts.source.kind is not Kinds.DIR or not facts.source.roots:
        return reading.fail("transport", "this is no dir: directory")
    if traits.stores:
        reading.lose("nameless", "a dir: holds no name")
    root = facts.source.roots[0]
    _node(facts, root.node, root.label, (), traits, platform, reading)
    return reading


def _losses(facts: Facts, reading: Reading, transport: str) -> None:
    """What only another view of the source knows."""
    names = {_full(name) for each in reading.images for name in each.names}
    ids = {each.image_id for each in reading.images}
    indexed = [(entry, image) for entry in facts.index or () for image in images(entry.node)]
    if transport in ("oci-archive", "oci"):
        for saved in facts.saved or ():
            same = [image for _, image in indexed if saved.same(image)]
            if not any(image.config.digest in ids for image in same):
                if not same:
                    reading.lose("images-left", f"{saved.label} stands in manifest.json only")
                continue
            for tag in saved.tags:
                if names and _full(tag) not in names:
                    reading.lose("names-left", f"{tag} stands in manifest.json only")
    elif transport == "docker-archive":
        for entry, image in indexed:
            if any(saved.same(image) for saved in facts.saved or ()):
                continue
            beside = [other for found, other in indexed if found is entry]
            if any(saved.same(other) for saved in facts.saved or () for other in beside):
                reading.lose("other-platforms", f"{entry.label} for {image.platform}")
            else:
                reading.lose("images-left", f"{entry.label} stands in index.json only")


_READERS: dict[str, Callable[[Facts, Traits, Platform], Reading]] = {
    "oci-archive": lambda facts, traits, host: _oci(facts, traits, host, archive=True),
    "oci": lambda facts, traits, host: _oci(facts, traits, host, archive=False),
    "docker-archive": _docker_archive,
    "dir": _dir,
}
