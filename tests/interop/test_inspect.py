"""What engines save is told for theirs, and with the image ID that they themselves show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import succeed
from tests.interop.engines import Engines
from tests.interop.shown import Engine
from tests.interop.sources import Source

CONTAINERD = "containerd's exporter: "
CONTAINERS = "skopeo, podman or buildah"


def seen(path: Path) -> dict[str, Any]:
    """What `inspect` says of what an engine has written."""
    value: dict[str, Any] = json.loads(succeed("inspect", path, "--json"))
    assert [each for each in value["findings"] if each["severity"] == "error"] == []
    return value


def writer(value: dict[str, Any]) -> str:
    """The programs that are named; empty where nothing tells."""
    return value["source"]["writer"]["name"] if value["source"]["writer"] is not None else ""


def image_ids(value: dict[str, Any]) -> set[str]:
    return {node["image_id"] for node in _images(value["roots"])}


def _images(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if node["type"] == "image":
            yield node
        yield from _images(node.get("children", []))


@pytest.fixture
def saved(engines: Engines, sources: Callable[[str], Source]) -> Source:
    """One archive that every engine takes."""
    return sources("v1dirs")


def shown_ids(engine: Engine) -> set[str]:
    return {image.image_id for image in engine.images().values()}


def test_docker_save(engines: Engines, saved: Source) -> None:
    docker = engines.docker
    docker.clear()
    docker.load(saved.path)
    ids = shown_ids(docker)
    dest = docker.save(sorted(docker.images()), docker.host.new_dir("inspect-docker") / "x.tar")
    value = seen(dest)
    release = int(re.match(r"\d+", docker.version())[0])  # type: ignore[index]
    wanted = "docker save 1.10 to 24" if release < 25 else "docker save 25 or later, classic"
    assert writer(value).startswith(wanted)
    assert image_ids(value) == ids


def test_docker_save_from_the_store_of_containerd(engines: Engines, saved: Source) -> None:
    docker = engines.docker_c8d
    if docker is None:
        pytest.skip("this Docker runs once only, on its classic store")
    docker.clear()
    docker.load(saved.path)
    names = sorted(docker.images())
    value = seen(docker.save(names, docker.host.new_dir("inspect-c8d") / "x.tar"))
    assert writer(value).startswith(CONTAINERD)
    assert "docker save with the containerd image store" in writer(value)


def test_ctr_images_export(engines: Engines, saved: Source) -> None:
    containerd = engines.containerd
    containerd.clear()
    containerd.load(saved.path)
    folder = containerd.host.new_dir("inspect-ctr")
    ids = shown_ids(containerd)
    containerd.ctr("images", "export", str(folder / "x.tar"), *containerd.digests())
    value = seen(folder / "x.tar")
    assert writer(value).startswith(f"{CONTAINERD}ctr images export")
    assert image_ids(value) == ids
    flags = ("--skip-manifest-json",)
    containerd.ctr("images", "export", *flags, str(folder / "y.tar"), *containerd.digests())
    value = seen(folder / "y.tar")
    if value["source"]["kind"] == "oci-layout":  # ctr 1.6 writes manifest.json all the same
        assert writer(value).startswith("BuildKit (docker buildx, type=oci), or containerd's")


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive", "dir", "oci"])
def test_skopeo_copy(engines: Engines, saved: Source, transport: str) -> None:
    skopeo = engines.skopeo
    place = skopeo.host.place(saved.path)
    dest = skopeo.host.new_dir(f"inspect-skopeo-{transport}") / "x"
    skopeo.copy(f"docker-archive:{place}", f"{transport}:{dest}")
    value = seen(dest)
    told = writer(value)
    # Since it writes its marker without a space, nothing tells a layout of skopeo from others.
    spaced = transport == "oci" and b": " in (dest / "oci-layout").read_bytes()
    assert told == ("" if transport == "oci" and not spaced else CONTAINERS)
    config = json.loads(skopeo.inspect(f"{transport}:{dest}", config=True))
    (node,) = _images(value["roots"])
    assert config["rootfs"]["diff_ids"] == [layer["diff_id"] for layer in node["layers"]]


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "docker-dir"])
def test_podman_save(engines: Engines, saved: Source, form: str) -> None:
    podman = engines.podman
    podman.clear()
    podman.load(saved.path)
    name = sorted(podman.images())[0]
    dest = podman.host.new_dir(f"inspect-podman-{form}") / "x"
    podman.podman("save", "-q", "--format", form, "-o", str(dest), name)
    assert writer(seen(dest)) == CONTAINERS
