"""Several platforms, sparse archives and attestations, with engines that refuse what is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import independent
from tests.interop.command import layout
from tests.interop.containerd import Containerd
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.host import EngineError
from tests.shared import CORPUS, needs_shared

MULTI = CORPUS / "multi"
NAME = "example.com/bx:multi"
PLATFORMS = {
    "buildx-oci.tar": ("linux/amd64", "linux/arm64", "linux/arm/v7"),
    "c8d-all.tar": ("linux/amd64", "linux/arm64"),
    "c8d-one.tar": ("linux/amd64",),
    "ctr-amd64.tar": ("linux/amd64",),
}

pytestmark = needs_shared


def config_digest(path: Path, platform: str) -> str:
    """The image ID of a platform in a result."""
    result = independent.check(path)
    for digest, raw in result.configs.items():
        config = json.loads(raw)
        parts = [config["os"], config["architecture"], config.get("variant", "")]
        if platform == "/".join(part for part in parts if part):
            return digest
    raise AssertionError(f"no {platform} in {path}")


def converted(name: str, target: str, work: Path) -> Path:
    """The file for a target; Docker takes one platform of a name."""
    dest = work / f"{target}.tar"
    one = target == "docker" and name == "buildx-oci.tar"
    flags = ["--platform", "linux/amd64"] if one else []
    layout("repack", MULTI / name, "--to", target, *flags, "-o", dest)
    layout("verify", dest)
    return dest


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("name", PLATFORMS)
def test_containerd_takes_all_platforms(
    name: str, target: str, engines: Engines, tmp_path: Path
) -> None:
    containerd: Containerd = engines.containerd
    containerd.clear()
    if name == "ctr-amd64.tar":
        # In a namespace of its own: the half of an import that was refused stays behind.
        before = str(containerd.host.place(MULTI / name))
        with pytest.raises(EngineError, match="not found"):
            containerd.ctr("images", "import", "--all-platforms", before, namespace=target)
    images = containerd.import_(converted(name, target, tmp_path), "--all-platforms")
    assert NAME in images


@pytest.mark.parametrize("name", PLATFORMS)
def test_skopeo_opens_each_platform(name: str, engines: Engines, tmp_path: Path) -> None:
    path = converted(name, "oci", tmp_path)
    skopeo = engines.skopeo
    for platform in PLATFORMS[name]:
        _, architecture, *variant = platform.split("/")
        override = ["--override-os", "linux", "--override-arch", architecture]
        override += ["--override-variant", variant[0]] if variant else []
        placed = skopeo.host.place(path)
        raw = skopeo.host.run(
            ["skopeo", *override, "inspect", "--config", "--raw", f"oci-archive:{placed}"]
        )
        shown = json.loads(raw)
        assert shown["architecture"] == architecture
        assert shown.get("variant", "") == "".join(variant)


@pytest.mark.parametrize("name", PLATFORMS)
def test_podman_loads_the_platform_of_the_host(name: str, engines: Engines, tmp_path: Path) -> None:
    path = converted(name, "oci", tmp_path)
    engines.podman.clear()
    engines.podman.load(path)
    assert NAME in engines.podman.images()


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("name", PLATFORMS)
def test_docker_shows_the_right_platform(
    name: str, target: str, engines: Engines, tmp_path: Path
) -> None:
    docker: Docker = engines.docker
    dest = converted(name, target, tmp_path)
    if target == "oci" and name == "buildx-oci.tar":
        # Three platforms, and the source names none for Docker: it is left to the user.
        layout(
            "repack", dest, "--to", "oci", "--platform", "linux/amd64", "-o", tmp_path / "one.tar"
        )
        dest = tmp_path / "one.tar"
    docker.clear()
    docker.load(dest)
    (found,) = docker.inspect(NAME)
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    if docker.store == "classic":
        assert found["Id"] == config_digest(dest, "linux/amd64")
