"""What an import into containerd takes for entries: those of ``index.json``, or ones it makes.

containerd core/images/archive/importer.go.
"""

from __future__ import annotations

import re

import attrs

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Node
from oci_layout.mediatype import DOCKER_CONFIG, DOCKER_MANIFEST, Compression, Family, LayerType
from oci_layout.model import dockersave, gojson, layout
from oci_layout.model.layout import CONTAINERD_NAME, REF_NAME
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.streams.names import cleaned
from oci_layout.streams.tarindex import MemberType, TarMember
from oci_layout.targets.answer import Prediction
from oci_layout.targets.facts import Facts, Saved, SavedLayer, is_link, links
from oci_layout.targets.importing import Importing

_RAW_LAYER = LayerType(family=Family.DOCKER, compression=Compression.NONE)


@attrs.frozen(kw_only=True)
class Item:
    """An entry of the index that is imported: one of ``index.json``, or made for an image."""

    name: str
    label: str
    digest: Digest | None
    platform: Platform | None
    node: Node | None = None
    saved: Saved | None = None


def items(facts: Facts, how: Importing, host: Platform, reading: Prediction) -> list[Item]:
    """The entries of ``index.json``, or those that are made of ``manifest.json``.

    Args:
        facts: the source.
        how: the options of the import.
        host: its platform.
        reading: told why there are none.
    """
    if facts.plain(dockersave.MANIFEST) and not _reads_list(facts, reading):
        return []
    marked = facts.plain(layout.MARKER)
    if marked and facts.marker_unread:
        reading.fail("bad-document", "oci-layout is no JSON object with a version")
        return []
    if marked and facts.version:
        if facts.version != layout.VERSION:
            reading.fail("layout-version", f"imageLayoutVersion is {facts.version!r}")
        elif facts.index is None or not facts.plain(layout.INDEX):
            reading.fail("missing-index", "there is oci-layout and no index.json")
        _check_index(facts, how, reading)
        return [
            Item(
                name=_name(entry.descriptor.annotations, how),
                label=entry.label,
                digest=entry.descriptor.digest,
                platform=entry.descriptor.platform,
                node=entry.node,
            )
            for entry in facts.index or ()
        ]
    if not facts.plain(dockersave.MANIFEST):
        linked = [each for each in (layout.MARKER, dockersave.MANIFEST) if facts.exact(each)]
        if linked:
            reading.fail("linked-document", f"{linked[0]} is a link")
        elif facts.saved_there or facts.version:
            reading.fail("absolute-name", "members are called /manifest.json, /oci-layout")
        elif facts.v1_tops:
            reading.fail("v1-unknown", "V1 folders, no oci-layout and no manifest.json")
        else:
            reading.fail("needs-layout", "there is neither oci-layout nor manifest.json")
        return []
    if facts.saved is None:
        reading.fail("bad-manifest-json", "manifest.json is null, or no list")
        return []
    _check_links(facts, reading)
    return [item for saved in facts.saved for item in _made(facts, saved, host, reading)]


def _reads_list(facts: Facts, reading: Prediction) -> bool:
    """Whether ``manifest.json`` can be read, which is done beside a layout, too."""
    if facts.saved_unread:
        reading.fail("bad-manifest-json", "manifest.json is no JSON")
    for each in facts.saved_mistyped:
        if not each.docker_only:
            reading.fail("bad-manifest-json", f"{each.place}: expected {each.expected}")
    return not reading.reasons


def _check_index(facts: Facts, how: Importing, reading: Prediction) -> None:
    """What stands in the way of reading ``index.json``, and of making images of its entries."""
    if facts.index_followed:
        reading.fail("bad-document", "something follows the value of index.json")
    if facts.unusable:
        reading.fail("bad-document", "an entry of index.json has no digest")
    for field in facts.mistyped:
        reading.fail("bad-document", f"index.json: {field.place}: expected {field.expected}")
    for entry in facts.index or ():
        if not (_name(entry.descriptor.annotations, how) or how.by_digest):
            continue  # of which no image is made
        if not entry.descriptor.media_type:
            reading.fail("bad-document", f"{entry.label} has no mediaType in index.json")
        if not entry.descriptor.size:
            reading.fail("bad-document", f"{entry.label} has the size 0 in index.json")


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


def _check_links(facts: Facts, reading: Prediction) -> None:
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


def _made(facts: Facts, saved: Saved, host: Platform, reading: Prediction) -> list[Item]:
    """The entries that containerd makes for one image of ``manifest.json``."""
    if saved.config is None:
        code = facts.absent(saved.config_name, "missing-config")
        reading.fail(code, f"{saved.label}: no config {saved.config_name}")
        return []
    if not _is_called(saved.config_entry, saved.config_name):
        reading.fail("unclean-path", f"{saved.label}: no config {saved.config_name}")
    elif is_link(saved.config_entry, MemberType.HARDLINK):
        reading.fail("linked-config", f"{saved.label}: {saved.config_name} is a hard link")
    elif saved.config_member in facts.old_gnu:
        reading.fail("sparse-member", f"{saved.label}: the config is a sparse file of GNU's type")
    for number, layer in enumerate(saved.layers):
        _find(facts, layer, f"{saved.label}: layer {number}", reading)
    names = []
    for tag in saved.tags:
        try:
            names.append(str(Reference.parse(tag)))
        except InvalidReferenceError as error:
            reading.fail("bad-name", str(error))
    if not reading.reasons:
        reading.note("new-manifest", f"{saved.label} has no manifest in this source")
    digest = None if reading.reasons else _digest(saved)
    platform = saved.config.platform
    return [
        Item(
            name=name,
            label=name or saved.label,
            digest=digest,
            platform=platform if platform.os else attrs.evolve(platform, os=host.os),
            saved=saved,
        )
        for name in names or [""]
    ]


def _is_called(entry: TarMember | None, path: str) -> bool:
    """Whether a member is found by a path: files by clean names, links by names as written."""
    if entry is None or is_link(entry, MemberType.SYMLINK):
        return entry is None or entry.name == path
    return cleaned(entry.name) == path


def _find(facts: Facts, layer: SavedLayer, label: str, reading: Prediction) -> None:
    """Whether a layer is found by its path as it is listed."""
    if layer.member is None:
        code = facts.absent(layer.name, "missing-layer")
        reading.fail(code, f"{label}: {layer.name} is not there")
    elif layer.member.name in facts.old_gnu:
        reading.fail("sparse-member", f"{label}: {layer.name} is a sparse file of GNU's type")
    elif is_link(layer.entry, MemberType.HARDLINK):
        reading.fail("linked-layer", f"{label}: {layer.name} is a hard link")
    elif not _is_called(layer.entry, layer.name):
        reading.fail("unclean-path", f"{label} is listed as {layer.name}")


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
