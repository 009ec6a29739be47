"""The root of containers-storage as podman writes it on overlay and others, by its rules alone."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders.dockerroot import WHOLE, Edit, packed, split, unpack
from tests.builders.image import Family, Image, full_name, hex_of, sha256

FOLDERS = {
    "overlay": "overlay/{}/diff",
    "vfs": "vfs/dir/{}",
    "btrfs": "btrfs/subvolumes/{}",
    "aufs": "aufs/diff/{}",
}
Listed = list[dict[str, Any]]


def data_file(key: str) -> str:
    """What the file is called that holds what is kept under a name."""
    if key and all(each in ".0123456789abcdefghijklmnopqrstuvwxyz" for each in key):
        return key
    return "=" + base64.b64encode(key.encode()).decode()


def layer_ids(image: Image) -> list[str]:
    """The ID of each layer: of the lowest its diff_id, of others a hash of what is below too."""
    found: list[str] = []
    for diff_id in image.diff_ids:
        above = hex_of(sha256(f"{found[-1]}+{hex_of(diff_id)}".encode())) if found else ""
        found.append(above or hex_of(diff_id))
    return found


@dataclass(frozen=True)
class Storage:
    """Where what is in a root that was written.

    Args:
        path: the root.
        driver: of the storage.
    """

    path: Path
    driver: str

    @property
    def images(self) -> Path:
        """The folder with the images of the driver."""
        return self.path / f"{self.driver}-images"

    @property
    def layers(self) -> Path:
        """The folder with the layers of the driver."""
        return self.path / f"{self.driver}-layers"

    def files(self, image: Image, number: int = 0) -> Path:
        """The folder with a layer's files."""
        return self.path / FOLDERS[self.driver].format(layer_ids(image)[number])

    def record(self, image: Image, number: int = 0) -> Path:
        """What was written down of a layer."""
        return self.layers / f"{layer_ids(image)[number]}.tar-split.gz"

    def data(self, image: Image, key: str) -> Path:
        """What is kept of an image under a name."""
        return self.images / hex_of(image.config_digest) / data_file(key)

    def edit(self, image: Image, edit: Edit, number: int = 0) -> Path:
        """Change what was written down of a layer, and give the root."""
        path = self.record(image, number)
        lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        edit(lines)
        path.write_bytes(packed(lines))
        return self.path

    def list_images(self, edit: Callable[[Listed], object]) -> Path:
        """Change ``images.json``, and give the root."""
        return self._list(self.images / "images.json", edit)

    def list_layers(self, edit: Callable[[Listed], object]) -> Path:
        """Change ``layers.json``, and give the root."""
        return self._list(self.layers / "layers.json", edit)

    def _list(self, path: Path, edit: Callable[[Listed], object]) -> Path:
        listed = json.loads(path.read_text())
        edit(listed)
        path.write_text(json.dumps(listed))
        return self.path


def write_containers_root(
    images: Sequence[Image],
    path: Path,
    *,
    driver: str = "overlay",
    family: Family = "oci",
    names: Mapping[str, Sequence[str]] = {},
    more: Mapping[str, Mapping[str, bytes]] = {},
) -> Storage:
    """Write a root.

    Args:
        images: their layers are unpacked; blobs that are packed are not kept.
        path: the root.
        driver: of the storage.
        family: of the manifests.
        names: other names of images, by image ID.
        more: what else is kept of images, by image ID.
    """
    storage = Storage(path, driver)
    listed: Listed = []
    layers: dict[str, dict[str, Any]] = {}
    for folder in (storage.images, storage.layers):
        folder.mkdir(parents=True, exist_ok=True)
    for image in images:
        manifest = image.manifest_bytes(family)
        data = {
            image.config_digest: image.config_bytes,
            f"manifest-{sha256(manifest)}": manifest,
            "manifest": manifest,
            f"signature-{hex_of(sha256(manifest))}": b"",
            **more.get(image.config_digest, {}),
        }
        storage.data(image, "manifest").parent.mkdir(exist_ok=True)
        for key, value in data.items():
            storage.data(image, key).write_bytes(value)
        ids = layer_ids(image)
        listed.append(
            {
                "id": hex_of(image.config_digest),
                "digest": sha256(manifest),
                "names": [
                    *(full_name(name) for name in image.names),
                    *names.get(image.config_digest, ()),
                ],
                **({"layer": ids[-1]} if ids else {}),
                "metadata": "{}",
                "big-data-names": list(data),
                "big-data-sizes": {key: len(value) for key, value in data.items()},
                "big-data-digests": {key: sha256(value) for key, value in data.items()},
                "created": "2024-05-06T07:08:09Z",
            }
        )
        for number, (identity, layer) in enumerate(zip(ids, image.layers, strict=True)):
            layers[identity] = {
                "id": identity,
                **({"parent": ids[number - 1]} if number else {}),
                "created": "2024-05-06T07:08:09Z",
                "compressed-diff-digest": layer.digest,
                "diff-digest": layer.diff_id,
                "diff-size": len(layer.raw),
                **({"compression": 2} if layer.compression == "gzip" else {}),
                "uidset": [0],
            }
            storage.record(image, number).write_bytes(packed(split(layer.raw)))
            below = storage.files(image, number - 1) if number else None
            unpack(layer.raw, storage.files(image, number), below if driver in WHOLE else None)
    (storage.images / "images.json").write_text(json.dumps(listed))
    (storage.layers / "layers.json").write_text(json.dumps(list(layers.values())))
    return storage
