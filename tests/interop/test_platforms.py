"""Several platforms, sparse archives and attestations, with engines that refuse what is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import independent
from tests.builders import make_image, name_annotations, write_oci_layout
from tests.builders.artifacts import make_index, of_image, write_layout
from tests.command import succeed
from tests.interop.containerd import Containerd
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.host import EngineError
from tests.shared import CORPUS, FIXTURES, needs_shared

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
    succeed("repack", MULTI / name, "--to", target, *flags, "-o", dest)
    succeed("verify", dest)
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


def opened(engines: Engines, reference: str, platform: str) -> tuple[str, str]:
    """Architecture and variant of what skopeo takes for a platform."""
    _, architecture, *variant = platform.split("/")
    override = ["--override-os", "linux", "--override-arch", architecture]
    override += ["--override-variant", variant[0]] if variant else []
    argv = ["skopeo", *override, "inspect", "--config", "--raw", reference]
    shown = json.loads(engines.skopeo.host.run(argv))
    return shown["architecture"], shown.get("variant", "")


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("name", PLATFORMS)
def test_skopeo_opens_each_platform(
    name: str, target: str, engines: Engines, tmp_path: Path
) -> None:
    path = converted(name, target, tmp_path)
    placed = engines.skopeo.host.place(path)
    one = target == "docker" and name == "buildx-oci.tar"
    for platform in PLATFORMS[name][: 1 if one else None]:
        _, architecture, variant = f"{platform}/".split("/")[:3]
        expected = architecture, variant
        assert opened(engines, f"oci-archive:{placed}", platform) == expected
    if independent.check(path).docker is not None:
        assert opened(engines, f"docker-archive:{placed}", "linux/amd64") == ("amd64", "")


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("name", PLATFORMS)
def test_podman_loads_the_platform_of_the_host(
    name: str, target: str, engines: Engines, tmp_path: Path
) -> None:
    path = converted(name, target, tmp_path)
    engines.podman.clear()
    engines.podman.load(path)
    assert NAME in engines.podman.images()
    assert engines.podman.inspect(NAME)["Architecture"] == "amd64"


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("name", PLATFORMS)
def test_docker_shows_the_right_platform(
    name: str, target: str, engines: Engines, tmp_path: Path
) -> None:
    docker: Docker = engines.docker
    dest = converted(name, target, tmp_path)
    if target == "oci" and name == "buildx-oci.tar":
        # Three platforms, and the source names none for Docker: it is left to the user.
        succeed(
            "repack", dest, "--to", "oci", "--platform", "linux/amd64", "-o", tmp_path / "one.tar"
        )
        dest = tmp_path / "one.tar"
    docker.clear()
    docker.load(dest)
    (found,) = docker.inspect(NAME)
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    if docker.store == "classic":
        assert found["Id"] == config_digest(dest, "linux/amd64")


@pytest.mark.parametrize("name", ["golden", "top_image", "base_image"])
def test_flat_layouts_become_images_of_several_platforms(
    name: str, engines: Engines, tmp_path: Path
) -> None:
    """apko lists platforms flat, without a name: containerd imports none of it as it is."""
    source, dest = FIXTURES / "chainguard-dev+apko/internal/cli/testdata" / name, tmp_path / "x.tar"
    succeed("repack", source, "--to", "oci", "--name", NAME, "-o", dest)
    containerd, skopeo = engines.containerd, engines.skopeo
    containerd.clear()
    assert NAME in containerd.import_(dest, "--all-platforms")
    for architecture in ("amd64", "arm64"):
        flags = ["--override-os", "linux", "--override-arch", architecture]
        archive = f"oci-archive:{skopeo.host.place(dest)}"
        raw = skopeo.host.run(["skopeo", *flags, "inspect", "--config", "--raw", archive])
        assert json.loads(raw)["architecture"] == architecture


def test_a_sparse_index_imports_only_when_pruned(engines: Engines, tmp_path: Path) -> None:
    """Nested twice, a platform absent: `--sparse keep` shows that the absence is what hurts."""
    images = [
        make_image([{"sparse": architecture.encode()}], names=(), architecture=architecture)
        for architecture in ("amd64", "arm64", "s390x")
    ]
    parts = [of_image(image) for image in images]
    entries = [
        part.entry(platform=image.platform) for part, image in zip(parts, images, strict=True)
    ]
    floor = make_index(entries[1:], *parts[1:])
    middle = make_index([entries[0], floor.entry()], parts[0], floor)
    outer = make_index([middle.entry()], middle)
    top = [outer.entry(annotations=name_annotations(NAME))]
    source = write_layout(tmp_path / "in", top, outer, drop=[parts[2].digest])
    containerd = engines.containerd
    containerd.clear()
    kept, pruned = tmp_path / "kept.tar", tmp_path / "pruned.tar"
    succeed("repack", source, "--to", "oci", "--sparse", "keep", "-o", kept)
    placed = str(containerd.host.place(kept))
    with pytest.raises(EngineError, match="not found"):
        containerd.ctr("images", "import", "--all-platforms", placed, namespace="sparse")
    succeed("repack", source, "--to", "oci", "-o", pruned)
    succeed("verify", pruned)
    assert NAME in containerd.import_(pruned, "--all-platforms")


def test_a_merged_archive_has_all_images_of_both(engines: Engines, tmp_path: Path) -> None:
    other = make_image([{"other": b"merged"}], names=("example.com/other:1",))
    second = write_oci_layout([other], tmp_path / "other")
    dest = tmp_path / "merged.tar"
    succeed("merge", MULTI / "ctr-amd64.tar", second, "-o", dest)
    for engine in (engines.containerd, engines.docker, engines.podman):
        engine.clear()
    names = engines.containerd.import_(dest, "--all-platforms")
    assert {NAME, "example.com/other:1"} <= set(names)
    engines.docker.load(dest)
    engines.podman.load(dest)
    assert {NAME, "example.com/other:1"} <= set(engines.docker.images())
    assert {NAME, "example.com/other:1"} <= set(engines.podman.images())
