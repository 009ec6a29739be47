"""Docker's classic root as Docker writes it on overlay2, vfs and others, by its rules alone."""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders.files import write_files
from tests.builders.image import Image, full_name, hex_of, sha256

FOLDERS = {
    "overlay2": "overlay2/{}/diff",
    "fuse-overlayfs": "fuse-overlayfs/{}/diff",
    "vfs": "vfs/dir/{}",
    "aufs": "aufs/diff/{}",
    "btrfs": "btrfs/subvolumes/{}",
}
WHOLE = ("vfs", "btrfs")  # drivers whose layers are whole file systems
Line = dict[str, Any]
Lines = list[Line]
Edit = Callable[[Lines], Any]


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0xD800000000000000 if value & 1 else 0)
    return value


_TABLE = [_entry(value) for value in range(256)]


def crc64(data: bytes) -> bytes:
    """CRC-64 of ISO 3309, byte by byte out of a table, as Go's hash/crc64 has it."""
    value = (1 << 64) - 1
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return (value ^ ((1 << 64) - 1)).to_bytes(8, "big")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def split(raw: bytes) -> Lines:
    """What tar-split writes down of a layer's tar."""
    lines: Lines = []

    def add(line: Line) -> None:
        lines.append({**line, "position": len(lines)})

    at = 0
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar:
            if not member.isreg() or not member.size:
                continue
            add({"type": 2, "payload": _text(raw[at : member.offset_data])})
            at = member.offset_data + member.size
            name = member.name.encode("utf-8", "surrogateescape")
            named = {"name": member.name} if name.isascii() else {"name_raw": _text(name)}
            crc = _text(crc64(raw[member.offset_data : at]))
            add({"type": 1, **named, "size": member.size, "payload": crc})
    add({"type": 2, "payload": _text(raw[at:])})
    return lines


def packed(lines: Lines) -> bytes:
    """The lines as the file that holds them."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    return gzip.compress(text.encode(), mtime=0)


def chains(image: Image) -> list[str]:
    """The chain ID of each layer, without its algorithm."""
    found: list[str] = []
    for diff_id in image.diff_ids:
        above = sha256(f"sha256:{found[-1]} {diff_id}".encode()) if found else diff_id
        found.append(hex_of(above))
    return found


@dataclass(frozen=True)
class Root:
    """Where what is in a root that was written.

    Args:
        path: the root.
        driver: of the storage.
    """

    path: Path
    driver: str

    @property
    def image(self) -> Path:
        """The folder with the images of the driver."""
        return self.path / "image" / self.driver

    def layer(self, image: Image, number: int = 0) -> Path:
        """The folder of what was written down of a layer."""
        return self.image / "layerdb/sha256" / chains(image)[number]

    def files(self, image: Image, number: int = 0) -> Path:
        """The folder with a layer's files."""
        cache_id = (self.layer(image, number) / "cache-id").read_text()
        return self.path / FOLDERS[self.driver].format(cache_id)

    def edit(self, image: Image, edit: Edit, number: int = 0) -> Path:
        """Change what was written down of a layer, and give the root."""
        path = self.layer(image, number) / "tar-split.json.gz"
        lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        edit(lines)
        path.write_bytes(packed(lines))
        return self.path


def write_docker_root(
    images: Sequence[Image], path: Path, *, driver: str = "overlay2", more: Mapping[str, str] = {}
) -> Root:
    """Write a root.

    Args:
        images: their layers are unpacked, and only that.
        path: the root.
        driver: of the storage.
        more: other references, each with an image ID.
    """
    root = Root(path, driver)
    repositories: dict[str, dict[str, str]] = {}
    files: dict[str, bytes] = {}
    named = [(name, image.config_digest) for image in images for name in image.names]
    for name, image_id in [*named, *more.items()]:
        short = full_name(name).removeprefix("docker.io/").removeprefix("library/")
        repository = short.partition("@")[0] if "@" in short else short.rpartition(":")[0]
        repositories.setdefault(repository, {})[short] = image_id
    files["repositories.json"] = json.dumps({"Repositories": repositories}).encode()
    for image in images:
        files[f"imagedb/content/sha256/{hex_of(image.config_digest)}"] = image.config_bytes
        below: Path | None = None
        for number, (chain, layer) in enumerate(zip(chains(image), image.layers, strict=True)):
            cache_id = hex_of(sha256(f"cache of {chain}".encode()))
            inside = {
                "diff": layer.diff_id.encode(),
                "cache-id": cache_id.encode(),
                "size": b"1",
                "tar-split.json.gz": packed(split(layer.raw)),
            }
            if number:
                inside["parent"] = f"sha256:{chains(image)[number - 1]}".encode()
            files |= {f"layerdb/sha256/{chain}/{name}": data for name, data in inside.items()}
            folder = path / FOLDERS[driver].format(cache_id)
            unpack(layer.raw, folder, below if driver in WHOLE else None)
            below = folder
    (root.image / "imagedb/content/sha256").mkdir(parents=True, exist_ok=True)
    (root.image / "layerdb/sha256").mkdir(parents=True, exist_ok=True)
    write_files(files, root.image)
    return root


def unpack(raw: bytes, folder: Path, below: Path | None) -> None:
    """Unpack a layer; on some drivers onto what is below, through links that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        if below is not None:
            shutil.copytree(below, folder, symlinks=True, dirs_exist_ok=True)
        # Python 3.11.2 has no filters, and those after it do not take all by themselves.
        tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        tar.extractall(folder)  # noqa: S202  made here
