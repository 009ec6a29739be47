"""Random images against a model that unpacks them layer by layer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oci_layout import files
from tests.chance.trees import Habits, Making
from tests.rootfs.made import as_folder, as_tar, differences, modelled, written

HABITS = [Habits(), Habits(far_links=True), Habits(parents=False)]


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("habits", HABITS, ids=["plain", "far links", "unlisted"])
def test_a_random_image(seed: int, habits: Habits, tmp_path: Path) -> None:
    making = Making(seed, habits)
    layers = making.image(layers=1 + seed % 6, steps=10 + seed % 20)
    source = written(tmp_path, *layers, packed=["none", "gzip", "zstd"][seed % 3])
    wanted = modelled(making)
    assert not differences(as_tar(source, tmp_path), wanted)
    listed = [each.file.path for each in files(source)]
    assert set(listed) == wanted.keys()
    assert listed == sorted(listed, key=lambda path: path.split("/"))


@pytest.mark.parametrize("seed", [35, 38, 50, 53, 167, 453, 947])
def test_links_of_links_across_layers(seed: int, tmp_path: Path) -> None:
    making = Making(seed, Habits(far_links=True))
    source = written(tmp_path, *making.image(layers=1 + seed % 6, steps=10 + seed % 20))
    assert not differences(as_tar(source, tmp_path), modelled(making))
    if os.geteuid() == 0:  # nobody else gives files away
        seen = as_folder(source, tmp_path, devices=True)
        assert not differences(seen, modelled(making), "xattrs")
