"""The root of containers-storage, filled by podman itself, and read with nothing running."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oci_layout import inspect, repack, verify
from oci_layout.finding import Severity
from oci_layout.graph.walk import every_image
from oci_layout.reference import ImageName
from oci_layout.source.opening import open_source
from tests.builders import make_image, sha256, write_docker_archive
from tests.command import succeed
from tests.interop.built import Builder
from tests.interop.containers import Podman
from tests.interop.engines import Engines
from tests.interop.filling import context, linked, odd_layer, of_layers, real_layer, state
from tests.interop.host import EngineError
from tests.interop.moving import reads
from tests.interop.sources import Source

DRIVERS = ["vfs", "overlay"]
LIST = "localhost/list:1"
Stopped = tuple[Path, Mapping[str, list[str]]]


def _fill(podman: Podman, builder: Builder, sources: Callable[[str], Source]) -> None:
    """Load, pull and build images; one loses its name, one is a list of another."""
    podman.load(sources("docker20.tar").path)
    images = [
        builder.image("a:1", "example.com:5000/b/c:2"),
        builder.image("nameless:1", compression="gzip"),
        of_layers([odd_layer()], "odd:1"),
        of_layers([real_layer(), odd_layer()], "real:1"),
        linked("linked:1"),
    ]
    for number, image in enumerate(images):
        path = write_docker_archive([image], builder.work / f"storage{number}.tar")
        podman.load(path)
        path.unlink()
    podman.podman("tag", "a:1", "nameless:1")  # the image that had the name has none now
    pulled = sources("platforms").path
    podman.podman("pull", "-q", f"oci:{podman.host.place(pulled)}")
    folder = podman.host.place(context(builder))
    # By itself, podman asks for more files and processes than a sandbox may grant.
    few = ("--isolation", "chroot", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
    podman.podman("build", "-q", *few, "-t", "built:1", str(folder))
    podman.podman("manifest", "create", "list:1")
    podman.podman("manifest", "add", "list:1", podman.ref("localhost/built:1"))


def _names(podman: Podman) -> dict[str, list[str]]:
    """Names of each image that podman holds, by its ID; lists of images are none."""
    listed = json.loads(podman.podman("images", "-a", "--no-trunc", "--format", "json"))
    return {
        f"sha256:{image['Id'].removeprefix('sha256:')}": sorted(
            str(ImageName.familiar(name)) for name in image.get("Names") or []
        )
        for image in listed
        if image.get("Names") != [LIST]
    }


@pytest.fixture(scope="module", params=DRIVERS)
def stopped(
    request: pytest.FixtureRequest,
    engines: Engines,
    builder: Builder,
    sources: Callable[[str], Source],
) -> Stopped:
    """A copy of the root of a podman, and what it has shown before."""
    podman = Podman(engines.host, engines.skopeo, request.param, f"p-{request.param}")
    try:
        podman.podman("images")
    except EngineError as error:
        pytest.skip(f"no {request.param} here: {error.output[-300:]}")
    _fill(podman, builder, sources)
    copy = engines.host.work / f"storage-{request.param}"
    engines.host.run(["cp", "-a", str(podman.root), str(copy)])
    return copy, _names(podman)


def test_every_layer_is_byte_equal(
    stopped: Stopped, record_property: Callable[[str, object], None]
) -> None:
    """All images are there, with the names that podman showed, and sound."""
    root, shown = stopped
    listed = json.loads(next(root.glob("*-layers/layers.json")).read_bytes())
    before = state(root)
    report = verify(root)
    assert not [each for each in report.findings if each.severity is not Severity.NOTE]
    found: dict[str, list[str]] = {}
    for image in report.images:
        if LIST not in image.names:
            found.setdefault(str(image.image_id), []).extend(image.names)
    assert {key: sorted(names) for key, names in found.items()} == shown
    assert all(image.sound for image in report.images)
    with open_source(str(root)) as source:
        layers = {
            layer.member.name: (layer.member, str(layer.diff_id))
            for _, image in every_image(source.roots)
            for layer in image.layers
            if layer.member is not None
        }
        equal = sum(sha256(member.read(1 << 30)) == want for member, want in layers.values())
    assert equal == len(layers) == len(listed)
    record_property(f"layers of {root.name}", f"{equal} of {len(layers)} byte-equal")
    assert {name for each in inspect(root).roots for name in each.names} == {
        name for names in shown.values() for name in names
    } | {LIST}
    assert state(root) == before


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_another_engine_loads_it(form: str, stopped: Stopped, engines: Engines) -> None:
    """With the same IDs and names, and it runs; the list of one image is that image here."""
    root, shown = stopped
    dest = engines.host.work / f"from-{root.name}-{form}.tar"
    succeed("repack", root, "--to", form, "-o", dest)
    docker = engines.docker
    docker.clear()
    docker.load(dest)
    loaded = {each["Id"]: sorted(each["RepoTags"] or []) for each in docker.inspect(*docker.ids())}
    named = {key: names for key, names in shown.items() if names}
    found = {key: [each for each in names if each != LIST] for key, names in loaded.items()}
    assert {key: names for key, names in found.items() if names} == named
    if form == "docker":
        assert loaded.keys() == shown.keys()
    assert docker.cat("localhost/built:1", "/etc/motd") == b"hello\n"
    docker.clear()


def test_another_podman_loads_it(stopped: Stopped, engines: Engines) -> None:
    """Of the archive for Docker, which alone holds several images for podman."""
    root, shown = stopped
    dest = engines.host.work / f"from-{root.name}-podman.tar"
    succeed("repack", root, "--to", "docker", "-o", dest)
    podman = engines.podman
    podman.clear()
    podman.load(dest)
    loaded = _names(podman)
    named = {key: names for key, names in shown.items() if names}
    found = {key: [each for each in names if each != LIST] for key, names in loaded.items()}
    assert {key: names for key, names in found.items() if names} == named
    assert podman.cat("localhost/built:1", "/etc/motd") == b"hello\n"
    podman.clear()


USER = 4242


@pytest.mark.parametrize("driver", DRIVERS)
def test_that_of_a_user(
    driver: str, engines: Engines, builder: Builder, record_property: Callable[[str, object], None]
) -> None:
    """Rootless: a user who has no other user numbers keeps all files as its own."""
    if engines.host.root is not None:
        pytest.skip("in a changed root nobody makes a user namespace (user_namespaces(7))")
    image = builder.image("user:1", compression="gzip")
    archive = write_docker_archive([image], builder.work / f"user-{driver}.tar")
    mode = engines.host.work.stat().st_mode
    engines.host.work.chmod(0o711)
    try:
        podman = Podman(engines.host, engines.skopeo, driver, f"u-{driver}", USER)
        try:
            podman.load(archive)
        except EngineError as error:
            pytest.skip(f"no podman for a user here: {error.output[-300:]}")
        shown = _names(podman)
    finally:
        engines.host.work.chmod(mode)
    assert podman.root.stat().st_uid == USER
    report = verify(podman.root)
    assert not [each for each in report.findings if each.severity is not Severity.NOTE]
    found = {str(each.image_id): sorted(each.names) for each in report.images}
    assert found == shown == {image.config_digest: ["localhost/user:1"]}
    assert all(each.sound for each in report.images)
    record_property(f"layers of a user's {driver}", f"{len(image.layers)} byte-equal")


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_additional_image_store(driver: str, engines: Engines, builder: Builder) -> None:
    """An image that is built on one of another store is whole with that store's root."""
    files = [{"bin/busybox": builder.busybox}, {"etc/motd": b"below"}]
    plain: dict[str, list[str]] = {"OnBuild": [], "Shell": []}  # podman would run what is to be run
    image = make_image(files, names=("below:1",), compression="gzip", config=plain)
    archive = write_docker_archive([image], builder.work / f"below-{driver}.tar")
    below = Podman(engines.host, engines.skopeo, driver, f"b-{driver}")
    below.load(archive)
    above = Podman(engines.host, engines.skopeo, driver, f"a-{driver}")
    folder = engines.host.new_dir(f"above-{driver}")
    (folder / "Dockerfile").write_text("FROM localhost/below:1\nCOPY x /etc/x\n")
    (folder / "x").write_bytes(b"above")
    more = ("--storage-opt", f"{driver}.imagestore={below.root}")
    above.podman(*more, "build", "-q", "-t", "above:1", str(folder))
    codes = {each.code for each in verify(above.root).findings}
    assert codes == {"other-store", "missing-blob"}
    dest = builder.work / f"above-{driver}.tar"
    repack(above.root, dest, to="docker", images=["localhost/above:1"], bases=[str(below.root)])
    assert not [each for each in verify(dest).findings if each.severity is not Severity.NOTE]
    engines.docker.clear()
    engines.docker.load(dest)
    assert engines.docker.cat("localhost/above:1", "/etc/x") == b"above"
    engines.docker.clear()


def test_a_running_podman_is_read(
    engines: Engines, builder: Builder, record_property: Callable[[str, object], None]
) -> None:
    """While it loads and removes images, each read is right, or ends in one clear error."""
    podman = engines.podman
    podman.clear()
    stays, comes = builder.image("stays:1"), builder.image("comes:1", "comes:2")
    podman.load(write_docker_archive([stays], builder.work / "stays-p.tar"))
    archive = write_docker_archive([comes], builder.work / "comes-p.tar")

    def turn() -> None:
        podman.load(archive)
        podman.podman("rmi", "comes:1", "comes:2")

    seen = reads(podman.root, builder.work / "read-p.tar", turn, stays, comes, to="docker")
    record_property("reads of a running podman", seen)
    podman.clear()
