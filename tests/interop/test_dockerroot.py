"""Docker's root, filled by Docker itself, and read with nothing running."""

from __future__ import annotations

import io
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oci_layout import LayoutError, repack, verify
from oci_layout.finding import Severity
from oci_layout.source.opening import open_source
from tests.builders import make_image, sha256, write_docker_archive
from tests.builders.image import Image, Layer
from tests.builders.trees import fingerprint
from tests.command import succeed
from tests.interop.built import DOCKERFILE, Builder
from tests.interop.docker import Docker
from tests.interop.engines import Engines
from tests.interop.host import EngineError
from tests.interop.sources import Source

DRIVERS = ["vfs", "overlay2"]
REAL = ("usr/share/zoneinfo", "usr/lib/git-core", "usr/share/perl5", "etc")


def _odd_layer() -> bytes:
    """Links, devices, names of many kinds, a whiteout and padding, in three forms of tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, link in (
            ("dev", tarfile.DIRTYPE, ""),
            ("dev/null", tarfile.CHRTYPE, ""),
            ("dev/pipe", tarfile.FIFOTYPE, ""),
            ("etc", tarfile.DIRTYPE, ""),
            ("etc/link", tarfile.SYMTYPE, "../../../etc/shadow"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.devmajor, member.devminor = kind, link, 1, 3
            tar.addfile(member)
        for name, data in (
            ("./etc/dotted", b"dotted"),
            ("etc/" + "long" * 40, b"long" * 1000),
            ("etc/p\u00e4th", b"utf-8"),
            ("etc/\udcff\udcfe", b"no utf-8"),
            ("etc/.wh.gone", b""),
            ("etc/large", bytes(range(251)) * 20_000),
            ("etc/a<b>&\u2028", b"escaped in JSON"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        member = tarfile.TarInfo("etc/hard")
        member.type, member.linkname = tarfile.LNKTYPE, "etc/large"
        tar.addfile(member)
    return out.getvalue() + bytes(50_000)


def _real_layer() -> bytes:
    """Some thousand files of this machine, as GNU tar or PAX has them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in REAL:
            if Path("/", name).is_dir():
                tar.add(f"/{name}", name)
    return out.getvalue()


def _of_layers(raw: list[bytes], name: str) -> Image:
    image = make_image([{} for _ in raw], names=(name,))
    layers = tuple(map(Layer, raw))
    config = {
        **image.config,
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
    }
    return Image(layers=layers, config=config, names=(name,))


def _fill(docker: Docker, builder: Builder, sources: Callable[[str], Source]) -> None:
    """Load and build images; one loses its name."""
    docker.load(sources("docker20.tar").path)
    images = [
        builder.image("a:1", "example.com:5000/b/c:2"),
        builder.image("nameless:1"),
        _of_layers([_odd_layer()], "odd:1"),
        _of_layers([_real_layer(), _odd_layer()], "real:1"),
    ]
    for number, image in enumerate(images):
        docker.load(write_docker_archive([image], builder.work / f"root{number}.tar"))
    docker.docker("tag", "a:1", "nameless:1")  # the image that had the name has none now
    context = builder.work / "rootcontext"
    for path, data in (
        ("Dockerfile", DOCKERFILE.encode()),
        ("bin/busybox", builder.busybox),
        ("bin/sh", builder.busybox),
        ("etc/motd", b"hello\n"),
        ("etc/gone", b"gone"),
    ):
        file = context / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o755 if "bin" in path else 0o644)
    docker.build(context, ["built:1"])


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
    before = fingerprint(root)
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
    assert fingerprint(root) == before


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


READS = 200


def test_a_running_docker_is_read(
    engines: Engines, builder: Builder, record_property: Callable[[str, object], None]
) -> None:
    """While it loads and removes images, each read is right, or ends in one clear error."""
    docker, stop = engines.docker, threading.Event()
    docker.clear()
    stays, comes = builder.image("stays:1"), builder.image("comes:1", "comes:2")
    docker.load(write_docker_archive([stays], builder.work / "stays.tar"))
    archive = write_docker_archive([comes], builder.work / "comes.tar")
    rounds = 0

    def coming_and_going() -> None:
        nonlocal rounds
        while not stop.is_set():
            docker.load(archive)
            docker.docker("rmi", "comes:1", "comes:2")
            rounds += 1

    worker = threading.Thread(target=coming_and_going)
    worker.start()
    seen: Counter[str] = Counter()
    try:
        for number in range(READS):
            dest = builder.work / f"read{number}.tar"
            try:
                repack(docker.data, dest, to="docker")
            except LayoutError as error:
                assert not dest.exists()
                seen[getattr(error, "code", type(error).__name__)] += 1
                continue
            report = verify(dest)
            assert not [each for each in report.findings if each.severity is Severity.ERROR]
            ids = {str(image.image_id) for image in report.images}
            assert {stays.config_digest} <= ids <= {stays.config_digest, comes.config_digest}
            seen["both" if len(ids) == 2 else "one"] += 1
            dest.unlink()
    finally:
        stop.set()
        worker.join()
    record_property("reads of a running Docker", f"{dict(seen)} in {rounds} rounds")
    assert rounds
    assert sum(seen.values()) == READS
    docker.clear()
