"""containerd's root as a source: names by its database, blobs as they came, nothing outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout import NotAnImageError, diff, have, inspect, merge, repack, verify
from oci_layout.comparison.verdict import Verdict
from oci_layout.errors import DamagedError, LayoutError, ReadError, SelectionError
from oci_layout.finding import Findings, Severity
from oci_layout.graph.nodes import Image
from oci_layout.source.opening import open_source
from tests.builders import make_image, sha256, write_oci_layout
from tests.builders.artifacts import Built, make_artifact, make_index, of_image
from tests.builders.containerdroot import (
    BLOBS,
    DATABASE,
    Held,
    blob_name,
    of_images,
    record,
    varint,
    write_containerd_root,
)
from tests.builders.dockerroot import write_docker_root
from tests.builders.files import write_members
from tests.builders.image import full_name, hex_of
from tests.builders.registry import write_registry
from tests.builders.trees import fingerprint
from tests.command import layout, succeed
from tests.independent import read_files
from tests.inspection.shown import nodes, tree
from tests.source.opened import assert_holds, collected, held, opened

APP = make_image([{"a": b"1"}, {"b": b"2"}], names=("app:1", "host:5000/team/app:2"))
OTHER = make_image([{"a": b"1"}, {"c": b"3"}], names=("other:1",), compression="gzip")
NAMELESS = make_image([{"d": b"4"}], names=())
FULL = of_images([APP, OTHER])


def only(folder: Path, *more: tuple[str, Built], **how: Any) -> Path:
    """A root with two images in one namespace."""
    return write_containerd_root({"k8s.io": [*FULL, *more]}, folder / "containerd", **how)


def names_in(root: Path, **options: Any) -> set[tuple[str, ...]]:
    return {tuple(sorted(map(str, each.names))) for each in inspect(root, **options).roots}


def codes(path: Path, **options: Any) -> list[str]:
    """Of errors and warnings."""
    found = verify(path, **options).findings
    return [each.code for each in found if each.severity is not Severity.NOTE]


@pytest.mark.parametrize("page_size", [1024, 4096, 16384, 65536])
def test_images_come_out_as_they_went_in(page_size: int, tmp_path: Path) -> None:
    root = only(tmp_path, page_size=page_size)
    assert_holds(root, APP, OTHER)
    report = verify(root)
    assert not report.findings
    assert all(image.sound for image in report.images)
    assert "containerd's store" in report.source_kind


@pytest.mark.parametrize(
    ("put", "named"),
    [
        ("containerd", "containerd"),
        ("containerd", "containerd/io.containerd.content.v1.content"),
        ("containerd", f"containerd/{BLOBS}"),
        ("containerd", f"containerd/{BLOBS}/sha256"),
        ("containerd", "containerd/io.containerd.metadata.v1.bolt"),
        ("containerd", ""),
        ("var/lib/containerd", ""),
        ("lib/containerd", ""),
        ("var/lib/rancher/k3s/agent/containerd", ""),
        ("rancher/rke2/agent/containerd", ""),
        ("agent/containerd", ""),
        ("var/snap/microk8s/common/var/lib/containerd", ""),
        ("var/lib/docker/containerd/daemon", ""),
        ("var/lib/docker/containerd/daemon", "var/lib/docker"),
        ("0123abcd/_data/lib/containerd", ""),
    ],
)
def test_any_of_these_folders_is_it(put: str, named: str, tmp_path: Path) -> None:
    """The root, around it where engines have it, in it, and some floors below a folder."""
    (tmp_path / put).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(only(tmp_path / "made"), tmp_path / put)
    (tmp_path / "made").rmdir()
    assert_holds(tmp_path / named, APP, OTHER)


def test_of_several_roots_one_is_to_be_chosen(tmp_path: Path) -> None:
    """One without blobs does not count."""
    shutil.move(only(tmp_path), tmp_path / "k3s")
    k3s = tmp_path / "host/var/lib/rancher/k3s/agent/containerd"
    k3s.parent.mkdir(parents=True)
    shutil.move(tmp_path / "k3s", k3s)
    write_containerd_root({"moby": []}, tmp_path / "host/var/lib/containerd")
    assert_holds(tmp_path / "host", APP, OTHER)
    write_containerd_root({"moby": FULL}, tmp_path / "host/var/lib/containerd")
    with pytest.raises(NotAnImageError, match="2 roots of containerd") as caught:
        held(tmp_path / "host")
    assert "/var/lib/containerd" in caught.value.hint


def test_beside_a_registry(tmp_path: Path) -> None:
    """Some floors below a folder, as in volumes of Docker."""
    root = tmp_path / "a/_data/lib/containerd"
    root.parent.mkdir(parents=True)
    shutil.move(only(tmp_path / "made"), root)
    assert_holds(tmp_path, APP, OTHER)
    write_registry([make_image(names=("x:1",))], tmp_path / "b/_data")
    with pytest.raises(NotAnImageError, match="containerd and the storage of a registry") as caught:
        held(tmp_path)
    assert str(root) in caught.value.hint


def test_beside_docker(tmp_path: Path) -> None:
    """A host of Docker has both; the images are on one of them, as a rule."""
    host = tmp_path / "host"
    docker, containerd = host / "var/lib/docker", host / "var/lib/containerd"
    write_docker_root([], docker)
    write_containerd_root({"moby": of_images([APP])}, containerd)
    assert_holds(host, APP)
    write_docker_root([NAMELESS], docker)
    with pytest.raises(NotAnImageError, match="the stores of 2 engines") as caught:
        held(host)
    assert str(containerd) in caught.value.hint
    assert str(docker) in caught.value.hint
    assert_holds(docker, NAMELESS)
    shutil.rmtree(containerd / "io.containerd.content.v1.content")
    assert_holds(host, NAMELESS)


def test_dockers_root_leads_there(tmp_path: Path) -> None:
    """Of a Docker that has its images in containerd's."""
    for name in ("buildkit", "containers", "network/files", "volumes"):
        (tmp_path / "docker" / name).mkdir(parents=True)
    (tmp_path / "docker/engine-id").write_text("0")
    with pytest.raises(NotAnImageError, match="root of Docker without images") as caught:
        held(tmp_path / "docker")
    assert "/var/lib/containerd" in caught.value.hint
    write_docker_root([], tmp_path / "docker")  # as it was before
    (told,) = collected(tmp_path / "docker").warnings
    assert (told.code, "/var/lib/containerd" in told.hint) == ("empty", True)


def test_an_archive_of_it(tmp_path: Path) -> None:
    """It says what to do."""
    files = {f"var/lib/{name}": data for name, data in read_files(only(tmp_path)).items()}
    with pytest.raises(NotAnImageError, match="root in an archive") as caught:
        held(write_members(files, tmp_path / "x.tar"))
    assert "unpack it" in caught.value.hint


def test_a_namespace_is_chosen(tmp_path: Path) -> None:
    """By itself where it alone has images; else there is a list."""
    one, two = of_images([APP]), of_images([OTHER])
    root = write_containerd_root({"moby": [], "k8s.io": one}, tmp_path / "one")
    assert_holds(root, APP)
    root = write_containerd_root({"moby": two, "k8s.io": one}, tmp_path / "two")
    with pytest.raises(SelectionError, match="2 namespaces have images") as caught:
        held(root)
    assert caught.value.exit_status == 4
    assert "'k8s.io' (2 names), 'moby' (1 name)" in caught.value.what
    assert names_in(root, namespace="moby") == {("other:1",)}
    assert names_in(root, namespace="k8s.io") == {("app:1", "host:5000/team/app:2")}
    with pytest.raises(SelectionError, match=r"no namespace 'default': 'k8s.io'"):
        inspect(root, namespace="default")
    # What belongs to others is neither an orphan nor there.
    assert not verify(root, namespace="moby").findings
    assert len(have([root], namespace="moby").images) == 1


def test_every_verb_takes_it(tmp_path: Path) -> None:
    """As an option of the command, for the source, for what completes it, and for what is there."""
    root = write_containerd_root({"b": of_images([OTHER]), "a": of_images([APP])}, tmp_path / "r")
    whole, thin = write_oci_layout([APP], tmp_path / "oci"), tmp_path / "thin.tar"
    for words in (
        ("inspect", root),
        ("verify", root),
        ("have", root),
        ("diff", root, whole, "--image", "app:1"),
        ("repack", root, "-o", tmp_path / "x.tar", "--to", "docker"),
        ("merge", root, whole, "-o", tmp_path / "m.tar"),
        ("repack", whole, "-o", thin, "--to", "oci", "--have", root),
        ("verify", thin, "--base", root),
    ):
        succeed(*words, "--namespace", "a")
    assert layout("check", root, "--for", "docker", "--namespace", "a").returncode == 1
    assert layout("check", root, "--for", "docker").returncode == 4
    assert_holds(tmp_path / "x.tar", APP)
    assert thin.stat().st_size < (tmp_path / "x.tar").stat().st_size


def test_nothing_is_touched(tmp_path: Path) -> None:
    root = only(tmp_path)
    before = fingerprint(root)
    for path in root.rglob("*"):
        os.utime(path, (1, path.stat().st_mtime))
    repack(root, tmp_path / "out", to="oci", preserve_digests=True)
    wanted = write_oci_layout([APP, OTHER], tmp_path / "wanted")
    assert diff(tmp_path / "out", wanted).verdict is Verdict.IDENTICAL
    assert diff(root, wanted).verdict is Verdict.IDENTICAL
    merge([root, wanted], tmp_path / "all.tar", to="docker")
    assert {*map(len, (have([root]).images, have([wanted]).images))} == {2}
    assert {path.stat().st_atime for path in root.rglob("*") if path.is_file()} == {1}
    assert fingerprint(root) == before


NAMES: list[tuple[list[str], list[str]]] = [
    (["docker.io/library/app:1"], ["app:1"]),
    (["app:1"], ["app:1"]),
    (["docker.io/library/app:1", "docker.io/library/app@DIGEST", "CONFIG"], ["app:1"]),
    (["docker.io/library/app@DIGEST", "CONFIG"], ["app@DIGEST"]),
    (["a.b/app:1", "c.d/app@DIGEST"], ["a.b/app:1", "c.d/app@DIGEST"]),
    (["import-2026-01-01@DIGEST"], []),
    (["moby-dangling@DIGEST"], []),
    (["overlayfs@DIGEST", "docker.io/library/app:1"], ["app:1"]),
    (["CONFIG"], []),
    (["what ever/It IS"], ["what ever/It IS"]),
    (["../../etc/passwd"], ["../../etc/passwd"]),
    (["docker.io/library/app:1@DIGEST"], ["app:1@DIGEST"]),
]


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names(number: int, tmp_path: Path) -> None:
    """What only says a digest, or the ID of an image as CRI does, is no name."""

    def told(text: str) -> str:
        digest = APP.manifest_digest()
        return text.replace("DIGEST", digest).replace("CONFIG", APP.config_digest)

    given, wanted = (list(map(told, some)) for some in NAMES[number])
    root = write_containerd_root({"x": [(each, of_image(APP)) for each in given]}, tmp_path / "r")
    assert list(names_in(root)) == [tuple(sorted(wanted))]
    assert not codes(root)
    repack(root, tmp_path / "out", to="oci")
    assert not verify(tmp_path / "out").failed


def test_one_name_for_two(tmp_path: Path) -> None:
    """containerd tells app:1 and docker.io/library/app:1 apart, engines do not."""
    root = only(tmp_path, ("app:1", of_image(NAMELESS)))
    (told,) = [each for each in collected(root).warnings if each.code == "name-conflict"]
    assert "--name" in told.hint


def test_names_that_are_none(tmp_path: Path) -> None:
    """Of bytes that are no text, or longer than any: the image goes without it."""
    more = (("a\udcff", of_image(NAMELESS)), ("b" * 5000, of_image(NAMELESS)))
    root = only(tmp_path, *more)
    assert () in names_in(root)
    assert codes(root) == ["bad-name"]  # the same for both


def test_records_that_say_nothing(tmp_path: Path) -> None:
    """The others stay."""

    def change(spaces: dict[bytes, Any]) -> None:
        images = spaces[b"k8s.io"][b"images"]
        images[b"x:1"] = {}
        images[b"x:2"] = {b"target": {b"digest": b"sha256:zz", b"size": varint(1)}}
        images[b"x:3"] = {b"target": {b"digest": b"\xff" * 70}}
        images[b"x:4"] = b"a value"
        images[b"x:5"] = record(of_image(APP), target={b"digest": of_image(APP).digest.encode()})
        images[b"x:6"] = record(
            of_image(APP),
            target={
                b"digest": of_image(APP).digest.encode(),
                b"size": varint(-5),
                b"mediatype": of_image(APP).media_type.encode(),
            },
        )

    root = only(tmp_path, change=change)
    found = [each for each in verify(root).findings if each.severity is Severity.ERROR]
    assert [(each.code, each.where.image) for each in found] == [
        ("bad-digest", name) for name in ("x:1", "x:2", "x:3")
    ]
    assert {"x:5", "x:6"} <= {name for names in names_in(root) for name in names}
    repack(root, tmp_path / "x.tar", to="docker", images=("other:1",))


def test_a_size_that_is_wrong(tmp_path: Path) -> None:
    def change(spaces: dict[bytes, Any]) -> None:
        spaces[b"k8s.io"][b"images"][b"docker.io/library/other:1"][b"target"][b"size"] = varint(9)

    assert codes(only(tmp_path, change=change)) == ["size-mismatch"]


def test_annotations_of_an_image_stay(tmp_path: Path) -> None:
    def change(spaces: dict[bytes, Any]) -> None:
        images = spaces[b"k8s.io"][b"images"]
        images[b"docker.io/library/other:1"][b"annotations"] = {b"org.example": b"yes"}

    root = only(tmp_path, change=change)
    repack(root, tmp_path / "out", to="oci", images=("other:1",))
    assert b'"org.example":"yes"' in (tmp_path / "out/index.json").read_bytes()


@pytest.mark.parametrize("damage", ["none", "empty", "cut", "metas", "page", "folder", "link"])
def test_without_its_database(damage: str, tmp_path: Path) -> None:
    """Manifests among the blobs stand for themselves, each once; children of indexes do not."""
    index = make_index([of_image(APP).entry()], of_image(APP))
    signature = make_artifact(b"s", subject=of_image(OTHER).entry())
    root = only(tmp_path, ("multi:1", index), ("signature", signature))
    path = root / DATABASE
    data = bytearray(path.read_bytes())
    path.unlink()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(data[:9000])
    elif damage == "metas":
        data[20] ^= 1
        data[4096 + 20] ^= 1
        path.write_bytes(data)
    elif damage == "page":
        data[4096 * 3 : 4096 * 3 + 16] = bytes(16)
        path.write_bytes(data)
    elif damage == "folder":
        path.mkdir()
    elif damage == "link":
        (tmp_path / "elsewhere").write_bytes(data)
        path.symlink_to(tmp_path / "elsewhere")
    code = "no-database" if damage == "none" else "bad-database"
    assert codes(root) == [code]
    with opened(root) as source:
        assert [each.names for each in source.roots] == [()] * 3
        listed = [str(each.node.descriptor.digest) for each in source.roots if each.node.descriptor]
        assert sorted(listed) == sorted(each.digest for each in (of_image(OTHER), index, signature))
    report = repack(root, tmp_path / "out", to="oci")
    assert code in [each.code for each in report.warnings]
    assert not verify(tmp_path / "out").failed


def test_blobs_alone(tmp_path: Path) -> None:
    """Of a host that lost the rest."""
    root = only(tmp_path)
    shutil.rmtree(root / "io.containerd.metadata.v1.bolt")
    assert codes(root) == ["no-database"]
    assert len(inspect(root).roots) == 2


def test_no_image_at_all(tmp_path: Path) -> None:
    every: list[dict[str, Held]] = [{}, {"moby": []}, {"moby": [], "default": []}]
    for spaces in every:
        root = write_containerd_root(spaces, tmp_path / str(len(spaces)))
        assert [each.code for each in collected(root).warnings] == ["empty"]


def test_what_nothing_leads_to(tmp_path: Path) -> None:
    """A blob of the namespace that no image needs is an orphan; referrers go with their image."""
    stray = b"stray"
    signature = make_artifact(b"s", subject=of_image(OTHER).entry())

    def change(spaces: dict[bytes, Any]) -> None:
        blobs = spaces[b"k8s.io"][b"content"][b"blob"]
        for digest in (sha256(stray), *signature.blobs):
            blobs[digest.encode()] = {}

    more = {sha256(stray): stray, **signature.blobs, sha256(b"nobody's"): b"nobody's"}
    root = only(tmp_path, change=change, more=more)
    assert [(each.code, each.where.member) for each in verify(root).findings] == [
        ("orphan", blob_name(sha256(stray)))
    ]
    repack(root, tmp_path / "out", to="oci", images=("other:1",))
    assert (tmp_path / "out/blobs/sha256" / hex_of(signature.digest)).exists()


def test_sparse(tmp_path: Path) -> None:
    """An index of which one platform was pulled is no damage where that one is taken."""
    arm = make_image([{"arm": b"1"}], names=(), architecture="arm64")
    index = make_index(
        [of_image(each).entry(platform=each.platform) for each in (APP, arm)], of_image(APP)
    )
    root = only(tmp_path, ("docker.io/library/multi:1", index))
    assert codes(root) == ["sparse-index"]
    report = repack(root, tmp_path / "x.tar", to="docker", images=("multi:1",))
    assert [each.code for each in report.warnings] == ["sparse-index"]


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    root = only(tmp_path, drop=[OTHER.manifest_digest()])
    (told,) = [each for each in verify(root).findings if each.code == "sparse-index"]
    assert told.where.image == "other:1"
    assert_one_left(root, tmp_path)


def assert_one_left(root: Path, folder: Path) -> None:
    repack(root, folder / "left.tar", to="docker", images=("app:1",))
    assert [str(each.config.digest) for (each,) in held(folder / "left.tar").values()] == [
        APP.config_digest
    ]


def test_a_blob_of_another_namespace(tmp_path: Path) -> None:
    """A file that is there is not the namespace's: containerd would not find it either."""
    layer = OTHER.layers[1].digest

    def change(spaces: dict[bytes, Any]) -> None:
        del spaces[b"one"][b"content"][b"blob"][layer.encode()]

    both: dict[str, Held] = {"one": of_images([OTHER]), "two": of_images([OTHER])}
    root = write_containerd_root(both, tmp_path / "r", change=change)
    assert codes(root, namespace="one") == ["missing-blob"]
    assert not codes(root, namespace="two")


def test_layers_that_were_discarded(tmp_path: Path) -> None:
    """By a setting, which is named; what a base has comes from there."""
    root = only(tmp_path, discards=True, drop=[OTHER.layers[1].digest])
    (error,) = [each for each in verify(root).findings if each.severity is Severity.ERROR]
    assert (error.code, error.where.image, error.where.layer) == ("discarded-layer", "other:1", 1)
    assert "discard_unpacked_layers" in error.message
    assert b"discard_unpacked_layers" in succeed("inspect", root)
    told = [layer["discarded"] for node in nodes(tree(root)) for layer in node["layers"]]
    assert told == [False, False, False, True]
    with pytest.raises(DamagedError, match=r"all of it was discarded.*discard_unpacked_layers"):
        repack(root, tmp_path / "x.tar", to="docker", images=("other:1",))
    assert b"discard_unpacked_layers" in layout("check", root).stdout
    assert_one_left(root, tmp_path)
    whole = write_oci_layout([OTHER], tmp_path / "whole")
    assert not codes(root, bases=(str(whole),))
    repack(root, tmp_path / "all.tar", to="docker", bases=(str(whole),))
    assert len(held(tmp_path / "all.tar")) == 2


def test_layers_that_are_just_lost(tmp_path: Path) -> None:
    assert codes(only(tmp_path, drop=[OTHER.layers[1].digest])) == ["missing-blob"]


def test_bit_rot(tmp_path: Path) -> None:
    root = only(tmp_path)
    for digest in (OTHER.layers[0].digest, APP.manifest_digest()):
        path = root / blob_name(digest)
        path.write_bytes(path.read_bytes()[:-1] + b"\n")
    assert set(codes(root)) >= {"digest-mismatch"}
    with pytest.raises(DamagedError):
        repack(root, tmp_path / "x.tar", to="docker")
    assert not (tmp_path / "x.tar").exists()


def test_as_a_base(tmp_path: Path) -> None:
    root = only(tmp_path)
    whole = write_oci_layout([OTHER], tmp_path / "whole")
    repack(whole, tmp_path / "thin.tar", to="oci", have=str(root))
    assert verify(tmp_path / "thin.tar").failed
    assert not verify(tmp_path / "thin.tar", bases=(str(root),)).failed


def test_what_vanishes_meanwhile(tmp_path: Path) -> None:
    """A running engine removes an image after it was found: one clear error."""
    root = only(tmp_path)
    with opened(root) as source:
        image = next(each.node for each in source.roots if isinstance(each.node, Image))
        layer = image.layers[0].member
        assert layer is not None
        (root / layer.name).unlink()
        with pytest.raises(ReadError, match="No such file"):
            layer.read(1 << 20)


# Nothing but blobs is opened, whatever lies there.


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_out(path: Path) -> None:
    outside = path.parents[4] / f"outside-{path.name}"
    shutil.move(path, outside)
    path.symlink_to(outside)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def socket(path: Path) -> None:
    path.unlink()
    os.mknod(path, 0o600 | 0o140000)


@pytest.mark.parametrize("change", [fifo, link_out, folder, socket])
@pytest.mark.parametrize("which", ["layer", "manifest", "config"])
def test_what_is_no_file(which: str, change: Callable[[Path], None], tmp_path: Path) -> None:
    """It is not there; a link is not followed, even where the very bytes are behind it."""
    root = only(tmp_path)
    digest = {
        "layer": OTHER.layers[1].digest,
        "manifest": OTHER.manifest_digest(),
        "config": OTHER.config_digest,
    }[which]
    change(root / blob_name(digest))
    assert set(codes(root)) <= {"missing-blob", "sparse-index"}
    assert codes(root)
    assert_one_left(root, tmp_path)


@pytest.mark.parametrize("name", [f"{BLOBS}/sha256", BLOBS, BLOBS.partition("/")[0]])
def test_folders_that_are_links(name: str, tmp_path: Path) -> None:
    root = only(tmp_path)
    shutil.move(root / name, tmp_path / "elsewhere")
    (root / name).symlink_to(tmp_path / "elsewhere")
    report = verify(root)
    assert report.failed
    assert {each.code for each in report.findings} == {"sparse-index"}


@pytest.mark.parametrize("make", [fifo, folder, socket])
def test_a_database_that_is_no_file(make: Callable[[Path], None], tmp_path: Path) -> None:
    root = only(tmp_path)
    make(root / DATABASE)
    assert codes(root) == ["bad-database"]


def test_a_folder_of_its_database_that_is_a_link(tmp_path: Path) -> None:
    root = only(tmp_path)
    name = DATABASE.partition("/")[0]
    shutil.move(root / name, tmp_path / "elsewhere")
    (root / name).symlink_to(tmp_path / "elsewhere")
    assert codes(root) == ["no-database"]


def test_without_openat2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older kernel: each folder on the way is entered in turn."""
    monkeypatch.setattr("oci_layout.streams.beneath._OPENAT2", 100_000)
    assert_holds(only(tmp_path), APP, OTHER)
    link_out(tmp_path / "containerd" / blob_name(OTHER.layers[1].digest))
    assert codes(tmp_path / "containerd") == ["missing-blob"]


@pytest.mark.parametrize("which", ["layer", "manifest", "config"])
def test_huge_blobs(which: str, tmp_path: Path) -> None:
    """A hole of a terabyte in the place of a blob; its size alone is looked at."""
    root = only(tmp_path)
    digest = {
        "layer": OTHER.layers[1].digest,
        "manifest": OTHER.manifest_digest(),
        "config": OTHER.config_digest,
    }[which]
    os.truncate(root / blob_name(digest), 1 << 40)
    found = codes(root, check="quick")
    assert {"size-mismatch", "document-too-large"} & set(found)
    assert_one_left(root, tmp_path)
    (root / DATABASE).unlink()
    assert "no-database" in codes(root, check="quick")


def test_folders_without_end(tmp_path: Path) -> None:
    """Nested deeper than a path may be long, among the blobs."""
    root = only(tmp_path)
    top = root / BLOBS / "sha256"
    deep = os.open(top, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("dddd", dir_fd=deep)
        deeper = os.open("dddd", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    try:
        assert_holds(root, APP, OTHER)
        assert not codes(root)
    finally:  # Python's own rmtree, which clears tmp_path, recurses
        subprocess.run(["rm", "-rf", top / "dddd"], check=True)


def test_a_huge_database(tmp_path: Path) -> None:
    """A hole of a terabyte is not read."""
    root = only(tmp_path)
    os.truncate(root / DATABASE, 1 << 40)
    assert_holds(root, APP, OTHER)


def test_odd_names_among_blobs(tmp_path: Path) -> None:
    """What is called otherwise than a digest is no blob."""
    root = only(tmp_path)
    for name in (
        "sha256/x",
        "sha256/a\udcff\n",
        "sha256/..x",
        "md5/" + "0" * 32,
        "x",
        "sha256/y/z",
    ):
        path = root / BLOBS / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{}")
    assert_holds(root, APP, OTHER)
    (root / DATABASE).unlink()
    assert codes(root) == ["no-database"]


@pytest.mark.parametrize("name", ["\\xff", "../../../etc/passwd", "a/b", "default\n"])
def test_odd_namespaces(name: str, tmp_path: Path) -> None:
    """A name of one is text, and no path."""

    def change(spaces: dict[bytes, Any]) -> None:
        spaces[b"\xff" if name == "\\xff" else name.encode()] = spaces.pop(b"k8s.io")

    root = only(tmp_path, change=change)
    assert_holds(root, APP, OTHER)
    assert len(names_in(root, namespace=name)) == 2
    with pytest.raises(SelectionError):
        inspect(root, namespace="..")


def test_digests_that_lead_out(tmp_path: Path) -> None:
    """What is no digest is no path."""
    (tmp_path / "secret").write_bytes(b"{}")

    def change(spaces: dict[bytes, Any]) -> None:
        space = spaces[b"k8s.io"]
        for text in (b"sha256:../../../../secret", b"../..:secret", b"/etc:passwd"):
            space[b"content"][b"blob"][text] = {}
            space[b"images"][text] = {b"target": {b"digest": text}}

    root = only(tmp_path, change=change)
    assert set(codes(root)) == {"bad-digest"}
    with open_source(str(root), findings=Findings()) as source:
        assert all(name.startswith(f"{BLOBS}/sha256/") for name in source.store.names())


def test_every_byte_of_its_database(tmp_path: Path) -> None:
    """Names may be others, nothing else is; never an exception of another's."""
    root = write_containerd_root({"a": of_images([OTHER])}, tmp_path / "r", page_size=1024)
    data = (root / DATABASE).read_bytes()
    found = {"read": 0, "refused": 0}
    for at in [number for number, byte in enumerate(data) if byte][::3]:
        flipped = bytearray(data)
        flipped[at] ^= 0xFF
        (root / DATABASE).write_bytes(flipped)
        try:
            collected(root)
            found["read"] += 1
        except LayoutError:
            found["refused"] += 1
    assert found["read"] > 100


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder for a user who may not read everything."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.mark.parametrize(
    ("closed", "named"),
    [
        ("", "containerd"),
        ("", ""),
        ("io.containerd.metadata.v1.bolt", "containerd"),
        (DATABASE, "containerd"),
        (BLOBS, "containerd"),
        ("io.containerd.content.v1.content", "containerd"),
    ],
)
def test_what_may_not_be_read(closed: str, named: str, nobody: Path) -> None:
    """The error says whose it is, and who may read it."""
    root = only(nobody)
    (root / closed).chmod(0o700 if os.geteuid() == 0 else 0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(ReadError, match="Permission denied") as caught:
            verify(nobody / named)
    finally:
        if me == 0:
            os.seteuid(0)
        (root / closed).chmod(0o755)
    assert "read it as root" in caught.value.hint


def test_full_names_are_those_of_the_builder() -> None:
    """Else the tests above would try familiar names alone."""
    assert full_name("other:1") == "docker.io/library/other:1"
