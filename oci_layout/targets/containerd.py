"""An import into containerd: by ``ctr``, kind, k3s, rke2, nerdctl and Docker on its store.

containerd core/images/archive/importer.go, client/import.go.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node
from oci_layout.graph.walk import images, walk
from oci_layout.havelist.values import Finds
from oci_layout.mediatype import Compression
from oci_layout.model import dockersave, layout
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.source.opening import STANDARD_INPUT
from oci_layout.targets.answer import Loaded, Prediction
from oci_layout.targets.damage import misnamed
from oci_layout.targets.entries import Item, items
from oci_layout.targets.facts import Configs, Facts
from oci_layout.targets.hosts import Host, runs
from oci_layout.targets.importing import Importing, importing
from oci_layout.targets.names import whole
from oci_layout.targets.target import Target
from oci_layout.targets.typed import mistyped
from oci_layout.targets.unpacking import UNPACKED, unpack, unpack_artifact, unpack_saved

# k3s pkg/agent/containerd/containerd.go; lz4 is read by no other, and not told here.
_SUFFIXES: dict[str, Compression | None] = {
    ".tar": Compression.NONE,
    ".tar.lz4": None,
    ".tar.bz2": Compression.BZIP2,
    ".tbz": Compression.BZIP2,
    ".tar.gz": Compression.GZIP,
    ".tgz": Compression.GZIP,
    ".tar.zst": Compression.ZSTD,
    ".tzst": Compression.ZSTD,
}
_DECODER_MEMORY = 1 << 25  # k3s pkg/untar, MaxDecoderMemory


def read(facts: Facts, target: Target, platform: Platform) -> Prediction:
    """What an import makes of a source.

    Args:
        facts: the source.
        target: who imports.
        platform: of the host.
    """
    how, reading = importing(target), Prediction()
    if not target.containerd_store:  # which wants every blob
        reading.unpacked |= facts.have.chains
    if not _file(facts, how, reading):
        return reading
    found = items(facts, how, platform, reading)
    if reading.reasons:
        return reading
    _walk(found, how, how.matching(platform), platform, reading)
    for item in found:
        _image(facts, item, how, platform, reading)
    if not reading.images and not reading.reasons:
        lost = reading.losses[0] if reading.losses else None
        if lost is not None:
            reading.fail(lost.rule.code, lost.message)
        else:
            reading.fail("no-image", "nothing is listed")
    _last_words(facts, found, target, how, reading)
    if reading.lose_shared_names() and how.unpacks == "load":
        reading.fail("name-collected", reading.losses[-1].message)
    reading.images[:] = _merged(reading.images)
    return reading


def _merged(loaded: list[Loaded]) -> list[Loaded]:
    """Each image once, with all its names; a name that is given twice stays with the last."""
    last = {name: number for number, each in enumerate(loaded) for name in each.names}
    found: dict[object, tuple[Loaded, list[str]]] = {}
    for number, each in enumerate(loaded):
        names = [name for name in each.names if last[name] == number]
        key = each.image_id if each.image_id is not None else number
        if key in found:
            found[key][1].extend(names)
        elif names or not each.names:
            found[key] = each, names
    return [attrs.evolve(each, names=tuple(names)) for each, names in found.values()]


def _file(facts: Facts, how: Importing, reading: Prediction) -> bool:
    if not facts.archive:
        reading.fail("needs-archive", "this is a directory")
        return False
    if how.by_suffix and facts.path != STANDARD_INPUT:
        _suffix(facts, reading)
    if how.by_suffix and facts.outer is Compression.ZSTD and facts.source.window > _DECODER_MEMORY:
        reading.fail("zstd-memory", f"the archive has a window of {facts.source.window} bytes")
    if facts.outer not in how.outer or (how.by_suffix and facts.outer is Compression.XZ):
        reading.fail("outer-compression", f"the archive is compressed with {facts.outer}")
    elif facts.outer is Compression.XZ:
        reading.note("needs-xz", "the archive is compressed with xz")
    if facts.packed_twice:
        reading.fail("outer-compression", "the archive is compressed twice")
    if facts.broken is not None:
        reading.fail("broken-archive", str(facts.broken))
    for name in sorted({layout.MARKER, layout.INDEX, dockersave.MANIFEST} & facts.old_gnu):
        reading.fail("sparse-member", f"{name} is a sparse file of GNU's type")
    return not reading.reasons


def _suffix(facts: Facts, reading: Prediction) -> None:
    """Whether the archive is packed as its name says, which is all that is asked."""
    name = facts.path.lower()
    suffix = next((each for each in _SUFFIXES if name.endswith(each)), None)
    if suffix is None:
        reading.fail("file-name", f"{facts.path!r} ends in none of these")
    elif _SUFFIXES[suffix] is not facts.outer:
        packed = "not packed" if facts.outer is Compression.NONE else f"packed with {facts.outer}"
        reading.fail("file-suffix", f"it is {packed}, and its name ends in {suffix}")


def _walk(
    items: list[Item], how: Importing, host: Host, platform: Platform, reading: Prediction
) -> None:
    """What is filtered out by platform, and what is missing of the rest."""
    kept: list[Item] = []
    filtered: list[Item] = []
    for item in items:
        passes = how.all_platforms or _passes(item.platform, host)
        (kept if passes else filtered).append(item)
    if filtered and not kept:
        there = ", ".join(sorted({str(item.platform) for item in filtered}))
        reading.fail("no-platform", f"the archive is for {there}, the host is {platform}")
    elif how.filtered_stay:
        for item in filtered if how.by_digest else [each for each in filtered if each.name]:
            reading.fail("flat-platforms", f"{item.label} for {item.platform}")
    for item in kept:
        if item.node is not None:
            _read_documents(item, item.node, how, host, reading)
            _find_documents(item, item.node, how, host, reading)


def _read_documents(
    item: Item, node: Node, how: Importing, host: Host, reading: Prediction
) -> None:
    """What is wrong with the documents that an entry leads to."""
    for document in _documents(node, how, host):
        if wrong := misnamed(document):  # it is stored under the name that its bytes have
            reading.fail("damaged-blob", f"{item.label}: {wrong}")
        for field in mistyped(document, spec_1_1=how.spec_1_1):
            reading.fail("bad-document", f"{item.label}: {field}")


def _find_documents(
    item: Item, node: Node, how: Importing, host: Host, reading: Prediction
) -> None:
    """What is missing of the documents that an entry leads to."""
    for absent in _absent(node, how, host):
        if absent.configless and not (item.name or how.by_digest):
            continue  # nothing is made of it
        wanted = absent.descriptor.platform
        text = f"{item.label}: {wanted or absent.descriptor.digest} is not there"
        if absent.unreadable and not absent.damaged:
            reading.fail("bad-document", f"{item.label}: {absent.descriptor.digest} is none")
        elif how.skip_missing and absent is not node:
            reading.lose("missing-platforms", text)
        elif absent is not node:
            reading.fail("sparse-index", text)
        else:
            reading.fail("missing-manifest", text)


def _passes(stated: Platform | None, host: Host) -> bool:
    return stated is None or host.takes(stated)


def _stated(child: Node) -> Platform | None:
    """What an index says of the platform of one of its entries."""
    return child.descriptor.platform if child.descriptor is not None else None


def _known(image: Image) -> Platform:
    """The platform that its index states, or else, if that is not whole, its config."""
    stated = _stated(image)
    return stated if stated is not None and stated.architecture else image.config.platform


def _documents(node: Node, how: Importing, host: Host) -> Iterator[Node]:
    """All of an entry that an import reads, and keeps."""
    yield node
    for child in node.children if isinstance(node, ImageIndex) else ():
        if how.all_platforms or _passes(_stated(child), host):
            yield from _documents(child, how, host)


def _imported(node: Node, how: Importing, host: Host) -> list[Image]:
    """The images of an entry that an import keeps."""
    return [each for each in _documents(node, how, host) if isinstance(each, Image)]


def _absent(node: Node, how: Importing, host: Host) -> list[Absent]:
    """Documents that an import stumbles over; a config is not read before it is unpacked."""
    if isinstance(node, Absent):
        return [node] if node.descriptor.digest in node.missing else []
    if not isinstance(node, ImageIndex):
        return []
    found = []
    for child in node.children:
        if how.all_platforms or _passes(_stated(child), host):
            found += _absent(child, how, host)
    return found


def _image(
    facts: Facts, item: Item, how: Importing, platform: Platform, reading: Prediction
) -> None:
    """One entry: its names, and whether it can be unpacked."""
    kind = "index" if isinstance(item.node, ImageIndex) else "manifest"
    held = list(images(item.node)) if item.node is not None else []
    if isinstance(item.node, Artifact):
        if item.name or how.by_digest:
            unpack_artifact(item.node, item.label, how, reading)
        if how.familiar or not (item.name or how.by_digest):
            return
    names = _shown_names(item, how, reading)
    if names is None:
        if how.unpacks == "passing":  # core/transfer/local/import.go: before images are made
            _unpack_item(facts, item, how, platform, reading)
        return
    host = how.matching(platform)
    kept = set(_imported(item.node, how, host)) if item.node is not None else set()
    for held_image in held:
        if held_image not in kept:
            reading.lose("other-platforms", f"{item.label} for {held_image.platform}")
    reading.images.append(
        Loaded(
            names=names,
            image_id=item.digest,
            id_of=kind,
            platform=None if kind == "index" else _platform(item),
        )
    )
    _unpack_item(facts, item, how, platform, reading)


def _unpack_item(
    facts: Facts, item: Item, how: Importing, platform: Platform, reading: Prediction
) -> None:
    """Whether what an entry leads to can be unpacked."""
    if item.saved is not None:
        if item.saved.config is not None and reading.first(item.saved):
            unpack_saved(facts, item.saved, how, platform, reading)
        return
    if item.node is None or isinstance(item.node, Artifact):
        return
    if reading.first("sha512", item.digest):
        _sha512(item.node, item.label, reading)
    _unpack(facts, item, how, platform, reading)


def _unpack(
    facts: Facts, item: Item, how: Importing, platform: Platform, reading: Prediction
) -> None:
    """Whether the images of an entry can be unpacked, and whether there is one for the host."""
    if item.node is None:
        return
    unpacked = _unpacked(item.node, how, platform)
    for image in unpacked:
        stated = image.descriptor.digest if image.descriptor is not None else None
        if reading.first("unpack", stated, image.config.digest):
            unpack(facts, image, item.label, how, platform, reading)
        if how.familiar and any(
            layer.lacking and not facts.have.holds(Finds.BLOB, layer.digest, None)
            for layer in image.layers
        ):
            # It is named and unpacked, and shows as an image without a platform.
            reading.images[:] = [each for each in reading.images if each.image_id != item.digest]
            reading.lose("missing-layer", f"{item.label} lacks a layer, which is there unpacked")
    for each in _documents(item.node, how, how.matching(platform)):
        if isinstance(each, Absent) and each.descriptor.digest not in each.missing:
            reading.fail("missing-config", f"{item.label}: {each.missing[0]} is not there")
    if unpacked:
        return
    held = sorted({str(each.platform) for each in images(item.node)})
    why = f"{item.label} is for {', '.join(held) or 'nothing'}, the host is {platform}"
    if how.unpacks in ("load", "later"):
        reading.fail("no-platform" if held else "missing-manifest", why)
    elif held:
        reading.lose("no-platform", why)  # it is listed, and nothing can run of it


def _sha512(node: Node, label: str, reading: Prediction) -> None:
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


def _platform(item: Item) -> Platform | None:
    if isinstance(item.node, Image):
        return item.node.platform
    return item.platform


def _shown_names(item: Item, how: Importing, reading: Prediction) -> tuple[str, ...] | None:
    """The names of an image as they are shown; None when no image is created."""
    digest = f"{how.by_digest}@{item.digest or 'sha256:?'}"
    if not item.name:
        if not how.by_digest:
            reading.lose("no-name", f"{item.label} has no name")
            return None
        if not isinstance(item.node, Artifact):
            reading.lose("nameless", f"{item.label} has no name: it is found by its digest alone")
        return () if how.familiar else (digest,)
    if how.familiar:
        return _familiar(item.name, reading)
    if item.name.startswith(f"{how.prefix}:") and how.prefix:
        reading.lose("generated-name", f"{item.label!r} is a tag without a repository")
    elif whole(item.name) != item.name:
        reading.lose("short-name", f"{item.name!r} is not {whole(item.name) or 'a name'}")
    return (item.name, digest) if how.always_by_digest else (item.name,)


def _familiar(name: str, reading: Prediction) -> tuple[str, ...] | None:
    """A name of the image store as Docker shows it; None for what it does not list."""
    try:
        plain = Reference.parse(name, default_tag="")
    except InvalidReferenceError:
        plain = None
    if plain is None or not (plain.tag or str(plain) == name):
        reading.lose("hidden-name", f"{name!r} is not a whole name")
        return None
    if str(plain) != name or not plain.tag:
        reading.lose("unfound-name", f"{name!r} is not {whole(name)}")
    return (plain.familiar,)


def _unpacked(node: Node, how: Importing, platform: Platform) -> list[Image]:
    """The images of an entry that are unpacked; a lone one is, whatever it is for."""
    if isinstance(node, Image):
        return [node]
    if how.unpacks == "present":
        return list(images(node))
    if how.unpacks == "host":  # moby daemon/containerd/image_exporter.go, LoadImage
        return [each for each in images(node) if runs(_known(each), platform)]
    host = how.matching(platform)
    if how.unpacks == "passing":
        return _imported(node, how, host)
    best = _best(node, host)
    return [best] if best is not None else []


def _best(node: Node, host: Host) -> Image | None:
    """The image of an index that is used: at each level the first of the best, and no other.

    containerd images/image.go, Manifest. Where an index says nothing of a platform the config
    does, without its variant.
    """
    if isinstance(node, Image):
        return node
    ranked = []
    for child in node.children if isinstance(node, ImageIndex) else ():
        stated = _stated(child)
        rank = len(host.choices) if stated is None else host.rank(stated)
        if rank is not None:
            ranked.append((rank, child))
    if not ranked:
        return None
    _, child = min(ranked, key=lambda each: each[0])
    found = _best(child, host)
    if found is not None and isinstance(child, Image) and _stated(child) is None:
        config = child.config.platform
        plain = Platform(os=config.os or host.choices[0].os, architecture=config.architecture)
        return found if host.takes(plain) else None
    return found


def _last_words(
    facts: Facts, items: list[Item], target: Target, how: Importing, reading: Prediction
) -> None:
    """What manifest.json knows beside a layout, and what a kubelet finds later."""
    if facts.version and facts.saved:
        nodes = [node for item in items if item.node is not None for node in walk(item.node)]
        held = Configs.of(node for node in nodes if isinstance(node, Image))
        taken = {whole(name) for loaded in reading.images for name in loaded.names}
        for saved in facts.saved:
            if saved.config is None:
                continue
            if not held.lists(saved):
                reading.lose("images-left", f"{saved.label} stands in manifest.json only")
                continue
            for tag in saved.tags:
                if whole(tag) not in taken:
                    reading.lose("names-left", f"{tag} stands in manifest.json only")
    codes = {each.rule.code for each in reading.reasons}
    if "missing-layer" in codes and how.unpacks == "load" and target.version < (2,):
        names = [name for loaded in reading.images for name in loaded.names]
        reading.note(
            "name-left", f"{', '.join(names[:4]) or 'the image'} stays, without its layers"
        )
    if how.unpacks == "later" and codes and codes <= UNPACKED:
        reading.note("unpacked-later", "the import says nothing; the pod will not start")
    if target.name == "rke2" and facts.saved is None:
        reading.note("runtime-images", "there is no manifest.json; for other images none is needed")
