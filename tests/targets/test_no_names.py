"""What engines call an image whose name is none.

Seen with Docker 20.10.24, containerd 1.6.20, podman 4.3.1.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import IMAGE_NAME, REF_NAME
from tests.builders.named import of_cri, write_named
from tests.targets.answers import answer, names
from tests.targets.makes import Maker

CONTAINERD = ("containerd@1.6", "containerd@1.7", "containerd@2.1")


@pytest.mark.parametrize("target", CONTAINERD)
def test_containerd_keeps_each_name_of_a_kubelet(target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    image = maker.image()
    notes = of_cri(image)
    found = answer(write_named(image, notes, maker.path()), target)
    assert sorted(names(found)) == sorted(each[IMAGE_NAME] for each in notes)
    assert found.losses == ()
    assert not found.repair


def test_podman_puts_localhost_before_an_image_id(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    image = maker.image()
    bare = image.config_digest
    found = answer(
        write_named(image, [{IMAGE_NAME: bare, REF_NAME: bare}], maker.path()), "podman@4.3"
    )
    assert names(found) == [f"localhost/{bare}"]


@pytest.mark.parametrize("target", ["docker@20.10", "docker@28"])
def test_docker_makes_no_tag_of_an_image_id(target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    image = maker.image()
    bare = image.config_digest
    path = write_named(image, of_cri(image)[:1], maker.path(), repo_tags=[bare])
    found = answer(path, target)
    assert found.loads
    assert names(found) == []


@pytest.mark.parametrize("target", ["docker@20.10", "docker@28"])
def test_a_line_for_docker_gives_a_name(target: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    image = maker.image()
    found = answer(write_named(image, of_cri(image)[2:3], maker.path()), target)
    assert "--name" in found.repair
