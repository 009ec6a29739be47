"""The old formats as real engines write and read them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Image, full_name, sha256, write_docker_archive
from tests.builders.trees import config_of, manifest_of, read
from tests.command import succeed
from tests.converting import images_of, messages, sound
from tests.independent import unpack
from tests.interop.check import check
from tests.interop.engines import Engines
from tests.interop.legacy import (
    DOCKERFILE,
    MOTD,
    V1_SOURCES,
    Bench,
    empty_layers,
    motd_of,
    stripped,
    with_words,
)
from tests.interop.shown import Engine
from tests.interop.sources import Source, Wanted


@pytest.fixture(scope="module")
def bench(engines: Engines) -> Iterator[Bench]:
    """Give the engines with a folder of their own; nothing stays in Docker's store."""
    yield Bench(engines, engines.host.new_dir("legacy"))
    engines.docker.clear()


def old_enough(engines: Engines, last: int, what: str) -> None:
    """Skip where Docker no longer does something.

    Args:
        last: the last release that does.
        what: it does.
    """
    version = engines.docker.version()
    if int(version.partition(".")[0]) > last:
        pytest.skip(f"Docker {version} no longer {what}")


def compare_with_docker(bench: Bench, archive: Path, names: list[str]) -> None:
    """Docker's own load of a V1 archive, and ours of the same, come to one image."""
    docker = bench.engines.docker
    docker.clear()
    docker.load(archive)
    theirs = {full_name(name): shown for name, shown in docker.images().items()}
    assert sorted(theirs) == sorted(map(full_name, names))
    out = bench.path("out")
    succeed("repack", archive, "--to", "oci", "-o", out)
    ours = {name: image for image in images_of(out) for name in image.names}
    assert ours.keys() == theirs.keys()
    for name, shown in theirs.items():
        wanted, config = json.loads(shown.config), ours[name].config
        assert ours[name].diff_ids == shown.diff_ids
        for field in ("Cmd", "Env", "Entrypoint", "Labels", "Healthcheck", "Shell", "OnBuild"):
            assert config["config"].get(field) == wanted["config"].get(field)
        assert len(config["history"]) == len(wanted["history"])
        assert [line.get("created_by") for line in config["history"]] == [
            line.get("created_by") for line in wanted["history"]
        ]
        assert config == wanted
        assert ours[name].config_digest == shown.image_id


@pytest.mark.parametrize("name", V1_SOURCES)
def test_docker_loads_the_same_v1(name: str, bench: Bench) -> None:
    """An archive of Docker without manifest.json is a V1 archive; even the image IDs are equal."""
    old_enough(bench.engines, 24, "saves V1 folders")
    images = V1_SOURCES[name](bench)
    names = [each for image in images for each in image.names]
    compare_with_docker(bench, stripped(bench.save(*images), bench.path("v1.tar")), names)


def test_docker_loads_the_same_v1_of_a_build(bench: Bench) -> None:
    """The same of an image that Docker built."""
    old_enough(bench.engines, 24, "saves V1 folders")
    docker = bench.engines.docker
    docker.clear()
    context = bench.path("context")
    for path, data in (
        ("Dockerfile", DOCKERFILE.encode()),
        ("bin/busybox", bench.busybox),
        ("etc/motd", uuid.uuid4().hex.encode()),
    ):
        file = context / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o755)
    names = ["built:1", "example.com:5000/team/built:v1.0"]
    docker.build(context, names)
    saved = docker.save(names, bench.path("saved.tar"))
    compare_with_docker(bench, stripped(saved, bench.path("v1.tar")), names)


def legacy_of(bench: Bench, *images: Image) -> Path:
    """The legacy archive of images that lie in a Docker archive."""
    source = write_docker_archive(images, bench.path("in.tar"))
    dest = bench.path("legacy.tar")
    succeed("repack", source, "--to", "docker", "--legacy", "-o", dest)
    return dest


@pytest.fixture(scope="module")
def targets(bench: Bench) -> list[Image]:
    """Two images to write as legacy archives; one of them has two names and equal layers."""
    return [
        bench.image("demo:1", "example.com:5000/demo:1", compression="gzip"),
        bench.image("other:2", compression="gzip"),
    ]


def test_docker_loads_legacy_without_manifest(bench: Bench, targets: list[Image]) -> None:
    """As Docker before 1.10 read it: same names, same layers, and it runs."""
    old_enough(bench.engines, 28, "loads V1 archives")
    archive = stripped(legacy_of(bench, *targets), bench.path("v1.tar"))
    docker = bench.engines.docker
    docker.clear()
    docker.load(archive)
    shown = docker.images()
    assert sorted(shown) == sorted(name for image in targets for name in image.names)
    for image in targets:
        lines = [line for line in image.config["history"] if not line.get("empty_layer")]
        for name in image.names:
            assert list(shown[name].diff_ids) == [layer.diff_id for layer in image.layers]
            assert docker.run(name) == motd_of(image)
            config = json.loads(shown[name].config)
            for field in ("Cmd", "Env", "Labels", "Healthcheck", "Shell", "OnBuild"):
                assert config["config"][field] == image.config["config"][field]
            assert config["created"] == image.config["created"]
            assert [(line["created"], line["created_by"]) for line in config["history"]] == [
                (line["created"], line["created_by"]) for line in lines
            ]


def test_engines_load_legacy(bench: Bench, targets: list[Image], engine: Engine) -> None:
    """With manifest.json every engine of today sees the image itself: same ID, names and files."""
    archive = legacy_of(bench, *targets)
    wanted = {
        full_name(name): Wanted(image.config_bytes, MOTD, motd_of(image))
        for image in targets
        for name in image.names
    }
    if engine.name == "skopeo":
        skopeo = bench.engines.skopeo
        for image in targets:
            for name in image.names:
                ref = f"docker-archive:{archive}:{name}"
                assert skopeo.inspect(ref, config=True) == image.config_bytes
                dest = bench.path("dir")
                skopeo.copy(ref, f"dir:{dest}")
                layers = json.loads((dest / "manifest.json").read_bytes())["layers"]
                assert len(layers) == len(image.layers)
        return
    engine.clear()
    engine.load(archive)
    check(engine, Source(archive, wanted, docker_loads=True))


# What skopeo's OCI config lacks: it decodes a config into the struct of the image spec and encodes
# that again (containers/image, internal/image/docker_schema2.go: convertToManifestOCI1), so that
# every field is lost which image-spec's specs-go/v1/config.go does not have.
LOST_ON_TOP = ("container", "container_config", "docker_version")
LOST_IN_CONFIG = (
    "Hostname",  # of the machine that built it
    "Domainname",
    "Image",  # that it was built on
    "AttachStdin",  # of the container that built it, as all that follow
    "AttachStdout",
    "AttachStderr",
    "OpenStdin",
    "StdinOnce",
    "Tty",
    "Healthcheck",  # these four are the image's, and Docker heeds them
    "OnBuild",
    "Shell",
    "StopTimeout",
)


def v2s1(bench: Bench, image: Image, *flags: str) -> Path:
    """The image as skopeo's schema 1 in a `dir:`."""
    source = write_docker_archive([image], bench.path("in.tar"))
    dest = bench.path("v2s1")
    bench.engines.skopeo.copy(f"docker-archive:{source}", f"dir:{dest}", "--format", "v2s1", *flags)
    manifest = json.loads((dest / "manifest.json").read_bytes())
    assert manifest["schemaVersion"] == 1
    assert len(manifest["signatures"]) == 1
    return dest


def full(value: Any) -> Any:
    """Without what is null, empty or false, which Go's structs leave out (`omitempty`)."""
    if isinstance(value, dict):
        inner = {key: full(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", [], {}, False)}
    return [full(item) for item in value] if isinstance(value, list) else value


S1_SOURCES: dict[str, Callable[[Bench], Image]] = {
    "repeated layers": lambda bench: bench.image("demo:1"),
    "words": lambda bench: with_words(bench)[0],
    "empty layers": lambda bench: empty_layers(bench)[0],
    "30 layers": lambda bench: V1_SOURCES["30 layers"](bench)[0],
}


@pytest.mark.parametrize("flags", [(), ("--dest-compress",)], ids=["raw", "compressed"])
@pytest.mark.parametrize("name", S1_SOURCES)
def test_skopeo_upgrades_the_same(name: str, flags: tuple[str, ...], bench: Bench) -> None:
    """skopeo's schema 1 of an image, made schema 2 and OCI again by skopeo and by us."""
    image = S1_SOURCES[name](bench)
    source = v2s1(bench, image, *flags)
    (message,) = messages(source, "signature-valid")
    assert "not who signed" in message
    sound(source)
    skopeo = bench.engines.skopeo
    ours, theirs = bench.path("ours"), bench.path("theirs")
    succeed("repack", source, "--to", "oci", "-o", ours)
    skopeo.copy(f"dir:{source}", f"oci:{theirs}:1")
    mine, other = json.loads(config_of(ours)), json.loads(config_of(theirs))
    assert mine["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    assert mine["config"]["Healthcheck"] == image.config["config"]["Healthcheck"]
    for field in LOST_ON_TOP:
        mine.pop(field, None)
    for field in LOST_IN_CONFIG:
        mine["config"].pop(field, None)
    assert full(mine) == full(other)
    files = saved_both(bench, source)
    assert files[0] == files[1]
    digests = [
        [layer["digest"] for layer in manifest_of(path)["layers"]] for path in (ours, theirs)
    ]
    # Only skopeo packs what goes into a layout, where it was raw; the bytes depend on its gzip.
    assert (digests[0] == digests[1]) is bool(flags)


def saved_both(bench: Bench, source: Path) -> list[tuple[Any, list[str]]]:
    """Config and diff_ids of a schema 1 `dir:` as a Docker archive, by us and by skopeo."""
    ours, theirs = bench.path("ours.tar"), bench.path("theirs.tar")
    succeed("repack", source, "--to", "docker", "--name", "demo:1", "-o", ours)
    bench.engines.skopeo.copy(f"dir:{source}", f"docker-archive:{theirs}:demo:1")
    found = []
    for path in (ours, theirs):
        files = read(path)
        (entry,) = json.loads(files["manifest.json"])
        raw = [sha256(unpack(files[name])[1]) for name in entry["Layers"]]
        found.append((full(json.loads(files[entry["Config"]])), raw))
    return found
