"""Who finds what by the paths of manifest.json: Docker joins, containers/image cleans, others not.

The answers are those of Docker 20.10.24, 26.1.5 and 28.5.2, containerd 1.6.20 and 2.1.9, skopeo
1.9.3 and 1.22.0, podman 4.3.1 and 5.8.6.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.paths import PATHS
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

DOCKER = ("docker@20.10", "docker@28")
CONTAINERD = ("containerd@1.6", "containerd@2.1", "docker@28+containerd")
IMAGE = ("podman@4.3", "podman@5.8", "skopeo@1.9", "skopeo@1.22")
# Each shape: why Docker, containerd, and podman and skopeo do not load it; empty where they do.
ANSWERS = {
    "layers and their members begin with /": ("", "", ""),
    "all of manifest.json begins with /": ("", "unclean-path", "unclean-path"),
    "layers in manifest.json begin with /": ("", "unclean-path", "unclean-path"),
    "members begin with /": ("", "absolute-name", "absolute-name"),
    "everything begins with /": ("", "absolute-name", "absolute-name"),
    "./ and .. in manifest.json": ("", "unclean-path", ""),
    "backslashes": ("backslash-path", "backslash-path", "backslash-path"),
    "out of the archive": ("missing-layer", "missing-layer", "missing-layer"),
}
CELLS = [
    (name, target, code)
    for name, row in ANSWERS.items()
    for targets, code in zip((DOCKER, CONTAINERD, IMAGE), row, strict=True)
    for target in targets
]


def test_no_shape_is_left_out() -> None:
    assert ANSWERS.keys() == PATHS.keys()


@pytest.mark.parametrize(("name", "target", "code"), CELLS)
def test_paths_are_looked_up_as_the_engine_does(
    name: str, target: str, code: str, tmp_path: Path
) -> None:
    maker = Maker(tmp_path)
    found = answer(PATHS[name].write(maker.image(), maker.path()), target)
    assert found.loads is not bool(code)
    assert codes(found)["reasons"] == ({code} if code else set())


@pytest.mark.parametrize("target", DOCKER + CONTAINERD + IMAGE)
def test_backslashes_are_offered_to_be_repaired(target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(PATHS["backslashes"].write(maker.image(), maker.path()), target)
    assert "--repair" in found.repair
