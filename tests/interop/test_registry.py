"""A real registry: what was pushed to it is read off its folder, and what is written is served."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oci_layout import repack, verify
from tests.builders import (
    Image,
    make_image,
    sha256,
    write_docker_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.artifacts import make_artifact, make_signature, of_image, write_layout
from tests.builders.image import hex_of
from tests.command import argv_of, environment
from tests.interop.built import MOTD, Builder
from tests.interop.engines import Engines
from tests.interop.registry import Registry
from tests.interop.shown import HERE, Engine
from tests.sink.registries import require_whole, tags_of

QUIET = ("skopeo", "copy", "-q", "--all", "--preserve-digests", "--dest-tls-verify=false")
Held = dict[str, str]


@pytest.fixture
def registry(engines: Engines, tmp_path: Path) -> Iterator[Registry]:
    """A registry that has not been started."""
    home = engines.host.new_dir(f"registry-{tmp_path.name}")
    found = Registry(engines.host, home)
    yield found
    found.stop()
    shutil.rmtree(home)


def push(registry: Registry, source: str, name: str) -> None:
    registry.host.run([*QUIET, source, f"docker://{registry.address}/{name}"])


def placed(registry: Registry, path: Path) -> str:
    return str(registry.host.place(path))


def filled(registry: Registry, builder: Builder, work: Path) -> dict[str, Image]:
    """Push both vocabularies, lists, nested names, a signature tag and an artifact."""
    docker = builder.image("app:1", compression="gzip")
    oci = builder.image("deep/er/app:2", compression=["gzip", "zstd", "none"])
    other = builder.image("multi:1", arch="arm64" if HERE == "amd64" else "amd64")
    here = builder.image("multi:1")
    layouts = {
        "app:1": write_oci_layout([docker], work / "docker", family="docker"),
        "deep/er/app:2": write_oci_layout([oci], work / "oci"),
        "multi:1": write_index_layout(work / "multi", [here, other], attestations=True),
        "list:1": write_index_layout(work / "list", [here, other], family="docker"),
    }
    for name, path in layouts.items():
        push(registry, f"oci:{placed(registry, path)}", name)
    digest = docker.manifest_digest("docker")
    signature = make_signature(digest)
    sbom = make_artifact(b"sbom", artifact_type="application/x", subject=of_image(oci).entry())
    for number, (built, name) in enumerate(
        [(signature, f"app:sha256-{hex_of(digest)}.sig"), (sbom, "deep/er/app:sbom")]
    ):
        path = write_layout(work / f"artifact{number}", [built.entry()], built)
        push(registry, f"oci:{placed(registry, path)}", name)
    return {"app:1": docker, "deep/er/app:2": oci, "multi:1": here, "list:1": here}


def tags_read(path: Path) -> Held:
    """The digest of each name, as it is read off the folder."""
    from oci_layout.source.opening import open_source  # noqa: PLC0415

    with open_source(str(path)) as source:
        return {
            str(name): str(root.node.descriptor.digest)
            for root in source.roots
            for name in root.names
            if root.node.descriptor is not None
        }


def test_what_was_pushed_is_read(
    engine: Engine, builder: Builder, registry: Registry, tmp_path: Path
) -> None:
    """Names and digests are those that the registry says; images load and run elsewhere."""
    registry.start()
    images = filled(registry, builder, tmp_path)
    said = registry.tags()
    assert tags_read(registry.root) == said
    registry.stop()
    copy = registry.root.with_name("copy")
    shutil.copytree(registry.root, copy)
    report = verify(copy)
    assert not [each for each in report.findings if each.severity != "note"], report.findings
    assert tags_read(copy) == said
    repack(copy, copy.with_name("layout"), to="oci", preserve_digests=True)
    assert tags_read(copy.with_name("layout")) == said
    again = copy.with_name("again")
    repack(copy, again, to="registry")
    assert require_whole(again) == said == tags_of(copy)
    for number, (name, image) in enumerate(images.items()):
        archive = copy.with_name(f"{number}.tar")
        repack(copy, archive, to="docker", images=(name,), platforms=(f"linux/{HERE}",))
        engine.load(archive)
        (shown,) = [
            each for each, found in engine.images().items() if found.image_id == image.config_digest
        ]
        (wanted,) = {each.content for each in builder.wanted(image).values()}
        assert engine.cat(shown, MOTD) == wanted
        engine.clear()


def written(builder: Builder, work: Path) -> tuple[Path, dict[str, Image]]:
    """A layout of images of both kinds and an index, to be written into a registry."""
    one = builder.image("app:1", "registry.example:5000/deep/er/app:2", compression="gzip")
    raw = builder.image("raw:1")
    path = write_docker_archive([one, raw], work / "in.tar")
    return path, {"app:1": one, "deep/er/app:2": one, "raw:1": raw}


def test_what_is_written_is_served(
    builder: Builder, registry: Registry, engines: Engines, tmp_path: Path
) -> None:
    """Catalog, tags, HEAD, ranges, and a copy by skopeo with the digests that were reported."""
    source, images = written(builder, tmp_path)
    report = repack(source, registry.root, to="registry")
    multi = write_index_layout(
        tmp_path / "multi", [builder.image("m:1"), builder.image("m:1", arch="arm64")], "m:1"
    )
    repack(multi, registry.root, to="registry", append=True)
    registry.start()
    said = registry.tags()
    assert set(said) == {*images, "m:1"}
    assert tags_read(registry.root) == said
    made = {str(image.manifest_after) for image in report.images}
    assert {said[name] for name in images} == made
    for name in said:
        repository, _, tag = name.rpartition(":")
        registry.require_served(repository, tag)
        registry.require_served(repository, said[name])
    image = images["raw:1"]
    layer = image.layers[0]
    part = registry.ask(f"raw/blobs/{layer.digest}", Range="bytes=100-299")
    assert part.status == 206
    assert part.body == layer.stored[100:300]
    assert sha256(registry.ask(f"raw/blobs/{layer.digest}").body) == layer.digest
    for name in said:
        dest = registry.root.with_name(f"dir-{name.replace('/', '-').replace(':', '-')}")
        registry.host.run(
            [
                *("skopeo", "copy", "-q", "--all", "--src-tls-verify=false"),
                *(f"docker://{registry.address}/{name}", f"dir:{dest}"),
            ]
        )
        assert sha256((dest / "manifest.json").read_bytes()) == said[name]
        assert not verify(dest).failed


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_engines_pull_what_is_written(
    when: str, engine: Engine, builder: Builder, registry: Registry, tmp_path: Path
) -> None:
    """From a registry that was filled before it started, or while it ran."""
    source, images = written(builder, tmp_path)
    if when == "meanwhile":
        registry.start()
        assert registry.tags() == {}
        assert registry.manifest("app", "1", "HEAD").status == 404
        registry.root.mkdir(exist_ok=True)
    repack(source, registry.root, to="registry", append=True)
    if when == "before":
        registry.start()
    for name, image in images.items():
        there = f"{registry.address}/{name}"
        pull(engine, there)
        if engine.name == "skopeo":
            continue
        shown = engine.images()[there]
        assert shown.image_id == image.config_digest
        (wanted,) = {each.content for each in builder.wanted(image).values()}
        assert engine.cat(there, MOTD) == wanted
    engine.clear()


def pull(engine: Engine, name: str) -> None:
    """Pull by an engine's own words; 127.0.0.1 needs no certificate to Docker."""
    from tests.interop.containerd import Containerd  # noqa: PLC0415
    from tests.interop.containers import Podman, Skopeo  # noqa: PLC0415
    from tests.interop.docker import Docker  # noqa: PLC0415

    if isinstance(engine, Docker):
        engine.docker("pull", "-q", name)
    elif isinstance(engine, Containerd):
        local = ("--local",) if needs_local(engine) else ()
        engine.ctr("images", "pull", "--plain-http", *local, name)
    elif isinstance(engine, Podman):
        engine.podman("pull", "-q", "--tls-verify=false", name)
    elif isinstance(engine, Skopeo):
        inspected = ["skopeo", "inspect", "--tls-verify=false", f"docker://{name}"]
        assert json.loads(engine.host.run(inspected))["Digest"]


def needs_local(engine: Engine) -> bool:
    """ctr 2 asks the daemon to pull, which wants its own configuration for plain HTTP."""
    return int(engine.version().lstrip("v").split(".")[0]) >= 2


def test_pushed_into_what_was_written(builder: Builder, registry: Registry, tmp_path: Path) -> None:
    """A push to the same repository, a removal, and garbage collection leave the rest whole."""
    source, images = written(builder, tmp_path)
    multi = write_index_layout(
        tmp_path / "multi", [builder.image("app:m"), builder.image("app:m", arch="arm64")], "app:m"
    )
    repack(source, registry.root, to="registry")
    repack(multi, registry.root, to="registry", append=True)
    registry.start()
    new = builder.image("app:3")
    push(registry, f"oci:{placed(registry, write_oci_layout([new], tmp_path / 'new'))}", "app:3")
    said = registry.tags()
    assert set(said) == {*images, "app:m", "app:3"}
    gone = registry.ask(f"raw/manifests/{said['raw:1']}", "DELETE")
    assert gone.status == 202
    registry.stop()
    registry.collect_garbage()  # with -m, 2.8 takes the children of every index, pushed or not
    left = require_whole(registry.root)
    assert set(left) == {*images, "app:m", "app:3"} - {"raw:1"}
    assert not [each for each in verify(registry.root).findings if each.severity != "note"]
    raw = images["raw:1"].layers[2].digest
    repack(source, registry.root, to="registry", append=True)
    registry.start()
    registry.require_served("raw", "1")
    assert registry.ask(f"raw/blobs/{raw}", "HEAD").status == 200


def test_sixteen_writers_while_it_serves(
    builder: Builder, registry: Registry, tmp_path: Path
) -> None:
    """Whatever tag is listed at any time is served whole."""
    registry.start()
    registry.root.mkdir(exist_ok=True)
    sources = []
    for n in range(16):
        layers = [{"base": b"shared"}, {"text": f"{n} {tmp_path}".encode()}]
        image = make_image(layers, names=(f"new:{n}", f"deep/new{n}:1", "latest:1"))
        sources.append(write_docker_archive([image], tmp_path / f"in{n}.tar"))
    more = ("--to", "registry", "--append", "-q", "--on-conflict", "last", "-o", registry.root)
    running = [
        subprocess.Popen(argv_of("repack", source, *more), env=environment()) for source in sources
    ]
    looks = 0
    deadline = time.monotonic() + 120
    while any(process.poll() is None for process in running) and time.monotonic() < deadline:
        for name, digest in registry.tags().items():
            registry.require_served(name.rpartition(":")[0], digest)
        looks += 1
    assert [process.wait(60) for process in running] == [0] * 16
    assert looks
    said = registry.tags()
    assert len(said) == 33
    assert said == require_whole(registry.root)
    for name in said:
        repository, _, tag = name.rpartition(":")
        registry.require_served(repository, tag)
