"""What engines make of layers and configs under other media types than the usual.

Seen with containerd 1.6.20 and 1.7.24, skopeo 1.9.3, podman 4.3.1, Docker 20.10.24.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.typed import MIXED, NO_IMAGE, OPAQUE, SPELLED, Typed
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

TARGETS = ("containerd@1.6", "containerd@1.7", "containerd@2.1", "podman@4.3", "skopeo@1.9")
# Each shape as a layout: why each of the targets does not load it; empty where it does.
LAYOUTS = {
    "encrypted": ("layer-packing", "layer-packing", "layer-packing", "no-tar", ""),
    "nydus": ("layer-packing", "layer-packing", "layer-packing", "no-tar", ""),
    "squashfs": ("layer-packing", "layer-types", "layer-types", "no-tar", ""),
    "squashfs alone": ("layer-packing", "layer-types", "", "no-tar", ""),
    "nobody's": ("layer-packing", "layer-types", "layer-types", "no-tar", ""),
    "bzip2": ("layer-packing",) * 3 + ("", ""),
    "xz": ("layer-packing",) * 3 + ("", ""),
    "zstd:chunked": ("layer-packing",) * 3 + ("", ""),
    "octet-stream": ("layer-packing", "layer-types", "layer-types", "", ""),
    "capitals": ("layer-packing", "layer-types", "layer-types", "", ""),
    "a parameter": ("layer-packing",) * 3 + ("", ""),
    "before the spec": ("layer-packing",) * 3 + ("", ""),
    "before the spec, serialized": ("layer-packing", "layer-types", "layer-types", "", ""),
    "Docker manifest, OCI layers": ("", "", "", "docker-layers", "docker-layers"),
    "Docker manifest, OCI config and layers": ("", "", "", "docker-layers", "docker-layers"),
    "Docker manifest, OCI config": ("", "", "", "", ""),
    "OCI manifest, Docker layers": ("", "", "", "", ""),
    "OCI manifest, Docker config": ("", "", "", "not-an-image", ""),
    "OCI manifest, Docker config and layers": ("", "", "", "not-an-image", ""),
    "empty config, layers of an image": ("not-an-image", "not-an-image", "", "not-an-image", ""),
    "empty config, text": ("not-an-image", "", "", "not-an-image", ""),
    "config of no bytes": ("not-an-image", "not-an-image", "", "not-an-image", ""),
    "a model": ("not-an-image", "not-an-image", "", "not-an-image", ""),
    "an attestation": ("not-an-image", "not-an-image", "", "not-an-image", ""),
    "a signature": ("not-an-image", "not-an-image", "", "not-an-image", ""),
}
EVERY: dict[str, Typed] = OPAQUE | SPELLED | MIXED | NO_IMAGE
CELLS = [
    (name, target, code)
    for name, row in LAYOUTS.items()
    for target, code in zip(TARGETS, row, strict=True)
]


def test_no_shape_is_left_out() -> None:
    assert LAYOUTS.keys() == EVERY.keys()


@pytest.mark.parametrize(("name", "target", "code"), CELLS)
def test_a_layout(name: str, target: str, code: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(EVERY[name].write(maker.image(), maker.path()), target)
    assert codes(found)["reasons"] == ({code} if code else set())


@pytest.mark.parametrize("name", OPAQUE | SPELLED | MIXED)
def test_docker_goes_by_the_bytes_alone(name: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    path = EVERY[name].write(maker.image(), maker.path(), hybrid=True)
    found = answer(path, "docker@28")
    assert codes(found)["reasons"] == ({"no-tar"} if name in OPAQUE else set())


@pytest.mark.parametrize("target", ["containerd@1.7", "podman@4.3", "docker@28"])
@pytest.mark.parametrize("name", OPAQUE)
def test_nothing_is_offered_that_does_not_help(name: str, target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(EVERY[name].write(maker.image(), maker.path(), hybrid=True), target)
    assert not found.repair
    assert found.unrepaired


@pytest.mark.parametrize("target", ["containerd@1.7", "podman@4.3", "docker@28", "skopeo@1.9"])
@pytest.mark.parametrize("name", SPELLED | MIXED)
def test_a_line_is_offered_where_labels_alone_are_wrong(
    name: str, target: str, tmp_path: Path
) -> None:
    maker = Maker(tmp_path)
    found = answer(EVERY[name].write(maker.image(), maker.path()), target)
    assert found.loads or found.repair
