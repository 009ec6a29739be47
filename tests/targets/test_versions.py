"""Where a version makes the difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.answers import answer, codes, names
from tests.targets.makes import MAKES, UNREAD, Maker

# A file, a target that refuses it, the next one that takes it.
TURNS = [
    ("hybrid, zstd, oci", "docker@22.06", "docker@23"),
    ("hybrid, outer zstd", "docker@20.10", "docker@23.0.1"),
    ("docker, none", "docker@1.9", "docker@1.10"),
    ("V1", "docker@29", "docker@28.5"),
    ("pure, gzip, oci", "docker@29", "docker@29+containerd"),
    ("pure, zstd, docker", "containerd@1.7.24", "containerd@2.0"),
    ("hybrid, outer gzip", "containerd@1.7.24", "containerd@2.0"),
    ("pure, bad config", "containerd@1.7.24", "containerd@2.0"),
    ("pure, artifact", "kind@0.19", "kind@0.20"),
    ("pure, zstd, docker", "kind@0.26", "kind@0.27"),
    ("pure, sparse", "k3s@1.26.15", "k3s@1.27.15"),
    ("pure, sparse", "k3s@1.27.14", "k3s@1.27.15"),
    ("pure, sparse", "k3s@1.28.10", "k3s@1.28.11"),
    ("pure, sparse", "k3s@v1.29.5+k3s1", "k3s@v1.29.6+k3s1"),
    ("pure, sparse", "rke2@v1.30.1+rke2r1", "rke2@v1.30.2+rke2r1"),
    ("pure, zstd, docker", "k3s@1.31.5", "k3s@1.31.6"),
    ("pure, zstd, docker", "podman@5.4", "podman@5.8"),
    ("pure, zstd, docker", "skopeo@1.18", "skopeo@1.22"),
    ("docker, outer gzip", "podman@4.3", "podman@5.4"),
    ("docker, outer gzip", "skopeo@1.9", "skopeo@1.18"),
    ("pure, layer count", "podman@5.4", "podman@4.3"),
    ("folder, layout, of a path that is no name", "podman@4.3", "podman@5.4"),
]


@pytest.mark.parametrize(("make", "refuses", "takes"), TURNS)
def test_turns(make: str, refuses: str, takes: str, tmp_path: Path) -> None:
    path = MAKES[make](Maker(tmp_path))
    assert not answer(path, refuses).loads
    assert answer(path, takes).loads


def test_names_of_each_engine(tmp_path: Path) -> None:
    path = MAKES["docker, none"](Maker(tmp_path))
    assert names(answer(path, "docker@20.10")) == ["demo:1"]
    assert names(answer(path, "docker@29+containerd")) == ["demo:1"]
    assert names(answer(path, "containerd@1.6")) == ["docker.io/library/demo:1"]
    assert names(answer(path, "podman@5")) == ["localhost/demo:1"]
    assert names(answer(path, "k3s")) == ["docker.io/library/demo:1"]
    first, second = names(answer(path, "kind@0.20"))
    assert first == "docker.io/library/demo:1"
    assert second.startswith("import-YYYY-MM-DD@sha256:")


def test_names_of_a_bare_tag(tmp_path: Path) -> None:
    path = MAKES["pure, name: bare tag"](Maker(tmp_path))
    assert names(answer(path, "containerd@1.6")) == ["import-YYYY-MM-DD:1"]
    assert names(answer(path, "podman@4.3")) == ["localhost/1:latest"]
    assert names(answer(path, "k3s")) == ["1"]
    assert names(answer(path, "docker@28+containerd")) == []


def test_the_id_that_each_engine_shows(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    path = MAKES["pure, platforms"](maker)
    shown = {
        target: answer(path, target).images[0]
        for target in ("containerd@1.7", "podman@5.8", "docker@28+containerd")
    }
    assert shown["containerd@1.7"].id_of == shown["docker@28+containerd"].id_of == "index"
    assert shown["podman@5.8"].id_of == "config"
    assert shown["containerd@1.7"].image_id == shown["docker@28+containerd"].image_id
    packed = answer(MAKES["docker, gzip"](maker), "containerd@1.7").images[0]
    assert packed.image_id is None  # of the stored bytes, which nobody has hashed
    v1 = MAKES["V1"](maker)
    assert answer(v1, "docker@28").images[0].image_id is None
    assert len(str(answer(v1, "docker@1.9").images[0].image_id)) == 64


@pytest.mark.parametrize("target", ["docker@28", "containerd@1.7", "podman@5.8", "skopeo"])
def test_layers_are_read_only_when_asked_for(target: str, tmp_path: Path) -> None:
    path = UNREAD["hybrid, layer damaged"](Maker(tmp_path))
    assert answer(path, target).loads
    found = answer(path, target, full=True)
    assert not found.loads
    assert codes(found)["reasons"] <= {"damaged-blob", "diff-id"}


def test_docker_compares_the_tar_not_the_file(tmp_path: Path) -> None:
    path = UNREAD["hybrid, layer packed anew"](Maker(tmp_path))
    assert answer(path, "docker@28", full=True).loads
    assert not answer(path, "containerd@1.7", full=True).loads
