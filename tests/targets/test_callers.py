"""Those who have an engine load, or its client library import: k3s, k3d, microk8s, k0s and others.

None of them was run; what they do was read from their sources.
"""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.builders import write_docker_archive
from tests.builders.platforms import PLATFORMS
from tests.builders.windows import packed
from tests.targets.answers import answer, codes, names
from tests.targets.makes import MAKES, Maker

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
SUFFIXES = {".tar": "raw", ".tar.gz": "gzip", ".tgz": "gzip", ".TGZ": "gzip", ".tbz": "bzip2"}
SUFFIXES |= {".tar.bz2": "bzip2", ".tar.zst": "zstd", ".tzst": "zstd", ".tar.lz4": "lz4"}


@pytest.mark.parametrize("target", ["k3s", "rke2", "k3s@1.20"])
@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_must_be_true(target: str, packing: str, suffix: str, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    whole = write_docker_archive([maker.image("docker.io/example/app:1")], maker.path())
    path = maker.path(suffix)
    path.write_bytes(PACKERS[packing](whole.read_bytes()))
    found = answer(path, target)
    assert found.loads is (SUFFIXES[suffix] == packing)
    if not found.loads:
        assert "file-suffix" in codes(found)["reasons"]
        assert found.repair[-1].endswith(".tar")


@pytest.mark.parametrize(("log", "loads"), [(25, True), (26, False)])
def test_the_memory_of_a_decoder(log: int, loads: bool, tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    whole = write_docker_archive([maker.image("docker.io/example/app:1")], maker.path())
    path = maker.path(".tar.zst")
    path.write_bytes(packed(whole.read_bytes(), log))
    assert answer(path, "rke2").loads is loads
    assert answer(path, "docker@28").loads


@pytest.mark.parametrize(
    ("target", "loads"),
    [
        ("k3d@5.7", False),  # ctr 1 wants 386 too
        ("k3d", False),  # with all platforms
        ("microk8s@1.34", False),
        ("microk8s@1.36", True),
        ("k0s@1.30", False),
        ("k0s", True),
        ("talos", False),
        ("minikube+containerd", True),
        ("minikube+cri-o", True),
    ],
)
def test_an_absent_sub_architecture(target: str, loads: bool, tmp_path: Path) -> None:
    path = PLATFORMS["the 32-bit side absent"](Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    assert answer(path, target).loads is loads


@pytest.mark.parametrize(
    ("target", "as_one"),
    [
        ("minikube", "docker@28"),
        ("minikube+docker", "docker@28"),
        ("minikube+containerd", "containerd@2.1"),
        ("minikube+cri-o", "podman@4.9"),
        ("microk8s@1.34", "containerd@1.7"),
    ],
)
@pytest.mark.parametrize("name", ["hybrid, none, oci", "docker, none", "pure, gzip, oci"])
def test_loads_as_another_does(target: str, as_one: str, name: str, tmp_path: Path) -> None:
    path = MAKES[name](Maker(tmp_path))
    found, other = answer(path, target), answer(path, as_one)
    assert (found.loads, names(found), codes(found)) == (other.loads, names(other), codes(other))
    assert found.repair == other.repair
    assert "source read" in found.basis


def test_a_command_is_told(tmp_path: Path) -> None:
    path = MAKES["docker, none"](Maker(tmp_path))
    assert answer(path, "talos").asks == f"talosctl image import {path}"
    assert answer(path, "k0s").asks == f"cp {path} /var/lib/k0s/images/"
