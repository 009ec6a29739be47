"""containerd's root as containerd writes it: its database and its blobs, by their rules alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.builders.artifacts import Built, of_image
from tests.builders.bbolt import Tree, bbolt
from tests.builders.files import write_files
from tests.builders.image import Family, Image, full_name, hex_of

BLOBS = "io.containerd.content.v1.content/blobs"
DATABASE = "io.containerd.metadata.v1.bolt/meta.db"
KEEPS = "containerd.io/gc.ref.content"
Held = Sequence[tuple[str, Built]]


def blob_name(digest: str) -> str:
    """Where a blob lies below the root."""
    return f"{BLOBS}/sha256/{hex_of(digest)}"


def varint(number: int) -> bytes:
    """A number as Go's binary.PutVarint has it."""
    left, found = number << 1 if number >= 0 else ~(number << 1), b""
    while left >= 0x80:
        found += bytes([left & 0x7F | 0x80])
        left >>= 7
    return found + bytes([left])


def record(built: Built, **more: bytes | Tree) -> Tree:
    """What is listed of an image."""
    target = {
        b"digest": built.digest.encode(),
        b"mediatype": built.media_type.encode(),
        b"size": varint(len(built.document)),
    }
    found: dict[bytes, bytes | Tree] = {
        b"createdat": b"\x01\0\0\0\x0e\xe1",
        b"updatedat": b"\x01\0\0\0\x0e\xe1",
        b"labels": {b"io.cri-containerd.image": b"managed"},
        b"target": target,
    }
    return {**found, **{key.encode(): value for key, value in more.items()}}


def _labels(data: bytes, *, layers: bool) -> dict[bytes, bytes]:
    """What keeps alive all that a document leads to."""
    value: dict[str, Any] = json.loads(data) if data.startswith(b"{") else {}
    found = {}
    config = value.get("config", {})
    if isinstance(config, dict) and "digest" in config:
        found[f"{KEEPS}.config"] = config["digest"]
    for key, name in (("manifests", "m"), ("layers", "l")):
        for number, each in enumerate(value.get(key, []) if layers or key != "layers" else []):
            found[f"{KEEPS}.{name}.{number}"] = each["digest"]
    return {key.encode(): text.encode() for key, text in found.items()}


def namespace(held: Held, *, discards: bool = False, more: Iterable[str] = ()) -> Tree:
    """What the database has of a namespace.

    Args:
        held: images by their names.
        discards: whether layers are let go of after unpacking.
        more: digests of other blobs.
    """
    blobs: dict[bytes, bytes | Tree] = {each.encode(): {b"size": varint(1)} for each in more}
    for _, built in held:
        for digest, data in built.blobs.items():
            labels = _labels(data, layers=not discards)
            blobs[digest.encode()] = {b"size": varint(len(data)), b"labels": labels}
    images = {name.encode("utf-8", "surrogateescape"): record(built) for name, built in held}
    return {
        b"images": images,
        b"content": {b"blob": blobs},
        b"snapshots": {b"overlayfs": {b"sha256:1": {b"name": b"1"}}},
        b"leases": {},
    }


def database(namespaces: Mapping[bytes, Tree]) -> Tree:
    """All of the database."""
    return {b"v1": {b"version": b"\x06", **namespaces}}


def of_images(images: Sequence[Image], family: Family = "oci") -> list[tuple[str, Built]]:
    """Images under their full names."""
    return [(full_name(name), of_image(image, family)) for image in images for name in image.names]


def write_containerd_root(
    namespaces: Mapping[str, Held],
    dest: Path,
    *,
    drop: Iterable[str] = (),
    discards: bool = False,
    change: Callable[[dict[bytes, Any]], object] = lambda _: None,
    page_size: int = 4096,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a root.

    Args:
        namespaces: images by name, in each of them.
        dest: the folder.
        drop: digests of blobs whose files are not there.
        discards: whether layers are let go of after unpacking.
        change: edits what the database has of namespaces.
        page_size: of the database.
        more: other blobs, by digest: no namespace has them.
    """
    spaces: dict[bytes, Any] = {
        key.encode(): namespace(held, discards=discards) for key, held in namespaces.items()
    }
    change(spaces)
    files = {DATABASE: bbolt(database(spaces), page_size=page_size)}
    for held in namespaces.values():
        for _, built in held:
            files |= {blob_name(digest): data for digest, data in built.blobs.items()}
    files |= {blob_name(digest): data for digest, data in (more or {}).items()}
    for digest in drop:
        files.pop(blob_name(digest), None)
    return write_files(files, dest)
