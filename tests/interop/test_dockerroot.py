"""Docker's root, filled by Docker itself, and read with nothing running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oci_layout import verify
from oci_layout.finding import Severity
from oci_layout.source.opening import open_source
from tests.builders import sha256, write_docker_archive
from tests.command import succeed
from tests.interop.built import Builder
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.filling import context, linked, odd_layer, of_layers, real_layer, state
from tests.interop.host import EngineError
from tests.interop.moving import reads
from tests.interop.sources import Source

DRIVERS = ["vfs", "overlay2"]


def _fill(docker: Docker, builder: Builder, sources: Callable[[str], Source]) -> None:
    """Load and build images; one loses its name."""
    docker.load(sources("docker20.tar").path)
    images = [
        builder.image("a:1", "example.com:5000/b/c:2"),
        builder.image("nameless:1"),
        of_layers([odd_layer()], "odd:1"),
        of_layers([real_layer(), odd_layer()], "real:1"),
        linked("linked:1"),
    ]
    for number, image in enumerate(images):
        docker.load(write_docker_archive([image], builder.work / f"root{number}.tar"))
    docker.docker("tag", "a:1", "nameless:1")  # the image that had the name has none now
    docker.build(context(builder), ["built:1"])


def _names(docker: Docker) -> dict[str, list[str]]:
    """Names of each image that Docker holds, by its ID."""
    return {image["Id"]: sorted(image["RepoTags"] or []) for image in docker.inspect(*docker.ids())}


@pytest.fixture(scope="module", params=DRIVERS)
def stopped(
    request: pytest.FixtureRequest,
    engines: Engines,
    builder: Builder,
    sources: Callable[[str], Source],
) -> tuple[Path, Mapping[str, list[str]]]:
    """A copy of the root of a Docker that has stopped, and what it has shown before."""
    try:
        docker = Docker(engines.host, engines.containerd, driver=request.param)
    except EngineError as error:
        pytest.skip(f"no {request.param} here: {error.output[-300:]}")
    try:
        _fill(docker, builder, sources)
        shown = _names(docker)
    finally:
        docker.stop()
    copy = engines.host.work / f"copy-{request.param}"
    engines.host.run(["cp", "-a", str(docker.data), str(copy)])
    return copy, shown


def test_every_layer_is_byte_equal(
    stopped: tuple[Path, Mapping[str, list[str]]], record_property: Callable[[str, object], None]
) -> None:
    """All images are there, with the names that Docker showed, and sound."""
    root, shown = stopped
    before = state(root)
    report = verify(root)
    assert not [each for each in report.findings if each.severity is not Severity.NOTE]
    assert {str(i.image_id): sorted(i.names) for i in report.images} == shown
    assert all(image.sound for image in report.images)
    with open_source(str(root)) as source:
        layers = {
            layer.member.name: (layer.member, str(layer.diff_id))
            for each in source.contents.docker
            for layer in each.image.layers
            if layer.member is not None
        }
        equal = sum(sha256(member.read(1 << 30)) == want for member, want in layers.values())
    assert equal == len(layers) == len(list((root / "image").glob("*/layerdb/sha256/*")))
    record_property(f"layers of {root.name}", f"{equal} of {len(layers)} byte-equal")
    assert state(root) == before


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_another_docker_loads_it(
    form: str, stopped: tuple[Path, Mapping[str, list[str]]], engines: Engines, tmp_path: Path
) -> None:
    """With the same IDs, and it runs."""
    root, shown = stopped
    dest = engines.host.work / f"from-{root.name}-{form}.tar"
    succeed("repack", root, "--to", form, "-o", dest)
    docker = engines.docker
    docker.clear()
    docker.load(dest)
    loaded = _names(docker)
    named = {key: names for key, names in shown.items() if names}
    assert {key: names for key, names in loaded.items() if names} == named
    if form == "docker":
        assert loaded.keys() == shown.keys()
    assert docker.cat("built:1", "/etc/motd") == b"hello\n"
    docker.clear()


def test_a_running_docker_is_read(
    engines: Engines, builder: Builder, record_property: Callable[[str, object], None]
) -> None:
    """While it loads and removes images, each read is right, or ends in one clear error."""
    docker = engines.docker
    docker.clear()
    stays, comes = builder.image("stays:1"), builder.image("comes:1", "comes:2")
    docker.load(write_docker_archive([stays], builder.work / "stays.tar"))
    archive = write_docker_archive([comes], builder.work / "comes.tar")

    def turn() -> None:
        docker.load(archive)
        docker.docker("rmi", "comes:1", "comes:2")

    seen = reads(docker.data, builder.work / "read.tar", turn, stays, comes, to="docker")
    record_property("reads of a running Docker", seen)
    docker.clear()
