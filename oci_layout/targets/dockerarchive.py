"""``docker-archive:`` of containers/image: what podman and skopeo make of ``manifest.json``.

containers/image docker/internal/tarfile/src.go, reader.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.mediatype import Compression
from oci_layout.model import dockersave
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.streams.names import cleaned
from oci_layout.streams.tarindex import MemberType, TarMember
from oci_layout.targets.answer import Loaded, Prediction
from oci_layout.targets.damage import Unpacks, report_damage, report_no_tar
from oci_layout.targets.docker import other_architecture
from oci_layout.targets.facts import Facts, Saved, SavedLayer, is_link, is_null
from oci_layout.targets.names import normalised, whole
from oci_layout.targets.traits import Traits
from oci_layout.targets.typed import Structs, unreadable

_MANIFEST_JSON = 1 << 20  # iolimits.MaxTarFileManifestSize


def read(facts: Facts, traits: Traits, platform: Platform) -> Prediction:
    """What comes of ``manifest.json``: podman takes all of it, skopeo the one image.

    Args:
        facts: the source, an archive.
        traits: of the engine.
        platform: of its host.
    """
    reading = Prediction()
    once = facts.outer is Compression.GZIP and not facts.packed_twice
    if once and not traits.packed_docker_archive:
        return reading.fail("outer-compression", "the archive is compressed with gzip")
    if facts.source.followed:
        return reading.fail("outer-rest", "something follows the end of the gzip stream")
    if facts.saved_there and not facts.exact(dockersave.MANIFEST):
        return reading.fail("absolute-name", "manifest.json is called /manifest.json")
    if not facts.saved_there:
        if facts.v1_tops:
            return reading.fail("v1-unknown", "V1 folders, and no manifest.json")
        return reading.fail("needs-manifest-json", "there is no manifest.json")
    member = facts.source.store.find(dockersave.MANIFEST)
    if member is not None and member.size > _MANIFEST_JSON:
        return reading.fail("document-size", f"manifest.json has {plural(member.size, 'byte')}")
    if not _read_list(facts, reading):
        return reading
    saved = facts.saved or ()
    if not saved:
        return reading.fail("no-image", "manifest.json lists nothing")
    if len(saved) > 1 and not traits.stores:
        return reading.fail("several-images", f"manifest.json lists {len(saved)}")
    for item in saved:
        _check_tags(item, reading)
    asked = _asked_for(saved, reading) if traits.stores else {each: each.tags for each in saved}
    for item, tags in asked.items():
        _saved(facts, item, tags, traits, platform, reading)
    return reading


def _read_list(facts: Facts, reading: Prediction) -> bool:
    """Whether ``manifest.json`` can be read, which json.Unmarshal does: nothing may follow it."""
    if facts.hard(dockersave.MANIFEST):
        reading.fail("linked-document", "manifest.json is a hard link")
    elif facts.saved_followed:
        reading.fail("bad-manifest-json", "something follows the list of manifest.json")
    elif facts.saved is None and not is_null(facts.source.store):
        reading.fail("bad-manifest-json", "manifest.json is no list")
    else:
        for each in facts.saved_mistyped:
            reading.fail("bad-manifest-json", f"{each.place}: expected {each.expected}")
        return True
    return False


def _asked_for(saved: Sequence[Saved], reading: Prediction) -> dict[Saved, tuple[str, ...]]:
    """The entries in the order in which podman loads them last, each with the tags it gets.

    containers/common libimage/pull.go, copyFromDockerArchiveReaderReference; containers/image
    docker/archive/reader.go: each tag of each entry is asked for by itself, and leads to the first
    entry that has it, which gets this tag alone. So an entry all of whose tags belong to others is
    never read.
    """
    first: dict[str, Saved] = {}
    for item in saved:
        for tag in item.tags:
            first.setdefault(whole(tag) or tag, item)
    loaded: dict[Saved, tuple[str, ...]] = {}
    for item in saved:
        if not item.tags:
            loaded[item] = ()
        for tag in item.tags:
            found = first[whole(tag) or tag]
            tags = loaded.pop(found, ())
            loaded[found] = tags if tag in tags else (*tags, tag)
    for item in saved:
        if item not in loaded:
            reading.lose("images-left", f"{item.label}: its names are those of another image")
    return loaded


def _check_tags(saved: Saved, reading: Prediction) -> None:
    for tag in saved.tags:
        try:
            if not Reference.parse(tag, default_tag="").tag:
                reading.fail("no-tag", f"{tag!r} has no tag")
        except InvalidReferenceError as error:
            reading.fail("bad-name", str(error))


def _saved(
    facts: Facts,
    saved: Saved,
    tags: Sequence[str],
    traits: Traits,
    platform: Platform,
    reading: Prediction,
) -> None:
    names = []
    for tag in tags:
        name = normalised(tag) if traits.stores else tag
        if name:
            names.append(name)
            if traits.stores and name != whole(tag):
                reading.lose("localhost-name", f"{tag} becomes {name}")
    if not saved.tags and traits.stores:
        reading.lose("nameless", f"{saved.label} has no name")
    config = saved.config
    if config is None:
        code = facts.absent(saved.config_name, "missing-config")
        reading.fail(code, f"{saved.label}: no config {saved.config_name}")
        return
    if not _is_called(saved.config_entry, saved.config_name):
        reading.fail("unclean-path", f"{saved.label}: no config {saved.config_name}")
    elif is_link(saved.config_entry, MemberType.HARDLINK):
        reading.fail("linked-config", f"{saved.label}: {saved.config_name} is a hard link")
    if config.diff_ids is None:
        reading.fail("no-rootfs", f"{saved.label}: the config has no rootfs")
    elif len(saved.layers) != len(config.diff_ids):
        reading.fail_count(saved.label, len(saved.layers), len(config.diff_ids))
    else:
        _layer_files(facts, saved, traits, reading)
    for field in unreadable(config, Structs.BOTH if traits.stores else Structs.DOCKER):
        reading.fail("bad-config", f"{saved.label}: {field}")
    other_architecture(config, saved.label, platform, reading)
    reading.images.append(
        Loaded(names=tuple(names), image_id=config.digest, id_of="config", platform=config.platform)
    )


def _layer_files(facts: Facts, saved: Saved, traits: Traits, reading: Prediction) -> None:
    """Layers are known by diff_id: of those that repeat, the first is read."""
    first: dict[object, SavedLayer] = {}
    used: dict[str, object] = {}
    unpacks = Unpacks.DIFFS if traits.stores else Unpacks.NOT
    for number, layer in enumerate(saved.layers):
        if layer.diff_id in first:
            continue
        first[layer.diff_id] = layer
        place = f"{saved.label}: layer {number}"
        if used.setdefault(layer.name, layer.diff_id) != layer.diff_id:
            reading.fail("shared-layer-file", f"{place}: {layer.name} stands for two diff_ids")
        if layer.member is None:
            code = facts.absent(layer.name, "missing-layer")
            reading.fail(code, f"{place}: {layer.name} is not there")
        elif not _is_called(layer.entry, layer.name):
            reading.fail("unclean-path", f"{place}: {layer.name} is not there")
        elif is_link(layer.entry, MemberType.HARDLINK):
            reading.fail("linked-layer", f"{place}: {layer.name} is a hard link")
        elif is_link(layer.entry, MemberType.SYMLINK):
            reading.fail("linked-layer", f"{place}: {layer.name} is a link")
        else:
            report_damage(facts, saved.layers, number, place, reading, unpacks=unpacks)
            if traits.stores:
                report_no_tar(layer.member, place, reading)
            elif _contradicts(layer):
                reading.fail("diff-id", f"{place} is {layer.name}, not {layer.diff_id}")


def _is_called(entry: TarMember | None, path: str) -> bool:
    """Whether a member is found by a path: both are cleaned, a leading ``/`` counts."""
    return entry is None or cleaned(entry.name) == cleaned(path)


def _contradicts(layer: SavedLayer) -> bool:
    """Whether a layer that is not packed is called after another digest than its diff_id."""
    digest = Digest.of_path(layer.name)
    if digest is None or layer.diff_id is None or layer.packing is not Compression.NONE:
        return False
    return digest.algorithm == layer.diff_id.algorithm and digest != layer.diff_id
