"""`merge --multi-platform`: every engine takes the result for one image of several platforms."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oci_layout import merge
from tests.builders import (
    Image,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.command import succeed
from tests.interop.engines import Engines
from tests.interop.shown import HERE
from tests.interop.test_platforms import opened

NAME = "example.com/joined:1"
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")


def image_for(platform: str, text: str) -> Image:
    """An image that says in a file, and in its config, for which platform it is."""
    os, architecture, variant = f"{platform}/".split("/")[:3]
    files = [{"etc/platform": f"{platform} {text}\n".encode()}]
    made = make_image(files, names=(NAME,), architecture=architecture)
    more = {"variant": variant} if variant else {}
    return replace(made, config={**made.config, "os": os, **more})


def saved(images: list[Image], work: Path) -> list[Path]:
    return [write_docker_archive([each], work / f"{n}.tar") for n, each in enumerate(images)]


def mixed(images: list[Image], work: Path) -> list[Path]:
    """An archive of docker save, a hybrid of Docker's types, an index with an attestation."""
    return [
        write_docker_archive(images[:1], work / "saved.tar"),
        write_hybrid_archive(images[1:2], work / "hybrid.tar", family="docker"),
        write_index_layout(work / "index", images[2:], NAME, attestations=True),
    ]


def of_both(images: list[Image], work: Path) -> list[Path]:
    """Layouts of either vocabulary, whose digests are to be kept."""
    return [
        write_oci_layout(images[:1], work / "docker", family="docker"),
        *(write_oci_layout([each], work / each.config_digest[-6:]) for each in images[1:]),
    ]


Made = tuple[Path, list[Image]]
WAYS: dict[str, tuple[Callable[[list[Image], Path], list[Path]], dict[str, Any]]] = {
    "saved": (saved, {}),
    "mixed": (mixed, {}),
    "kept": (of_both, {"preserve_digests": True}),
    "packed": (saved, {"compression": "gzip"}),
}


@pytest.fixture(params=WAYS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """An archive of one image for three platforms, and the images."""
    sources, how = WAYS[request.param]
    images = [image_for(each, request.param) for each in PLATFORMS]
    dest = tmp_path / "joined.tar"
    merge(sources(images, tmp_path), dest, multi_platform=True, **how)
    succeed("verify", dest)
    return dest, images


def top_of(path: Path) -> str:
    """The digest that the one entry of `index.json` has, in a folder or an archive."""
    if path.is_dir():
        raw = (path / "index.json").read_bytes()
    else:
        with tarfile.open(path) as tar:
            file = tar.extractfile("index.json")
            assert file is not None
            raw = file.read()
    (entry,) = json.loads(raw)["manifests"]
    digest: str = entry["digest"]
    return digest


def here(made: Made) -> Image:
    """The image for this machine."""
    return next(each for each in made[1] if each.config["architecture"] == HERE)


def test_containerd_imports_all_of_it_under_one_name(made: Made, engines: Engines) -> None:
    containerd = engines.containerd
    containerd.clear()
    digests = containerd.import_(made[0], "--all-platforms")
    assert digests == {NAME: top_of(made[0])}
    listed = json.loads(containerd.content(digests[NAME]))["manifests"]
    configs = [
        json.loads(containerd.content(entry["digest"]))["config"]["digest"]
        for entry in listed
        if entry["platform"]["os"] != "unknown"
    ]
    assert configs == [each.config_digest for each in made[1]]
    text = containerd.cat(NAME, "/etc/platform").decode()
    assert text.startswith(f"linux/{HERE} ")
    # What it exports again is what it was given.
    back = containerd.host.new_dir("joined") / "back.tar"
    # ctr 2 is at times done before the service that it asks has written all.
    local = ["--local"] if int(containerd.version().lstrip("v").split(".")[0]) > 1 else []
    containerd.ctr("images", "export", *local, "--all-platforms", str(back), NAME)
    assert top_of(back) == top_of(made[0])


def test_skopeo_opens_each_platform(made: Made, engines: Engines) -> None:
    placed = engines.skopeo.host.place(made[0])
    for platform in PLATFORMS:
        _, architecture, variant = f"{platform}/".split("/")[:3]
        found = opened(engines, f"oci-archive:{placed}", platform)
        assert found == (architecture, variant)


def test_skopeo_copies_all_of_it(made: Made, engines: Engines) -> None:
    """With every digest as it is."""
    placed = engines.skopeo.host.place(made[0])
    dest = engines.skopeo.host.new_dir("copied") / "all"
    flags = ("--all", "--preserve-digests")
    engines.skopeo.copy(f"oci-archive:{placed}", f"oci:{dest}:1", *flags)
    assert top_of(dest) == top_of(made[0])


def test_podman_loads_the_platform_of_the_host(made: Made, engines: Engines) -> None:
    podman = engines.podman
    podman.clear()
    podman.load(made[0])
    assert set(podman.images()) == {NAME}
    assert podman.inspect(NAME)["Architecture"] == HERE
    assert podman.cat(NAME, "/etc/platform").decode().startswith(f"linux/{HERE} ")


def test_podman_takes_another_when_asked(made: Made, engines: Engines) -> None:
    podman = engines.podman
    podman.clear()
    image = podman.podman(
        "pull", "-q", "--arch", "arm64", f"oci-archive:{podman.host.place(made[0])}"
    )
    assert podman.inspect(image.decode().split()[-1])["Architecture"] == "arm64"


def test_docker_on_the_store_of_containerd(made: Made, engines: Engines) -> None:
    """Docker 28 and later; one image, with a row for each platform."""
    docker = engines.docker_c8d
    if docker is None:
        pytest.skip("this Docker has no image store of containerd: scripts/interop sid")
    docker.clear()
    docker.load(made[0])
    assert docker.ids() == [top_of(made[0])]
    for platform, image in zip(PLATFORMS, made[1], strict=True):
        words = ("image", "inspect", "--platform", platform, NAME)
        (found,) = json.loads(docker.docker(*words))
        variant = image.config.get("variant", "")
        said = found["Os"], found["Architecture"], found.get("Variant", "")
        assert said == ("linux", image.config["architecture"], variant)
        assert found["RootFS"]["Layers"] == list(image.diff_ids)


def test_docker_takes_the_one_that_is_chosen(made: Made, engines: Engines, tmp_path: Path) -> None:
    """The classic store takes one platform of a name: repack chooses it out of the result."""
    one = tmp_path / "one.tar"
    succeed("repack", made[0], "--to", "docker", "--platform", f"linux/{HERE}", "-o", one)
    docker = engines.docker
    docker.clear()
    docker.load(one)
    (found,) = docker.inspect(NAME)
    assert found["Architecture"] == HERE
    assert found["Id"] == here(made).config_digest
