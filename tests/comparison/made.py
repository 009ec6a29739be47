"""Images that differ in one way, written to disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oci_layout import diff
from oci_layout.comparison.report import Comparison, ImagePair
from tests.builders import Image, Layer, go_json, make_image, sha256, write_files

FILES = ({"etc/motd": b"hello\n"}, {"srv/data": b"1"})
IMAGE = make_image(FILES)


@dataclass(frozen=True)
class Written(Image):
    """An image whose config is written in another way."""

    text: bytes = b""

    @property
    def config_bytes(self) -> bytes:
        return self.text

    @property
    def config_digest(self) -> str:
        return sha256(self.text)


def written(image: Image, text: bytes) -> Written:
    """The image with other bytes of its config."""
    return Written(layers=image.layers, config=image.config, names=image.names, text=text)


def edited(image: Image, **changes: Any) -> Image:
    """The image with other fields at the top of its config."""
    config = {**image.config, **changes}
    kept = {key: value for key, value in config.items() if value is not ...}
    return Image(layers=image.layers, config=kept, names=image.names)


def running(image: Image, **changes: Any) -> Image:
    """The image with other fields of its runtime config; ``...`` leaves one out."""
    inner = {**image.config["config"], **changes}
    kept = {key: value for key, value in inner.items() if value is not ...}
    return edited(image, config=kept)


def layered(image: Image, layers: tuple[Layer, ...]) -> Image:
    """The image of other layers."""
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    return Image(layers=layers, config={**image.config, "rootfs": rootfs}, names=image.names)


def packed(image: Image, compression: str) -> Image:
    """The same image with its layers packed."""
    layers = tuple(Layer(layer.raw, compression) for layer in image.layers)
    return Image(layers=layers, config=image.config, names=image.names)


def the_pair(a: Path, b: Path, **how: Any) -> ImagePair:
    """The one pair of two sources."""
    found = diff(str(a), str(b), **how)
    assert len(found.pairs) == 1
    assert not found.a.alone
    assert not found.b.alone
    assert found.verdict is found.pairs[0].verdict
    return found.pairs[0]


def because(pair: ImagePair, about: str) -> str:
    """What is said of one digest."""
    return " ".join(
        " ".join((each.text, *each.because)) for each in pair.reasons if each.about == about
    )


def plain(found: Comparison) -> Any:
    """The report as it comes out of JSON."""
    return json.loads(json.dumps(found.to_json()))


def dir_of(image: Image, path: Path, manifest: dict[str, Any]) -> Path:
    """A ``dir:`` of the image with this manifest."""
    blobs = {layer.digest: layer.stored for layer in image.layers}
    blobs[image.config_digest] = image.config_bytes
    files = {digest.partition(":")[2]: data for digest, data in blobs.items()}
    write_files({**files, "manifest.json": go_json(manifest), "version": b"x"}, path)
    return path
