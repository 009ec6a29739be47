"""Archives and folders as mappings of names to bytes, to edit them by hand and to compare them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders import (
    Image,
    Layer,
    go_json,
    make_image,
    name_annotations,
    sha256,
    write_files,
    write_members,
)
from tests.builders.files import Link

Files = dict[str, bytes]


def read(path: Path) -> Files:
    """The regular files of a folder or an archive."""
    if path.is_dir():
        return {
            str(file.relative_to(path)): file.read_bytes()
            for file in sorted(path.rglob("*"))
            if file.is_file()
        }
    files: Files = {}
    with tarfile.open(path) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data is not None:
                files[member.name] = data.read()
    return files


def edit(path: Path, change: Callable[[Files], None]) -> Path:
    """Change files of a folder or archive in place, as a person with an editor would."""
    files = read(path)
    before = dict(files)
    change(files)
    if path.is_dir():
        for name in before.keys() - files.keys():
            (path / name).unlink()
        for name, data in files.items():
            if before.get(name) != data:
                (path / name).write_bytes(data)
        return path
    with tarfile.open(path) as archive:
        members: dict[str, bytes | Link] = {
            member.name: Link(member.linkname) for member in archive if member.issym()
        }
    return write_members({**files, **members}, path)


def fingerprint(path: Path) -> str | dict[str, str] | None:
    """What tells two archives or two folders apart; None where there is nothing."""
    if path.is_dir():
        return {name: sha256(data) for name, data in read(path).items()}
    return sha256(path.read_bytes()) if os.path.lexists(path) else None


def blob_name(digest: str) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/{digest.replace(':', '/')}"


def manifest_of(path: Path) -> dict[str, Any]:
    """The manifest of the only image of a layout."""
    files = read(path)
    (entry,) = json.loads(files["index.json"])["manifests"]
    value: dict[str, Any] = json.loads(files[blob_name(entry["digest"])])
    return value


def config_of(path: Path) -> bytes:
    """The config of the only image of a layout."""
    return read(path)[blob_name(manifest_of(path)["config"]["digest"])]


def layout_files(manifest: bytes, *blobs: bytes, **entry: Any) -> Files:
    """A layout around a manifest and blobs made by hand.

    Args:
        entry: fields laid over the one entry of `index.json`.
    """
    top = {
        "mediaType": json.loads(manifest)["mediaType"],
        "digest": sha256(manifest),
        "size": len(manifest),
        **entry,
    }
    index = {"schemaVersion": 2, "manifests": [top]}
    files = {blob_name(sha256(data)): data for data in (*blobs, manifest)}
    return {**files, "index.json": go_json(index), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}


def heavy_image(seed: int, *names: str, layers: int = 4, size: int = 1 << 20) -> Image:
    """An image large enough to be caught at work, of bytes that do not pack well."""
    source = random.Random(seed)  # noqa: S311  the same image in every run
    files = [{f"srv/{number}": source.randbytes(size)} for number in range(layers)]
    return make_image(files, names=names or ("heavy:1",))


def image_of(*layers: Layer, names: tuple[str, ...] = ("demo:1",)) -> Image:
    """An image of the given layers, whatever they hold."""
    base = make_image([{}] * len(layers), names=names)
    config = {
        **base.config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    return Image(layers=layers, config=config, names=names)


def sha512(data: bytes) -> str:
    """The other registered digest of data."""
    return "sha512:" + hashlib.sha512(data).hexdigest()


def sha512_layout(image: Image, dest: Path) -> Path:
    """A layout in which every digest is sha512 but the diff_ids."""
    manifest = image.manifest()
    manifest["config"]["digest"] = sha512(image.config_bytes)
    for layer, entry in zip(image.layers, manifest["layers"], strict=True):
        entry["digest"] = sha512(layer.stored)
    raw = go_json(manifest)
    notes = name_annotations(image.names[0])
    files = layout_files(raw, digest=sha512(raw), annotations=notes)
    kept = {name: data for name, data in files.items() if not name.startswith("blobs/")}
    blobs = [raw, image.config_bytes, *(layer.stored for layer in image.layers)]
    return write_files({**kept, **{blob_name(sha512(data)): data for data in blobs}}, dest)
