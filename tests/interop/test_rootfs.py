"""The merged file system, held against what engines make of the same image.

Where engines themselves differ, nothing is compared: what is said of a folder that one layer lists
and another only has files in (Docker's vfs keeps its mode and not its time, overlay2 neither, nor
the owner), and extended attributes in an export, of which Docker tells capabilities alone. A folder
in the place of one that the same layer removes is, on overlay2, merged with what was removed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from oci_layout import export, repack
from tests.builders import Layer, write_docker_archive, write_oci_layout
from tests.builders.image import Image
from tests.builders.trees import image_of
from tests.chance.trees import Habits, Making
from tests.interop.containers import OWN
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.sources import tiny
from tests.rootfs.made import differences
from tests.rootfs.seen import Seen, of_folder, of_tar

COUNT = 70 if os.environ.get("OCI_LAYOUT_SLOW") else 12
HABITS = {
    "as Docker writes": Habits(),
    "far links": Habits(far_links=True),
    "unlisted folders": Habits(parents=False),
}


def _random(habits: str, engine: str, *, again: bool = True) -> list[tuple[Image, str]]:
    made = []
    for seed in range(COUNT):
        making = Making(seed, replace(HABITS[habits], again=again))
        layers = making.image(layers=1 + seed % 6, steps=10 + seed % 20)
        name = f"example.com/rootfs-{engine}:{habits.replace(' ', '-').lower()}-{seed}"
        made.append((image_of(*(Layer(tar) for tar in layers), names=(name,)), name))
    return made


def _ours(archive: Path, name: str, tmp_path: Path) -> dict[str, Seen]:
    dest = tmp_path / "ours.tar"
    export(archive, dest, images=[name], force=True)
    with dest.open("rb") as file:
        return of_tar(file, OWN)


def _folder_of_ours(archive: Path, name: str, dest: Path) -> dict[str, Seen]:
    export(archive, dest, images=[name], devices=True)
    return of_folder(dest, OWN)


def _exported(docker: Docker, name: str) -> dict[str, Seen]:
    container = docker.docker("create", name, "/none").decode().strip()
    try:
        return of_tar(io.BytesIO(docker.docker("export", container)), OWN)
    finally:
        docker.docker("rm", container)


def _require_equal(
    name: str, ours: dict[str, Seen], theirs: dict[str, Seen], habits: str, *but: str
) -> None:
    """Hold two against each other, but for what engines themselves do not agree in."""
    if habits == "unlisted folders":
        both = ours.keys() & theirs.keys()
        folders = {p for p in both if ours[p].kind == theirs[p].kind == "folder"}
        for folder in folders:
            ours[folder] = theirs[folder]
    found = differences(ours, theirs, *but)
    assert not found, f"{name}: {found[:6]}"


@pytest.fixture(scope="module", params=["vfs", "overlay2"])
def docker(request: pytest.FixtureRequest, engines: Engines) -> Iterator[Docker]:
    if request.param == "vfs":
        yield engines.docker
        return
    one = Docker(engines.host, engines.containerd, driver="overlay2")
    yield one
    one.stop()


@pytest.mark.parametrize("habits", HABITS)
def test_docker_export(docker: Docker, habits: str, tmp_path: Path) -> None:
    if habits == "far links" and "overlay2" in str(docker.data):
        pytest.skip("overlay2 takes no hard link to a file of a layer below")
    made = _random(habits, "docker", again="overlay2" not in str(docker.data))
    archive = write_docker_archive([image for image, _ in made], tmp_path / "images.tar")
    docker.load(archive)
    for number, (_, name) in enumerate(made):
        theirs = _exported(docker, name)
        for ours in (
            _ours(archive, name, tmp_path),
            _folder_of_ours(archive, name, tmp_path / f"d{number}"),
        ):
            _require_equal(name, ours, theirs, habits, "xattrs")
    docker.clear()


@pytest.mark.parametrize("habits", HABITS)
def test_umoci_unpack(engines: Engines, habits: str, tmp_path: Path) -> None:
    made = _random(habits, "umoci")
    for number, (image, name) in enumerate(made):
        work = engines.host.new_dir(f"umoci-{habits.replace(' ', '-')}-{number}")
        layout = write_oci_layout([image], work / "layout")
        tag = name.partition(":")[2]
        engines.host.run(
            ["umoci", "raw", "unpack", "--image", f"{layout}:{tag}", str(work / "theirs")]
        )
        theirs = of_folder(work / "theirs", OWN)
        ours = _folder_of_ours(layout, name, work / "ours")
        _require_equal(name, ours, theirs, habits)


@pytest.mark.parametrize("habits", HABITS)
def test_podman_export(engines: Engines, habits: str, tmp_path: Path) -> None:
    made = _random(habits, "podman")
    archive = write_docker_archive([image for image, _ in made], tmp_path / "images.tar")
    engines.podman.load(archive)
    for _, name in made:
        container = engines.podman.podman("create", name, "/none")
        theirs = of_tar(
            io.BytesIO(engines.podman.podman("export", container.decode().strip())), OWN
        )
        ours = _ours(archive, name, tmp_path)
        _require_equal(name, ours, theirs, habits, "xattrs")
    engines.podman.podman("rm", "-a", "-f")
    engines.podman.clear()


def test_one_image_whoever_saved_it(engines: Engines, tmp_path: Path) -> None:
    source = tiny("docker20.tar")
    engines.docker.load(source.path)
    theirs = _exported(engines.docker, "tiny:1")
    saved = sorted(source.path.parent.iterdir())
    assert len(saved) > 8
    for path in saved:
        dest = tmp_path / f"{path.name}.out.tar"
        export(path, dest)
        with dest.open("rb") as file:
            _require_equal(path.name, of_tar(file, OWN), theirs, "", "xattrs")
    engines.docker.clear()


def test_one_platform_of_several(engines: Engines, tmp_path: Path) -> None:
    folder = tiny("docker20.tar").path.parent.parent / "multi"
    for name in ("buildx-oci.tar", "c8d-all.tar", "c8d-one.tar"):
        archive, dest = tmp_path / f"docker-{name}", tmp_path / f"ours-{name}"
        repack(folder / name, archive, to="docker", platforms=["linux/amd64"])
        engines.docker.load(archive)
        theirs = _exported(engines.docker, "example.com/bx:multi")
        export(folder / name, dest, platforms=["linux/amd64"])
        with dest.open("rb") as file:
            _require_equal(name, of_tar(file, OWN), theirs, "", "xattrs")
        engines.docker.clear()
