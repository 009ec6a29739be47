"""Volumes on real engines: loaded in order, they come to what the whole archive does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from oci_layout import repack, verify
from oci_layout.plan.report import VolumeReport
from tests.builders import (
    Image,
    make_image,
    name_annotations,
    write_docker_archive,
    write_hybrid_archive,
    write_index_layout,
)
from tests.builders.artifacts import make_artifact, of_image, write_layout
from tests.interop.built import Builder
from tests.interop.containerd import Containerd
from tests.interop.containers import Podman, Skopeo
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.shown import HERE, Engine


def cut(
    images: Sequence[Image], folder: Path, size: int, *, packed: str = "keep", to: str = "oci"
) -> tuple[VolumeReport, ...]:
    saved = folder / "saved.tar"
    write_hybrid_archive(images, saved)
    dest = str(folder / "x.tar")
    report = repack(str(saved), dest, to=to, compression=packed, volume_size=size)
    saved.unlink()
    return report.volumes


@pytest.mark.parametrize(("to", "packed"), [("oci", "keep"), ("oci", "gzip"), ("docker", "keep")])
def test_an_image_larger_than_a_volume_runs(
    engine: Engine, builder: Builder, to: str, packed: str, tmp_path: Path
) -> None:
    """Its layers come in several volumes; at the end it is the image, and the others can go."""
    if isinstance(engine, Skopeo):  # it keeps no image, and so finds nothing of one
        pytest.skip("skopeo keeps no image")
    own = os.urandom(8)
    made = make_image(
        [
            {"bin/busybox": builder.busybox, "etc/unique": own},
            *({f"fill{number}": own + os.urandom(1 << 20)} for number in range(3)),
            {"etc/motd": own.hex().encode()},
        ],
        names=("app:1",),
    )
    engine.clear()  # of what another test has left
    folder = Path(tempfile.mkdtemp(dir=engine.host.work))
    saved = folder / "saved.tar"
    write_docker_archive([made], saved)
    size = 2_400_000
    report = repack(str(saved), str(folder / "x.tar"), to=to, compression=packed, volume_size=size)
    assert len(report.volumes) > 1
    assert report.volumes[0].partial
    for volume in report.volumes:
        assert volume.size <= size
        engine.load(folder / volume.file)
    (shown,) = [
        name for name, each in engine.images().items() if each.image_id == made.config_digest
    ]
    for volume in report.volumes:
        if volume.partial:
            remove(engine, volume.partial)
    assert engine.cat(shown, "/etc/motd") == own.hex().encode()
    assert list(engine.images()[shown].diff_ids) == list(made.diff_ids)
    assert list(engine.images()) == [shown]
    engine.clear()


def remove(engine: Engine, name: str) -> None:
    """Remove a partial image as its report says."""
    (full,) = [each for each in engine.images() if each.rpartition("/")[2] == name]
    if isinstance(engine, Containerd):
        engine.ctr("images", "rm", "--sync", full)
    elif isinstance(engine, Docker):
        engine.docker("image", "rm", full)
    elif isinstance(engine, Podman):
        engine.podman("image", "rm", full)


def test_a_shelf_of_images(engines: Engines) -> None:
    """Several images, some that share a base and one that is cut; each is there in the end."""
    own = os.urandom(8)
    base = [{"a": own + os.urandom(30_000)}, {"b": own + os.urandom(20_000)}]
    images = [
        make_image([*base, {f"f{number}": own + os.urandom(15_000)}], names=(f"shelf{number}:1",))
        for number in range(4)
    ]
    long = [{f"l{number}": own + os.urandom(25_000)} for number in range(6)]
    images.insert(2, make_image(long, names=("long:1",)))
    folder = Path(tempfile.mkdtemp(dir=engines.host.work))
    volumes = cut(images, folder, 130_000)
    assert len(volumes) > 2
    assert any(volume.partial for volume in volumes)
    for engine in (engines.docker, engines.containerd):
        for volume in volumes:
            engine.load(folder / volume.file)
        ids = {each.image_id for each in engine.images().values()}
        assert {image.config_digest for image in images} <= ids, engine.name
        engine.clear()


def test_an_index_of_several_platforms(engines: Engines, builder: Builder, tmp_path: Path) -> None:
    """Its images are cut one after the other; the index is there in the end, of this platform."""
    own = os.urandom(8)
    made = [
        make_image(
            [{f"{arch}{number}": own + os.urandom(30_000)} for number in range(3)],
            names=("multi:1",) if arch == HERE else (),
            architecture=arch,
        )
        for arch in (HERE, "s390x")
    ]
    source = write_index_layout(tmp_path / "source", made, name="multi:1")
    folder = Path(tempfile.mkdtemp(dir=engines.host.work))
    report = repack(str(source), str(folder / "x.tar"), to="oci", volume_size=100_000)
    assert sum(bool(volume.partial) for volume in report.volumes) >= 2
    containerd = engines.containerd  # manifest.json lists no image of several platforms
    for volume in report.volumes:
        containerd.load(folder / volume.file)
    assert made[0].config_digest in {each.image_id for each in containerd.images().values()}
    containerd.clear()
    # All platforms, as kind asks for them: each volume must be whole with those before it.
    for volume in report.volumes:
        containerd.import_(folder / volume.file, "--all-platforms")
    (name,) = [each for each in containerd.digests() if each.endswith("multi:1")]
    for image in made:
        for layer in image.layers:
            assert containerd.content(layer.digest), name
    containerd.clear()


def test_a_volume_without_an_image_brings_nothing(engines: Engines, tmp_path: Path) -> None:
    """What is attached to images may fill a volume: engines take it all the same."""
    image = make_image([{"a": os.urandom(30_000)}], names=("app:1",))
    built, sbom = (
        of_image(image),
        make_artifact(os.urandom(60_000), subject=of_image(image).entry()),
    )
    entries = [built.entry(annotations=name_annotations("app:1")), sbom.entry()]
    source = write_layout(tmp_path / "source", entries, built, sbom)
    folder = Path(tempfile.mkdtemp(dir=engines.host.work))
    report = repack(str(source), str(folder / "x.tar"), to="oci", volume_size=90_000)
    assert [volume.images[:1] == ("app:1",) for volume in report.volumes] == [True, False]
    assert not verify(str(folder / "x.volumes.json")).failed
    for engine in (engines.docker, engines.containerd, engines.podman):
        engine.load(folder / report.volumes[0].file)
    for engine in (engines.docker, engines.containerd):
        engine.load(folder / report.volumes[1].file)
    for engine in (engines.docker, engines.containerd, engines.podman):
        engine.clear()
