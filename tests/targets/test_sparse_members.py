"""Sparse members: PAX's are plain files to all engines, GNU's own type is not.

Seen with Docker 20.10.24, containerd 1.6.20, podman 4.3.1, skopeo 1.9.3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import Image, Layer, layer_tar
from tests.builders.sparse import FORMATS, packed, punched, with_holes
from tests.builders.typed import Typed
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

TARGETS = (
    *("docker@20.10", "docker@28"),
    *("containerd@1.6", "containerd@2.1"),
    *("podman@4.3", "podman@5.8", "skopeo@1.9"),
)
EACH = pytest.mark.parametrize(
    ("form", "target"), [(form, target) for form in FORMATS for target in TARGETS]
)


def of_layer(maker: Maker, layer: bytes) -> Image:
    """An image of one layer."""
    image = maker.image()
    made = Image(layers=(Layer(layer),), config=image.config, names=image.names)
    made.config["rootfs"]["diff_ids"] = [made.layers[0].diff_id]
    made.config["history"] = made.config["history"][:1]
    return made


def large(maker: Maker) -> Image:
    """An image whose layer has zeros in plenty, and is like no other."""
    return of_layer(maker, layer_tar({"zeros": bytes(1 << 20), "new": maker.layer().raw}))


@EACH
def test_a_layer_s_file(form: str, target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(with_holes(large(maker), maker.path(), form), target)
    refused = form == "GNU" and target.startswith(("docker", "containerd"))
    assert codes(found)["reasons"] == ({"sparse-member"} if refused else set())
    assert bool(found.repair) is refused


@EACH
def test_a_file_beside_the_image(form: str, target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(with_holes(maker.image(), maker.path(), form, beside=True), target)
    refused = form == "GNU" and target.startswith("docker")
    assert codes(found)["reasons"] == ({"sparse-member"} if refused else set())


@EACH
def test_a_file_in_a_layer(form: str, target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    punched(tmp_path / "files" / "disk.img", bytes(1 << 20) + maker.layer().raw)
    layer = packed(tmp_path / "files", tmp_path / "layer.tar", form).read_bytes()
    path = Typed().write(of_layer(maker, layer), maker.path(), hybrid=True)
    found = answer(path, target, full=True)
    refused = form == "GNU" and not target.startswith("skopeo")
    assert codes(found)["reasons"] == ({"layer-member"} if refused else set())
