"""Shapes out of public reports that are read as they are: of macOS, crane, stargz and others."""

from __future__ import annotations

import gzip
import struct
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import zstandard

from tests.builders.artifacts import Built, make_artifact, make_index, of_image
from tests.builders.docker import write_docker_archive
from tests.builders.files import Link, Members, write_members
from tests.builders.image import Image, Layer, go_json, hex_of, sha256
from tests.builders.layout import LAYOUT_MARKER, name_annotations, write_oci_archive
from tests.builders.typed import TAR

Make = Callable[[Image, Path], Path]
APPLE_DOUBLE = bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(120)
GZIP = f"{TAR}+gzip"


def archive_of(entries: Sequence[Mapping[str, Any]], dest: Path, *parts: Built) -> Path:
    """An archive of a layout."""
    index = make_index(entries).document
    blobs = {digest: data for part in parts for digest, data in part.blobs.items()}
    files: Members = {"oci-layout": LAYOUT_MARKER, "index.json": index}
    files |= {f"blobs/sha256/{hex_of(digest)}": data for digest, data in blobs.items()}
    return write_members(files, dest)


def stored(image: Image, layers: Sequence[tuple[str, bytes, dict[str, str]]]) -> Built:
    """An image of layers in other bytes: the media type, the bytes and annotations of each."""
    listed = [
        {
            "mediaType": media_type,
            "digest": sha256(data),
            "size": len(data),
            **({"annotations": notes} if notes else {}),
        }
        for media_type, data, notes in layers
    ]
    manifest = go_json({**image.manifest(), "layers": listed})
    below = {image.config_digest: image.config_bytes}
    below |= {sha256(data): data for _, data, _ in layers}
    return Built(manifest, of_image(image).media_type, below)


def _of_layers(image: Image, raws: Sequence[bytes]) -> Image:
    """The image with other layers."""
    layers = tuple(Layer(raw) for raw in raws)
    config = {**image.config, "history": [{"created_by": str(n)} for n in range(len(layers))]}
    config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return replace(image, layers=layers, config=config)


def _named(image: Image, built: Built, dest: Path, *parts: Built) -> Path:
    (name,) = image.names
    return archive_of([built.entry(annotations=name_annotations(name))], dest, built, *parts)


def with_apple_doubles(write: Make) -> Make:
    """What bsdtar on macOS writes: a companion beside each file, and folders' settings."""

    def make(image: Image, dest: Path) -> Path:
        members: Members = {".DS_Store": b"\0\0\0\1Bud1"}
        with tarfile.open(write(image, dest.with_suffix(".plain.tar"))) as tar:
            for member in tar:
                file = tar.extractfile(member)
                folder, _, name = member.name.rpartition("/")
                members[f"{folder}/._{name}" if folder else f"._{name}"] = APPLE_DOUBLE
                if file is not None:
                    members[member.name] = file.read()
        return write_members(members, dest)

    return make


def crane(tags: Sequence[str] | None) -> Make:
    """What go-containerregistry writes: the config under its digest, layers as `HEX.tar.gz`."""

    def make(image: Image, dest: Path) -> Path:
        layers = {}
        for layer in image.layers:
            data = gzip.compress(layer.raw, mtime=0)
            layers[f"{hex_of(sha256(data))}.tar.gz"] = data
        entry = {"Config": image.config_digest, "RepoTags": tags, "Layers": list(layers)}
        members: Members = {image.config_digest: image.config_bytes, **layers}
        return write_members({**members, "manifest.json": go_json([entry])}, dest)

    return make


def stray_links(*, listed: bool) -> Make:
    """Links that lead one level too deep, beside the files that they mean."""

    def make(image: Image, dest: Path) -> Path:
        members: Members = {f"{hex_of(image.config_digest)}.json": image.config_bytes}
        paths = []
        for number, layer in enumerate(image.layers):
            file = f"{hex_of(layer.diff_id)}.tar"
            members[file] = layer.raw
            members[f"{number}/layer.tar"] = Link(f".{file}")
            paths.append(f"{number}/layer.tar" if listed else file)
        entry = {
            "Config": f"{hex_of(image.config_digest)}.json",
            "RepoTags": list(image.names),
            "Layers": paths,
        }
        return write_members({**members, "manifest.json": go_json([entry])}, dest)

    return make


def zstd_chunked(image: Image, dest: Path) -> Path:
    """Frames of data, then of a table of contents, with its position in annotations."""
    layers = []
    for layer in image.layers:
        pack = zstandard.ZstdCompressor().compress
        data = pack(layer.raw[:1024]) + pack(layer.raw[1024:])
        table = pack(go_json({"version": 1, "entries": []}))
        at = len(data) + 8
        data += struct.pack("<II", 0x184D2A50, len(table)) + table
        notes = {"io.github.containers.zstd-chunked.manifest-position": f"{at}:{len(table)}:9:1"}
        layers.append((f"{TAR}+zstd", data, notes))
    return _named(image, stored(image, layers), dest)


def estargz(image: Image, dest: Path) -> Path:
    """Several members of gzip, the last of them a footer of no bytes with an extra field."""
    layers = []
    for layer in image.layers:
        half = len(layer.raw) // 1024 * 512
        parts = (layer.raw[:half], layer.raw[half:])
        data = b"".join(gzip.compress(each, mtime=0) for each in parts)
        extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % 9
        head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(extra)) + extra
        data += head + b"\x01\x00\x00\xff\xff" + bytes(8)
        layers.append((GZIP, data, {"containerd.io/snapshot/stargz/toc.digest": sha256(b"toc")}))
    return _named(image, stored(image, layers), dest)


def one_diff_id_in_two_blobs(image: Image, dest: Path) -> Path:
    """As kaniko does: the same layer twice, packed at two levels."""
    raw = image.layers[0].raw
    twice = _of_layers(image, [raw, image.layers[1].raw, raw])
    levels = zip(twice.layers, (9, 6, 1), strict=True)
    blobs = [gzip.compress(layer.raw, level, mtime=0) for layer, level in levels]
    return _named(twice, stored(twice, [(GZIP, data, {}) for data in blobs]), dest)


def empty_layers(image: Image, dest: Path) -> Path:
    """Layers of no files, several times, in two packings; and one of no bytes."""
    empty = bytes(1024)
    image = _of_layers(image, [image.layers[0].raw, empty, empty, empty, b""])
    plain, other = gzip.compress(empty, mtime=0), gzip.compress(empty, 1, mtime=1)
    first, last = (gzip.compress(raw, mtime=0) for raw in (image.layers[0].raw, b""))
    blobs = [first, plain, other, plain, last]
    return _named(image, stored(image, [(GZIP, data, {}) for data in blobs]), dest)


def _platforms(image: Image) -> tuple[Built, Built, list[dict[str, Any]]]:
    arm = replace(image, config={**image.config, "architecture": "arm64"})
    one, other = of_image(image), of_image(arm)
    entries = [one.entry(platform=image.platform), other.entry(platform=arm.platform)]
    return one, other, entries


def nameless_index(image: Image, dest: Path) -> Path:
    """An index of platforms without a word on its entry."""
    one, other, entries = _platforms(image)
    index = make_index(entries, one, other)
    return archive_of([index.entry()], dest, index)


def index_of_its_subject(image: Image, dest: Path) -> Path:
    """An index whose subject is one of its own children."""
    one, other, entries = _platforms(image)
    index = make_index(entries, one, other, subject=one.entry())
    return _named(image, index, dest)


def soci(*, listed: bool) -> Make:
    """A SOCI index: an artifact that refers to the image, and to its layers by annotation."""

    def make(image: Image, dest: Path) -> Path:
        (name,) = image.names
        built = of_image(image)
        index = make_artifact(
            b"ztoc" * 40,
            config_type="application/vnd.amazon.soci.index.v1+json",
            artifact_type="application/vnd.amazon.soci.index.v1+json",
            subject=built.entry(),
        )
        entries = [built.entry(annotations=name_annotations(name))]
        entries += [index.entry()] if listed else []
        return archive_of(entries, dest, built, index)

    return make


def buildkit_cache(image: Image, dest: Path) -> Path:
    """A build cache in the form of an image."""
    cache = make_artifact(
        gzip.compress(image.layers[0].raw, mtime=0),
        config_type="application/vnd.buildkit.cacheconfig.v0",
        config=go_json({"layers": [], "records": []}),
        layer_type=GZIP,
    )
    return _named(image, cache, dest)


def _of_windows(image: Image) -> Image:
    return replace(image, config={**image.config, "os": "windows", "os.version": "10.0.17763.1"})


SHAPES: dict[str, Make] = {
    "macOS, layout": with_apple_doubles(lambda image, dest: write_oci_archive([image], dest)),
    "macOS, docker save": with_apple_doubles(
        lambda image, dest: write_docker_archive([image], dest)
    ),
    "crane, by tag": crane(["index.docker.io/library/demo:1"]),
    "crane, by digest": crane(["registry.example.com/demo:i-was-a-digest"]),
    "crane, name@digest": crane([f"registry.example.com/demo@sha256:{'ab' * 32}"]),
    "crane, nameless": crane(None),
    "links astray": stray_links(listed=True),
    "links astray beside": stray_links(listed=False),
    "zstd:chunked": zstd_chunked,
    "eStargz": estargz,
    "one diff_id in two blobs": one_diff_id_in_two_blobs,
    "empty layers": empty_layers,
    "a nameless index": nameless_index,
    "an index of its subject": index_of_its_subject,
    "SOCI, listed": soci(listed=True),
    "SOCI, unlisted": soci(listed=False),
    "a build cache": buildkit_cache,
    "of Windows": lambda image, dest: write_docker_archive([_of_windows(image)], dest),
}
