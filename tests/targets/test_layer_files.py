"""What of the files of a layer stands in the way of unpacking it, read from the layer itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import make_image
from tests.builders.strange import STRANGE, with_layer
from tests.interop.shown import HERE
from tests.targets.answers import answer, codes

_TARGETS = {
    "docker@28": 1,
    "docker@26": 1,
    "podman@5.8": 1,
    "containerd@2.1": 2,
    "docker@28+containerd": 2,
}


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("packing", ["none", "gzip"])
@pytest.mark.parametrize("name", STRANGE)
def test_what_stands_in_the_way(name: str, packing: str, target: str, tmp_path: Path) -> None:
    image = make_image([{"etc/base": b"base"}], names=("demo:1",), architecture=HERE)
    path = with_layer(image, tmp_path / "image.tar", STRANGE[name][0], packing)
    code = STRANGE[name][_TARGETS[target]]
    if code == "layer-leaves" and target != "docker@28":
        code = ""
    found = answer(path, target, full=True)
    assert codes(found)["reasons"] == ({code} if code else set())
    assert found.loads is not bool(code)


@pytest.mark.parametrize("name", STRANGE)
def test_who_does_not_unpack_takes_all(name: str, tmp_path: Path) -> None:
    image = make_image([{"etc/base": b"base"}], names=("demo:1",))
    path = with_layer(image, tmp_path / "image.tar", STRANGE[name][0])
    for target in ("skopeo+oci-archive", "skopeo+docker-archive"):
        assert answer(path, target, full=True).loads


def test_a_driver_that_does_not_copy_is_spoken_of(tmp_path: Path) -> None:
    image = make_image([{"etc/base": b"base"}], names=("demo:1",))
    layer = STRANGE["a hard link to what a layer below has"][0]
    path = with_layer(image, tmp_path / "image.tar", layer)
    for target in ("docker@28", "podman@5.8"):
        assert "link-below" in codes(answer(path, target, full=True))["notes"]
