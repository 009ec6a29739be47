"""An import into containerd: by ``ctr``, kind, k3s, rke2, nerdctl and Docker on its store.

containerd core/images/archive/importer.go, client/import.go.
"""

from __future__ import annotations

import re

import attrs

from oci_layout.digest import Digest
from oci_layout.mediatype import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    Compression,
    Family,
    LayerType,
)
from oci_layout.model import gojson, layout
from oci_layout.model.config import Config
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.source.graph import Absent, Artifact, Image, ImageIndex, Node, images, walk
from oci_layout.streams.reader import Member
from oci_layout.streams.tarindex import MemberType
from oci_layout.targets.answer import Loaded, Reading
from oci_layout.targets.damage import report_damage
from oci_layout.targets.docker import other_architecture, runs
from oci_layout.targets.facts import Facts, LayerFile, Saved, is_link, links, packing
from oci_layout.targets.importing import Importing, importing
from oci_layout.targets.target import Target
from oci_layout.targets.typed import unreadable

_SUFFIXES = (".tar", ".tar.lz4", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar.zst", ".tzst")
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


@attrs.frozen(kw_only=True)
class _Item:
    """An entry of the index that is imported: one of ``index.json``, or made for an image."""

    name: str
    label: str
    digest: Digest | None
    platform: Platform | None
    node: Node | None = None
    saved: Saved | None = None


def read(facts: Facts, target: Target, platform: Platform) -> Reading:
    """What an import makes of a source.

    Args:
        facts: the source.
        target: who imports.
        platform: of the host.
    """
    how, reading = importing(target), Reading()
    if not _file(facts, how, reading):
        return reading
    items = _items(facts, how, platform, reading)
    if reading.reasons:
        return reading
    _walk(items, how, platform, reading)
    for item in items:
        _image(facts, item, how, platform, reading)
    if not reading.images and not reading.reasons:
        lost = reading.losses[0] if reading.losses else None
        if lost is not None:
            reading.fail(lost.rule.code, lost.message)
        else:
            reading.fail("no-image", "nothing is listed")
    _last_words(facts, items, target, how, reading)
    reading.images[:] = _merged(reading.images)
    return reading


def _merged(loaded: list[Loaded]) -> list[Loaded]:
    """Each image once, with all its names; a name that is given twice stays with the last."""
    last = {name: number for number, each in enumerate(loaded) for name in each.names}
    found: dict[object, Loaded] = {}
    for number, each in enumerate(loaded):
        names = tuple(name for name in each.names if last[name] == number)
        key = each.image_id if each.image_id is not None else number
        known = found.get(key)
        if known is None and (names or not each.names):
            found[key] = attrs.evolve(each, names=names)
        elif known is not None:
            found[key] = attrs.evolve(known, names=(*known.names, *names))
    return list(found.values())


def _file(facts: Facts, how: Importing, reading: Reading) -> bool:
    if not facts.archive:
        reading.fail("needs-archive", "this is a directory")
        return False
    if how.by_suffix and not facts.path.lower().endswith(_SUFFIXES):
        reading.fail("file-name", f"{facts.path!r} ends in none of these")
    if facts.outer not in how.outer or (how.by_suffix and facts.outer is Compression.XZ):
        reading.fail("outer-compression", f"the archive is compressed with {facts.outer}")
    elif facts.outer is Compression.XZ:
        reading.note("needs-xz", "the archive is compressed with xz")
    if facts.broken is not None:
        reading.fail("broken-archive", str(facts.broken))
    if facts.absolute:
        reading.fail("absolute-name", "members have absolute names")
    return not reading.reasons


def _items(facts: Facts, how: Importing, host: Platform, reading: Reading) -> list[_Item]:
    """The entries of ``index.json``, or those that are made of ``manifest.json``."""
    if facts.version:
        if facts.version != layout.VERSION:
            reading.fail("layout-version", f"imageLayoutVersion is {facts.version!r}")
        elif facts.index is None:
            reading.fail("missing-index", "there is oci-layout and no index.json")
        return [
            _Item(
                name=_name(entry.descriptor.annotations, how),
                label=entry.label,
                digest=entry.descriptor.digest,
                platform=entry.descriptor.platform,
                node=entry.node,
            )
            for entry in facts.index or ()
        ]
    if not facts.saved_there:
        if facts.v1_tops:
            reading.fail("v1-unknown", "V1 folders, no oci-layout and no manifest.json")
        else:
            reading.fail("needs-layout", "there is neither oci-layout nor manifest.json")
        return []
    if facts.saved is None:
        reading.fail("bad-manifest-json", "manifest.json is null, or no list")
        return []
    _check_links(facts, reading)
    return [item for saved in facts.saved for item in _made(saved, host, reading)]


def _name(notes: object, how: Importing) -> str:
    """The name of an entry, as the image store will have it."""
    values = notes if isinstance(notes, dict) else {}
    full = values.get(CONTAINERD_NAME, "")
    if full:
        return str(full)
    tag = str(values.get(REF_NAME, ""))
    if not tag or not how.prefix or re.search(r"[/:@]", tag):
        return tag
    return f"{how.prefix}:{tag}"


def _check_links(facts: Facts, reading: Reading) -> None:
    """Links are resolved in any order, each once, whatever they are for."""
    store = facts.source.store
    for link in links(facts):
        if link.type is MemberType.SYMLINK:
            folder = link.name.rpartition("/")[0]
            joined = _joined(folder, link.linkname)
            member = store.find(joined)
            if member is None:
                reading.fail("linked-layer", f"{link.name} links to {link.linkname}")
            elif member.name != joined:
                reading.fail("link-chain", f"{link.name} links to the link {link.linkname}")


def _joined(folder: str, target: str) -> str:
    """Go's path.Join of both."""
    parts: list[str] = []
    for part in f"{folder}/{target}".split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _made(saved: Saved, host: Platform, reading: Reading) -> list[_Item]:
    """The entries that containerd makes for one image of ``manifest.json``."""
    if saved.config is None:
        reading.fail("missing-config", f"{saved.label}: no config {saved.config_name}")
        return []
    for number, layer in enumerate(saved.layers):
        _find(layer, f"{saved.label}: layer {number}", reading)
    names = []
    for tag in saved.tags:
        try:
            names.append(str(Reference.parse(tag)))
        except InvalidReferenceError as error:
            reading.fail("bad-name", str(error))
    if not reading.reasons:
        reading.note("new-manifest", f"{saved.label} has none in this source")
    digest = None if reading.reasons else _digest(saved)
    platform = saved.config.platform
    return [
        _Item(
            name=name,
            label=name or saved.label,
            digest=digest,
            platform=platform if platform.os else attrs.evolve(platform, os=host.os),
            saved=saved,
        )
        for name in names or [""]
    ]


def _find(layer: LayerFile, label: str, reading: Reading) -> None:
    """Whether a layer is found by its name as listed: blobs by clean names, links as written."""
    if layer.member is None:
        reading.fail("missing-layer", f"{label}: {layer.name} is not there")
    elif layer.name.startswith("./"):
        reading.fail("linked-layer", f"{label} is listed as {layer.name}")
    elif is_link(layer.entry, MemberType.HARDLINK):
        reading.fail("linked-layer", f"{label}: {layer.name} is a hard link")
    elif (
        layer.entry is not None
        and is_link(layer.entry, MemberType.SYMLINK)
        and layer.entry.name != layer.name
    ):
        reading.fail("linked-layer", f"{label}: {layer.entry.name} is a link, listed without ./")


def _digest(saved: Saved) -> Digest | None:
    """The digest of the manifest that containerd writes; None when a layer is packed."""
    if saved.config is None:
        return None
    layers = []
    for layer in saved.layers:
        if layer.packing is not Compression.NONE or layer.diff_id is None or layer.member is None:
            return None
        media = _RAW_LAYER.render()
        layers.append({"mediaType": media, "digest": str(layer.diff_id), "size": layer.member.size})
    config = saved.config
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {
            "mediaType": DOCKER_CONFIG,
            "digest": str(config.digest),
            "size": config.size,
        },
        "layers": layers,
    }
    return Digest.of(gojson.encode_bytes(manifest))


def _walk(items: list[_Item], how: Importing, platform: Platform, reading: Reading) -> None:
    """What is filtered out by platform, and what is missing of the rest."""
    kept = [item for item in items if how.all_platforms or _passes(item.platform, platform)]
    if items and not kept:
        there = ", ".join(sorted({str(item.platform) for item in items}))
        reading.fail("no-platform", f"the archive is for {there}, the host is {platform}")
    if kept and how.filtered_stay:
        for item in items:
            if item not in kept:
                reading.fail("flat-platforms", f"{item.label} for {item.platform}")
    for item in kept:
        if item.node is None:
            continue
        for absent in _absent(item.node, how, platform):
            wanted = absent.descriptor.platform
            text = f"{item.label}: {wanted or absent.descriptor.digest} is not there"
            if how.skip_missing and absent is not item.node:
                reading.lose("missing-platforms", text)
            elif how.all_platforms and absent is not item.node:
                reading.fail("sparse-index", text)
            else:
                reading.fail("missing-manifest", text)


def _passes(stated: Platform | None, host: Platform) -> bool:
    return stated is None or runs(stated, host)


def _absent(node: Node, how: Importing, host: Platform) -> list[Absent]:
    """Documents that an import stumbles over; a config is not read before it is unpacked."""
    if isinstance(node, Absent):
        return [node] if node.descriptor.digest in node.missing else []
    if not isinstance(node, ImageIndex):
        return []
    found = []
    for child in node.children:
        stated = child.descriptor.platform if child.descriptor is not None else None
        if how.all_platforms or _passes(stated, host):
            found += _absent(child, how, host)
    return found


def _image(facts: Facts, item: _Item, how: Importing, platform: Platform, reading: Reading) -> None:
    """One entry: its names, and whether it can be unpacked."""
    kind = "index" if isinstance(item.node, ImageIndex) else "manifest"
    held = list(images(item.node)) if item.node is not None else []
    if isinstance(item.node, Artifact):
        if how.unpacks_artifacts and (item.name or how.by_digest):
            reading.fail("not-an-image", f"{item.label} is an artifact")
        if how.familiar or not (item.name or how.by_digest):
            return
    names = _shown_names(item, how, reading)
    if names is None:
        return
    for held_image in held:
        if kind == "index" and not how.all_platforms and not runs(held_image.platform, platform):
            reading.lose("other-platforms", f"{item.label} for {held_image.platform}")
    reading.images.append(
        Loaded(
            names=names,
            image_id=item.digest,
            id_of=kind,
            platform=None if kind == "index" else _platform(item),
        )
    )
    if item.saved is not None:
        if item.saved.config is not None:
            _unpack_saved(facts, item.saved, how, platform, reading)
        return
    if item.node is None or isinstance(item.node, Artifact):
        return
    _sha512(item.node, item.label, reading)
    image = _for_host(item.node, platform)
    if image is not None:
        _unpack(facts, image, item.label, how, platform, reading)
    elif how.unpacks != "host":
        there = ", ".join(sorted({str(each.platform) for each in held})) or "nothing"
        code = "no-platform" if held else "missing-manifest"
        reading.fail(code, f"{item.label} is for {there}, the host is {platform}")


def _sha512(node: Node, label: str, reading: Reading) -> None:
    """Blobs are stored by the sha256 of what was read, whatever the archive calls them."""
    digests = []
    for each in walk(node):
        if each.descriptor is not None:
            digests.append(each.descriptor.digest)
        if isinstance(each, Image):
            digests.append(each.config.digest)
            digests += [layer.digest for layer in each.layers if layer.digest is not None]
    if any(digest.algorithm != "sha256" for digest in digests):
        reading.fail("sha512", f"{label} has sha512 digests")


def _platform(item: _Item) -> Platform | None:
    if isinstance(item.node, Image):
        return item.node.platform
    return item.platform


def _shown_names(item: _Item, how: Importing, reading: Reading) -> tuple[str, ...] | None:
    """The names of an image as they are shown; None when no image is created."""
    digest = f"{how.by_digest}@{item.digest or 'sha256:?'}"
    if not item.name:
        if not how.by_digest:
            reading.lose("no-name", f"{item.label} has no name")
            return None
        reading.lose("nameless", f"{item.label} has no name, and is found by its digest alone")
        return () if how.familiar else (digest,)
    if how.familiar:
        return _familiar(item.name, reading)
    if item.name.startswith(f"{how.prefix}:") and how.prefix:
        reading.lose("generated-name", f"{item.label!r} is a tag without a repository")
    elif _full(item.name) != item.name:
        reading.lose("short-name", f"{item.name!r} is not {_full(item.name) or 'a name'}")
    return (item.name, digest) if how.always_by_digest else (item.name,)


def _full(name: str) -> str:
    try:
        return str(Reference.parse(name))
    except InvalidReferenceError:
        return ""


def _familiar(name: str, reading: Reading) -> tuple[str, ...] | None:
    """A name of the image store as Docker shows it; None for what it does not list."""
    try:
        plain = Reference.parse(name, default_tag="")
    except InvalidReferenceError:
        plain = None
    if plain is None or not (plain.tag or str(plain) == name):
        reading.lose("hidden-name", f"{name!r} is not a whole name")
        return None
    if str(plain) != name or not plain.tag:
        reading.lose("unfound-name", f"{name!r} is not {_full(name)}")
    return (plain.familiar,)


def _for_host(node: Node | None, host: Platform) -> Image | None:
    """The image that is unpacked: a lone one whatever it is for, or the best of an index."""
    if isinstance(node, Image):
        return node
    if not isinstance(node, ImageIndex):
        return None
    for choice in host.runs():
        for child in node.children:
            stated = child.descriptor.platform if child.descriptor is not None else None
            if isinstance(child, ImageIndex):
                found = _for_host(child, host)
                if found is not None:
                    return found
            elif isinstance(child, Image) and (stated or child.platform).matches(choice):
                return child
    return None


def _unpack(
    facts: Facts, image: Image, label: str, how: Importing, platform: Platform, reading: Reading
) -> None:
    layers = [
        _Layer(
            member=layer.member,
            type=layer.type,
            packing=packing(image, number),
            urls=bool(layer.descriptor and layer.descriptor.urls),
        )
        for number, layer in enumerate(image.layers)
    ]
    _layers(facts, layers, image.config, label, how, platform, reading)


def _unpack_saved(
    facts: Facts, saved: Saved, how: Importing, platform: Platform, reading: Reading
) -> None:
    layers = [
        _Layer(
            member=layer.member,
            type=_PACKED_LAYER if layer.packing in _KNOWN - {Compression.NONE} else _RAW_LAYER,
            packing=layer.packing,
        )
        for layer in saved.layers
    ]
    if saved.config is not None:
        _layers(facts, layers, saved.config, saved.label, how, platform, reading)


def _layers(
    facts: Facts,
    layers: list[_Layer],
    config: Config,
    label: str,
    how: Importing,
    platform: Platform,
    reading: Reading,
) -> None:
    other_architecture(config, label, platform, reading)
    if how.unpacks == "host" and not runs(config.platform, platform):
        return  # it is kept as it is
    for field in unreadable(config, docker=False):
        reading.fail("bad-config", f"{label}: {field}")
    diff_ids = config.diff_ids or ()
    if config.diff_ids is None and layers:
        reading.fail("no-rootfs", f"{label}: the config has no rootfs")
    elif len(layers) != len(diff_ids):
        reading.fail("layer-count", f"{label}: {len(layers)} layers, {len(diff_ids)} diff_ids")
    for number, layer in enumerate(layers):
        _layer(facts, layer, f"{label}: layer {number}", how, reading)


def _layer(facts: Facts, layer: _Layer, label: str, how: Importing, reading: Reading) -> None:
    if layer.member is None:
        code = "foreign-layer" if layer.urls else "missing-layer"
        reading.fail(code, f"{label} is not there")
        return
    report_damage(facts, layer.member, label, reading)
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


def _last_words(
    facts: Facts, items: list[_Item], target: Target, how: Importing, reading: Reading
) -> None:
    """What manifest.json knows beside a layout, and what a kubelet finds later."""
    if facts.version and facts.saved:
        nodes = [node for item in items if item.node is not None for node in walk(item.node)]
        held = [node for node in nodes if isinstance(node, Image)]
        taken = {_full(name) for loaded in reading.images for name in loaded.names}
        for saved in facts.saved:
            if saved.config is None:
                continue
            if not any(saved.same(image) for image in held):
                reading.lose("images-left", f"{saved.label} stands in manifest.json only")
                continue
            for tag in saved.tags:
                if _full(tag) not in taken:
                    reading.lose("names-left", f"{tag} stands in manifest.json only")
    if how.unpacks == "later" and reading.reasons:
        reading.note("unpacked-later", "the import may say nothing; the pod will not start")
    if target.name == "rke2" and facts.saved is None:
        reading.note("runtime-images", "there is no manifest.json; for other images none is needed")
