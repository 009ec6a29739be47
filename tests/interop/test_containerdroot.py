"""containerd's own root: filled by containerd and Docker themselves, read with nothing running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from oci_layout import inspect, verify
from oci_layout.finding import Severity
from oci_layout.graph.walk import every_image
from oci_layout.source.opening import open_source
from tests.builders import (
    full_name,
    sha256,
    write_docker_archive,
    write_index_layout,
    write_oci_archive,
)
from tests.builders.files import write_members
from tests.builders.trees import fingerprint
from tests.command import layout, succeed
from tests.independent import read_files
from tests.interop.built import MOTD, Builder
from tests.interop.containerd import Containerd
from tests.interop.docker import Docker
from tests.interop.engines import Engines, docker_release
from tests.interop.moving import reads
from tests.interop.shown import Engine
from tests.interop.sources import SHARED, TINY, Source

K8S = "k8s.io"
KIND = ("--all-platforms", "--digests")  # as kind imports


@dataclass(frozen=True)
class Filled:
    """A copy of a root.

    Args:
        root: of a containerd that has stopped.
        images: digests of configs by the names that `ctr` showed, of the default namespace.
        k8s: likewise, of that of CRI.
    """

    root: Path
    images: Mapping[str, str]
    k8s: Mapping[str, str]


def _wait_for_cri(containerd: Containerd) -> None:
    """Until each image is listed by its ID: that is done when events of it come."""
    for _ in range(100):
        names = containerd.digests(K8S)
        if len({each for name, each in names.items() if name.startswith("sha256:")}) == 2:
            return
        time.sleep(0.1)
    pytest.fail(f"CRI lists no image by its ID: {names}")


def _configs(containerd: Containerd, namespace: str) -> dict[str, str]:
    digests = containerd.digests(namespace)
    return {name: sha256(containerd.config(each, namespace)) for name, each in digests.items()}


def _archives(builder: Builder, sources: Callable[[str], Source]) -> Iterator[Path]:
    """What is imported: built for the run, and what other software saved where that is there."""
    images = [
        builder.image("a:1", "example.com:5000/b/c:2"),
        builder.image("gz:1", compression="gzip"),
        builder.image("mixed:1", compression=["zstd", "gzip", "none"]),
    ]
    yield write_docker_archive(images[:1], builder.work / "ctd-docker.tar")
    for image in images[1:]:
        name = image.names[0].partition(":")[0]
        yield write_oci_archive([image], builder.work / f"ctd-{name}.tar")
    if (SHARED / "corpus").is_dir():
        for name in TINY:
            if name.endswith(".tar"):
                yield sources(name).path


def _several_platforms(builder: Builder) -> Path:
    images = [builder.image(compression="gzip", arch=arch) for arch in ("amd64", "arm64")]
    folder = write_index_layout(
        builder.work / "ctd-index", images, name="example.com/multi:1", attestations=True
    )
    return write_members(read_files(folder), builder.work / "ctd-index.tar")


@pytest.fixture(scope="module")
def filled(engines: Engines, builder: Builder, sources: Callable[[str], Source]) -> Filled:
    """containerd, filled and stopped."""
    containerd = Containerd(engines.host, "filled", cri=True)
    try:
        for path in _archives(builder, sources):
            containerd.import_(path)
        nameless = write_docker_archive([builder.image()], builder.work / "ctd-nameless.tar")
        containerd.import_(nameless, "--digests")
        containerd.import_(_several_platforms(builder), *KIND, namespace=K8S)
        of_kind = write_docker_archive([builder.image("kind:1")], builder.work / "ctd-kind.tar")
        containerd.import_(of_kind, *KIND, namespace=K8S)
        _wait_for_cri(containerd)
        images, k8s = (_configs(containerd, each) for each in (containerd.namespace, K8S))
    finally:
        containerd.stop()
    copy = engines.host.work / "filled-copy"
    engines.host.run(["cp", "-a", str(containerd.root), str(copy)])
    return Filled(copy, images, k8s)


def _read(root: Path, namespace: str) -> dict[str, set[str]]:
    """Digests of configs by the full names of images; the empty name for those without one."""
    found: dict[str, set[str]] = {}
    with open_source(str(root), namespace=namespace) as source:
        for top, image in every_image(source.roots):
            for name in [str(name.reference or name) for name in top.names] or [""]:
                found.setdefault(name, set()).add(str(image.config.digest))
    return found


def _named(shown: Mapping[str, str]) -> dict[str, str]:
    """Without the names that `ctr images import --digests` makes, and CRI."""
    made = ("import-", "sha256:")
    return {name: config for name, config in shown.items() if not name.startswith(made)}


def test_every_image_and_every_byte(
    filled: Filled, record_property: Callable[[str, object], None]
) -> None:
    """Names and IDs are those that `ctr` showed, and all layers those that came in."""
    before = fingerprint(filled.root)
    for namespace, shown in (("default", filled.images), (K8S, filled.k8s)):
        read = _read(filled.root, namespace)
        for name, config in _named(shown).items():
            assert config in read[name]
        assert read.keys() - {""} == _named(shown).keys()
        nameless = set(shown.values()) - set(_named(shown).values())
        assert nameless <= read.get("", set())
        report = verify(filled.root, namespace=namespace)
        bad = {each.code for each in report.findings if each.severity is not Severity.NOTE}
        assert bad <= {"sparse-index"}, report.findings
        assert all(image.sound for image in report.images)
        layers = {}
        with open_source(str(filled.root), namespace=namespace) as source:
            for _, image in every_image(source.roots):
                for layer in image.layers:
                    assert layer.member is not None
                    layers[str(layer.digest)] = sha256(layer.member.read(1 << 30))
        equal = sum(digest == actual for digest, actual in layers.items())
        assert equal == len(layers)
        said = f"{equal} of {len(layers)} byte-equal; {len(shown)} names, {len(_named(shown))} kept"
        record_property(f"layers of {namespace}", said)
    assert fingerprint(filled.root) == before
    assert layout("inspect", filled.root).returncode == 4


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_another_engine_loads_it(form: str, filled: Filled, engines: Engines) -> None:
    """Docker and containerd, empty before: names and image IDs are the same, and it runs."""
    dest = engines.host.work / f"from-containerd-{form}.tar"
    succeed("repack", filled.root, "--namespace", "default", "--to", form, "-o", dest)
    wanted = _named(filled.images)
    # Docker's classic store takes no zstd before 23, and --to oci keeps what is there.
    empty: list[Engine] = [engines.containerd]
    empty += [engines.docker] if form == "docker" else []
    for engine in empty:
        engine.clear()
        engine.load(dest)
        shown = {full_name(name): each.image_id for name, each in engine.images().items()}
        assert {name: shown.get(name) for name in wanted} == wanted
        assert engine.cat(full_name("a:1"), MOTD).startswith(b"hello ")
        engine.clear()


def test_several_platforms(filled: Filled, engines: Engines) -> None:
    """An index with attestations goes on whole, with the digest that it had."""
    dest = engines.host.work / "from-k8s.tar"
    succeed("repack", filled.root, "--namespace", K8S, "--to", "oci", "-o", dest)
    containerd = engines.containerd
    containerd.clear()
    containerd.import_(dest, "--all-platforms")
    assert {name: sha256(each.config) for name, each in containerd.images().items()} == _named(
        filled.k8s
    )
    containerd.clear()


def test_without_the_database(filled: Filled, engines: Engines) -> None:
    """All images are there, without their names."""
    copy = engines.host.work / "without-database"
    engines.host.run(["cp", "-a", str(filled.root), str(copy)])
    (copy / "io.containerd.metadata.v1.bolt/meta.db").unlink()
    every = {*filled.images.values(), *filled.k8s.values()}
    with open_source(str(copy)) as source:
        assert {str(image.config.digest) for _, image in every_image(source.roots)} >= every
        assert not [name for root in source.roots for name in root.names]


def test_discarded_layers(engines: Engines, builder: Builder) -> None:
    """What `ctr` lets go of by a setting is told so."""
    containerd = engines.containerd
    if b"--discard-unpacked-layers" not in containerd.ctr("images", "import", "--help"):
        pytest.skip(f"containerd {containerd.version()} cannot discard layers on import")
    containerd.clear()
    archive = write_oci_archive([builder.image("gone:1")], builder.work / "ctd-gone.tar")
    containerd.import_(archive, "--local", "--discard-unpacked-layers")
    containerd.ctr("leases", "create", "--id", "gc")
    containerd.ctr("leases", "rm", "--sync", "gc")
    report = verify(containerd.root, namespace="default")
    errors = [each for each in report.findings if each.severity is Severity.ERROR]
    assert [each.code for each in errors] == ["discarded-layer"] * 3
    assert "discard_unpacked_layers" in errors[0].message
    assert not verify(containerd.root, namespace="default", bases=(str(archive),)).failed
    containerd.clear()


@pytest.fixture
def on_containerd(engines: Engines) -> Iterator[Docker]:
    """Docker on the image store of containerd; an older one is started for this alone."""
    if engines.docker_c8d is not None:
        yield engines.docker_c8d
    elif docker_release(engines.host.root) < 26:
        pytest.skip("this Docker has no store of containerd")
    else:
        docker = Docker(engines.host, engines.containerd, store="containerd")
        yield docker
        docker.stop()


def test_docker_on_the_store_of_containerd(
    engines: Engines,
    on_containerd: Docker,
    builder: Builder,
    record_property: Callable[[str, object], None],
) -> None:
    """Its namespace of the root has its images, named or not; and they run elsewhere."""
    docker = on_containerd
    docker.clear()
    for number, image in enumerate((builder.image("c8d:1", "x.io/c8d:2"), builder.image("old:1"))):
        docker.load(write_docker_archive([image], builder.work / f"c8d-{number}.tar"))
    docker.load(write_docker_archive([builder.image("old:1")], builder.work / "c8d-new.tar"))
    root, namespace = engines.containerd.root, docker.namespace
    read = _read(root, namespace)
    wanted = {full_name(name): {each.image_id} for name, each in docker.images().items()}
    assert {name: ids for name, ids in read.items() if name} == wanted
    report = verify(root, namespace=namespace)
    assert not report.failed
    record_property("layers of Docker on containerd", f"{len(report.images)} images sound")
    dest = engines.host.work / "from-c8d.tar"
    succeed("repack", root, "--namespace", namespace, "--to", "docker", "-o", dest)
    _loads(engines.docker, dest, {name: next(iter(ids)) for name, ids in wanted.items()})
    docker.clear()


def _loads(docker: Docker, path: Path, wanted: Mapping[str, str]) -> None:
    docker.clear()
    docker.load(path)
    shown = {full_name(name): each.image_id for name, each in docker.images().items()}
    assert {name: shown.get(name) for name in wanted} == dict(wanted)
    for name in wanted:
        assert docker.cat(name, MOTD).startswith(b"hello ")
    docker.clear()


def test_a_running_containerd_is_read(
    engines: Engines, builder: Builder, record_property: Callable[[str, object], None]
) -> None:
    """While it imports and removes images, each read is right, or ends in one clear error."""
    containerd = engines.containerd
    containerd.clear()
    stays, comes = builder.image("stays:1"), builder.image("comes:1", "comes:2", compression="gzip")
    containerd.import_(write_oci_archive([stays], builder.work / "ctd-stays.tar"))
    archive = write_oci_archive([comes], builder.work / "ctd-comes.tar")

    def turn() -> None:
        containerd.import_(archive)
        containerd.ctr("images", "rm", "--sync", *(full_name(name) for name in comes.names))

    dest = builder.work / "ctd-read.tar"
    seen = reads(containerd.root, dest, turn, stays, comes, to="oci", namespace="default")
    record_property("reads of a running containerd", seen)
    assert len(inspect(containerd.root, namespace="default").roots) == 1
    containerd.clear()
