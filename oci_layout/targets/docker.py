"""``docker load`` on Docker's own store: ``manifest.json``, and V1 folders before it.

moby image/tarexport/load.go; docker 1.9 graph/load.go.
"""

from __future__ import annotations

import contextlib

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Artifact, Image
from oci_layout.graph.walk import images, walk
from oci_layout.mediatype import Compression
from oci_layout.model import dockersave
from oci_layout.model.config import Config
from oci_layout.platform import Platform
from oci_layout.reference import InvalidReferenceError, Reference
from oci_layout.source import kinds
from oci_layout.source.reading import read_bounded
from oci_layout.targets.answer import Loaded, Prediction
from oci_layout.targets.damage import Unpacks, report_damage, report_no_tar
from oci_layout.targets.facts import Configs, Facts, Saved
from oci_layout.targets.hosts import runs
from oci_layout.targets.target import Since, Target, at, dotted
from oci_layout.targets.typed import ESCAPED_TIMES, Structs, unreadable

_OLD = frozenset({Compression.NONE, Compression.GZIP, Compression.BZIP2, Compression.XZ})

# What DecompressStream knows, for the archive as a whole and for each layer alike.
PACKINGS = (
    Since(version=(1,), value=_OLD, source="measured: Docker 20.10.24, without zstd"),
    Since(
        version=(23,),
        value=_OLD | {Compression.ZSTD},
        source="measured: Docker 26.1.5, 28.5.2, with zstd; moby pkg/archive/archive.go of 23.0",
    ),
)
# Whether the decoder takes windows that RFC 8878 does not ask of each.
WINDOWS = (
    Since(version=(1,), value=True, source="measured: Docker 20.10.24, which knows no zstd"),
    Since(version=(26,), value=False, source="measured: Docker 26.1.5, which panics"),
    Since(version=(27,), value=True, source="measured: Docker 28.5.2"),
)
# What becomes of an archive without manifest.json, and with V1 folders.
V1 = (
    Since(version=(1,), value="only", source="docker 1.9 graph/load.go"),
    Since(
        version=(1, 10),
        value="without manifest.json",
        source="measured: Docker 20.10.24, 26.1.5, 28.5.2",
    ),
    Since(version=(29,), value="never", source="moby image/tarexport/load.go of 29"),
)
# Whether the case of a config's "os" matters.
OS_CASE = (
    Since(version=(1,), value=True, source="measured: Docker 20.10.24, which panics at Linux"),
    Since(version=(23,), value=False, source="measured: Docker 26.1.5, 28.5.2; moby 23.0"),
)
# Whether what follows the end of a packed stream is passed over, around an archive or in a layer.
RESTS = (
    Since(version=(1,), value=False, source="measured: Docker 20.10.24"),
    Since(version=(26,), value=True, source="measured: Docker 26.1.5, 28.5.2"),
)
# How layers are unpacked.
UNPACKS = (
    Since(version=(1,), value=Unpacks.DIFFS, source="measured: Docker 20.10.24, 26.1.5"),
    Since(version=(28,), value=Unpacks.LOCAL_DIFFS, source="measured: Docker 28.5.2"),
)
DEEPEST = 125  # moby layer/layer_store.go, maxLayerDepth


def read(facts: Facts, target: Target, platform: Platform) -> Prediction:
    """What ``docker load`` makes of a source.

    Args:
        facts: the source.
        target: which Docker.
        platform: of its host.
    """
    reading = Prediction(unpacked=set(facts.have.chains))
    packings = at(PACKINGS, target.version).value
    escaped = at(ESCAPED_TIMES, target.version).value
    windows = at(WINDOWS, target.version).value
    if not windows and facts.source.window > limits.ZSTD_WINDOW:
        reading.fail("zstd-window", f"the archive has a window of {facts.source.window} bytes")
    if facts.source.followed and not at(RESTS, target.version).value:
        reading.fail("outer-rest", "something follows the end of the gzip stream")
    if not _file(facts, packings, reading):
        return reading
    row = at(V1, target.version)
    v1 = row.value
    if v1 == "only":
        return _v1(facts, reading)
    if not facts.saved_there:
        if facts.v1_tops and not _is_layout(facts):
            if v1 == "never":
                return reading.fail(
                    "v1-unknown",
                    f"V1 folders and no manifest.json: {dotted(row.version)} and later do not "
                    "read it",
                )
            return _legacy(facts, reading)
        return reading.fail("needs-manifest-json", "there is no manifest.json")
    if facts.saved is None:
        return reading.fail("bad-manifest-json", "manifest.json is null, or no list")
    _listed(facts, facts.saved, reading)
    for saved in facts.saved:
        for field in _misread(saved, escaped_times=escaped):
            reading.fail("bad-config", f"{saved.label}: {field}")
        _entry(facts, saved, target, platform, reading)
        _other_os(saved, target, platform, reading)
        for number, layer in enumerate(saved.layers) if not windows else ():
            if layer.window > limits.ZSTD_WINDOW:
                place = f"{saved.label}: layer {number}"
                reading.fail("zstd-window", f"{place} has a window of {layer.window} bytes")
    if not reading.reasons:
        _losses(facts, facts.saved, reading)
    return reading


def _listed(facts: Facts, saved: tuple[Saved, ...], reading: Prediction) -> None:
    """``manifest.json`` itself."""
    for each in facts.saved_mistyped:
        reading.fail("bad-manifest-json", f"{each.place}: expected {each.expected}")
    if not saved:
        reading.fail("no-image", "manifest.json lists nothing")


def _file(facts: Facts, packings: frozenset[Compression], reading: Prediction) -> bool:
    """The archive as a whole; whether it can be read at all."""
    if not facts.archive:
        reading.fail("needs-archive", "this is a directory")
    elif facts.outer not in packings:
        reading.fail(
            "outer-compression",
            f"the archive is compressed with {facts.outer}, which Docker reads from 23.0 on",
        )
    elif facts.packed_twice:
        reading.fail("outer-compression", "the archive is compressed twice")
    elif facts.broken is not None:
        reading.fail("broken-archive", str(facts.broken))
    for finding in facts.source.findings.errors:
        if finding.code == "unsafe-name":
            reading.fail("unsafe-name", str(finding))
    if facts.old_gnu:
        reading.fail("sparse-member", f"{min(facts.old_gnu)} is a sparse file of GNU's type")
    if facts.odd_types:
        reading.fail("member-type", f"{min(facts.odd_types)} is of a type that nobody knows")
    if facts.outer is Compression.XZ and not reading.reasons:
        reading.note("needs-xz", "the archive is compressed with xz")
    return not reading.reasons


def _is_layout(facts: Facts) -> bool:
    return facts.index is not None or facts.version is not None


def _entry(
    facts: Facts,
    saved: Saved,
    target: Target,
    platform: Platform,
    reading: Prediction,
) -> None:
    """One entry of ``manifest.json``, checked in the order that Docker has."""
    config = saved.config
    if config is None:
        code = facts.absent(saved.config_name, "missing-config")
        reading.fail(code, f"{saved.label}: no config {saved.config_name}")
        return
    if config.diff_ids is None:
        reading.fail("no-rootfs", f"{saved.label}: the config has no rootfs")
        return
    if len(saved.layers) != len(config.diff_ids):
        reading.fail_count(saved.label, len(saved.layers), len(config.diff_ids))
        return
    if config.history is not None and config.history > len(config.diff_ids):
        reading.fail(
            "history-count",
            f"{saved.label}: {config.history} history lines of layers, "
            f"{plural(len(config.diff_ids), 'layer')}",
        )
    if len(saved.layers) > DEEPEST:
        reading.fail("layer-depth", f"{saved.label} has {plural(len(saved.layers), 'layer')}")
    unpacked = reading.unpack(config.diff_ids)
    for number in range(len(saved.layers)):
        if not unpacked[number]:
            _layer(facts, saved, number, target, reading)
    names = _names(saved, reading)
    if not names:
        reading.lose("nameless", f"{config.digest.short} has no name")
    other_architecture(config, saved.label, platform, reading)
    reading.images.append(
        Loaded(names=names, image_id=config.digest, id_of="config", platform=config.platform)
    )


def _other_os(saved: Saved, target: Target, platform: Platform, reading: Prediction) -> None:
    """An image of another operating system; image/tarexport/load.go compares by EqualFold."""
    config = saved.config
    if config is None or config.diff_ids is None:
        return
    system = config.platform.os
    if not at(OS_CASE, target.version).value:
        system = system.lower()
    if system not in ("", platform.os):
        reading.fail("other-os", f"{saved.label} is for {config.platform}")


def _misread(saved: Saved, *, escaped_times: bool) -> list[str]:
    """Fields of an entry's config that Docker refuses; of one without rootfs it says that first."""
    if saved.config is None or saved.config.diff_ids is None:
        return []
    return unreadable(saved.config, Structs.DOCKER, escaped_times=escaped_times)


def _layer(
    facts: Facts,
    saved: Saved,
    number: int,
    target: Target,
    reading: Prediction,
) -> None:
    layer, label = saved.layers[number], f"{saved.label}: layer {number}"
    if layer.member is None:
        code = facts.absent(layer.name, "missing-layer")
        reading.fail(code, f"{label}: {layer.name} is not there")
        return
    if layer.packing not in at(PACKINGS, target.version).value:
        reading.fail(
            "layer-packing",
            f"{label} is packed with {layer.packing}, which Docker unpacks from 23.0 on",
        )
    elif layer.packing is Compression.XZ:
        reading.note("needs-xz", f"{label} is packed with xz")
    report_damage(
        facts,
        saved.layers,
        number,
        label,
        reading,
        unpacks=at(UNPACKS, target.version).value,
        rests=at(RESTS, target.version).value,
    )
    report_no_tar(layer.member, label, reading)


def other_architecture(config: Config, label: str, platform: Platform, reading: Prediction) -> None:
    """Note that an image will load and not run."""
    stated = config.platform
    if stated.os.lower() == platform.os and stated.architecture and not runs(stated, platform):
        reading.note("other-architecture", f"{label} is for {stated}, the host is {platform}")


def _names(saved: Saved, reading: Prediction) -> tuple[str, ...]:
    names = []
    for tag in saved.tags:
        try:
            name = Reference.parse(tag, default_tag="")
        except InvalidReferenceError as error:
            reading.fail("bad-name", str(error))
            continue
        if not name.tag:
            reading.fail("no-tag", f"{tag!r} has no tag")
        if name.familiar_repository != "sha256":  # reference/store.go refuses it, load goes on
            names.append(name.familiar)
    return tuple(names)


def _v1(facts: Facts, reading: Prediction) -> Prediction:
    """Docker before 1.10: folders, each an image; ``repositories`` may be missing."""
    strange = sorted(facts.folders - facts.v1_tops)
    if strange or not facts.v1_tops:
        what = f"the folder {strange[0]!r} is no V1 image" if strange else "no V1 folder"
        return reading.fail("needs-v1", what)
    named = _repositories(facts)
    for identity in sorted(named.keys() & facts.v1_tops):
        names = tuple(named[identity])
        reading.images.append(Loaded(names=names, image_id=identity, id_of="v1", platform=None))
    if not reading.images:
        reading.images.append(Loaded(names=(), image_id=None, id_of="v1", platform=None))
        reading.lose("nameless", "no name stands in repositories")
    reading.note("v1-id", "image IDs are those of the folders")
    return reading


def _repositories(facts: Facts) -> dict[str, list[str]]:
    """The V1 ids of ``repositories``, each with the familiar names that stand for it."""
    member = facts.source.store.find(dockersave.REPOSITORIES)
    raw = read_bounded(member, Findings()) if member is not None else None
    saved = dockersave.read_repositories(raw, Findings()) if raw is not None else {}
    tops: dict[str, str] = {}
    for repository, tags in saved.items():
        for tag, identity in tags.items():
            with contextlib.suppress(InvalidReferenceError):
                tops[Reference.parse(f"{repository}:{tag}").familiar] = identity
    named: dict[str, list[str]] = {}
    for name, identity in tops.items():
        named.setdefault(identity, []).append(name)
    return named


def _legacy(facts: Facts, reading: Prediction) -> Prediction:
    """V1 images in Docker 1.10 to 28: it makes the configs itself."""
    if facts.source.store.find(dockersave.REPOSITORIES) is None:
        return reading.fail("v1-repositories", "there is no repositories file")
    strange = sorted(facts.folders - facts.v1_tops)
    if strange:
        return reading.fail("needs-v1", f"the folder {strange[0]!r} is no V1 image")
    if facts.source.kind is kinds.V1 and facts.source.findings.errors:
        return reading.fail("missing-layer", str(facts.source.findings.errors[0]))
    named = _repositories(facts)
    for identity in sorted(named):
        names = tuple(named[identity])
        reading.images.append(Loaded(names=names, image_id=None, id_of="new", platform=None))
    if not reading.images:
        return reading.fail("no-image", "repositories names nothing")
    reading.note("v1-id", "Docker makes a config of each, so that its image ID is a new one")
    return reading


def _losses(facts: Facts, saved: tuple[Saved, ...], reading: Prediction) -> None:
    """What the views hold that Docker does not look at."""
    taken = Configs.saved(saved)
    for entry in facts.index or ():
        nodes = list(walk(entry.node))
        held = list(images(entry.node))
        left = [image for image in held if not taken.has(image)]
        if held and len(left) == len(held):
            reading.lose("images-left", f"{entry.label} stands in index.json only")
            continue
        for image in left:
            reading.lose("other-platforms", f"{entry.label} for {image.platform}")
        if any(isinstance(node, Artifact) and node.is_attestation for node in nodes):
            reading.lose("attestations", f"attestations of {entry.label}")
        if any(isinstance(node, Image) and node.descriptor is not None for node in nodes):
            reading.lose("manifest-digest", f"{entry.descriptor.digest} of {entry.label}")
