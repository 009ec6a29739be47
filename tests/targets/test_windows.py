"""Engines read long zstd windows, but for Docker 26, which panics.

Seen with Docker 26.1.5 and 28.5.2, containerd 1.6.20 to 2.1.9, podman 4.3.1 to 5.8.6.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.windows import packed, with_window
from tests.targets.answers import answer, codes
from tests.targets.makes import Maker

TARGETS = ("docker@28", "docker@26", "containerd@1.6", "containerd@2.1", "podman@4.3", "podman@5.8")


@pytest.mark.parametrize("log", [23, 24, 25, 27])
@pytest.mark.parametrize("target", TARGETS)
def test_a_layer(target: str, log: int, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    found = answer(with_window(maker.image(), maker.path(), log, hybrid=True), target)
    panics = target == "docker@26" and log > 23
    assert codes(found)["reasons"] == ({"zstd-window"} if panics else set())
    assert bool(found.repair) is panics


@pytest.mark.parametrize("log", [23, 25])
@pytest.mark.parametrize("target", ["docker@28", "docker@26", "containerd@2.1", "podman@5.8"])
def test_an_archive(target: str, log: int, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    whole = with_window(maker.image(compression="gzip"), maker.path(), 20, hybrid=True)
    path = maker.path(".tar.zst")
    path.write_bytes(packed(whole.read_bytes(), log))
    panics = target == "docker@26" and log > 23
    assert codes(answer(path, target))["reasons"] == ({"zstd-window"} if panics else set())
