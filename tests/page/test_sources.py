"""Pages of each kind of source: the right names, what is wrong, and nothing that fails."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout import repack, report_page
from oci_layout.page.values import PageReport
from tests.builders import make_image, write_docker_archive, write_hybrid_archive
from tests.builders.containerdroot import of_images, write_containerd_root
from tests.builders.containersroot import write_containers_root
from tests.builders.dockerroot import write_docker_root
from tests.builders.registry import data_name, write_registry
from tests.page.test_markup import read

APP = make_image(
    [{"etc/motd": b"hello\n"}, {"srv/app": b"two" * 900}],
    names=("app:1", "host.example:5000/team/app:2"),
)
OTHER = make_image([{"etc/motd": b"hello\n"}, {"srv/other": b"three"}], names=("other:1",))
NAMES = {"app:1", "host.example:5000/team/app:2", "other:1"}


def rendered(source: Path | str, tmp_path: Path, **options: object) -> tuple[PageReport, str, str]:
    """The report, the page, and its words."""
    dest = tmp_path / "page.html"
    done = report_page(source, dest, force=True, **options)  # type: ignore[arg-type]
    page = dest.read_text(encoding="utf-8")
    words = " ".join(read(page).words)
    for failure in ("Traceback", "internal failure", "could not be read"):
        assert failure not in words
    return done, page, words


def titles(page: str) -> set[str]:
    """Names in the titles of images, which the page leads to."""
    return set(re.findall(r'<a href="#image-\d+">(\S+) ', page))


def save(tmp_path: Path) -> Path:
    return write_docker_archive([APP, OTHER], tmp_path / "saved.tar")


def registry(tmp_path: Path) -> Path:
    return write_registry([APP, OTHER], tmp_path / "registry")


def docker(tmp_path: Path) -> Path:
    return write_docker_root([APP, OTHER], tmp_path / "docker").path


def podman(tmp_path: Path) -> Path:
    return write_containers_root([APP, OTHER], tmp_path / "storage").path


def containerd(tmp_path: Path) -> Path:
    held = of_images([APP, OTHER])
    return write_containerd_root({"k8s.io": held, "moby": []}, tmp_path / "containerd")


def volumes(tmp_path: Path) -> Path:
    saved = write_hybrid_archive([APP, OTHER], tmp_path / "in.tar")
    repack(saved, tmp_path / "x.tar", to="oci", volume_size=100_000)
    return tmp_path / "x.volumes.json"


KINDS: dict[str, tuple[Callable[[Path], Path], set[str]]] = {
    "docker-archive": (save, NAMES),
    "registry": (registry, {"app:1", "team/app:2", "other:1"}),
    "Docker's classic store": (docker, NAMES),
    "containers-storage": (podman, NAMES),
    "containerd's store": (containerd, NAMES),
    "volume": (volumes, NAMES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_images_under_their_names(kind: str, tmp_path: Path) -> None:
    make, names = KINDS[kind]
    done, page, words = rendered(make(tmp_path), tmp_path)
    assert (done.images, done.sound) == (2, True)
    assert kind in words
    for name in names:
        assert name in words, name
    assert len(titles(page)) == 2
    assert titles(page) <= names | {f"docker.io/library/{name}" for name in names}
    for text in ("/srv/app", "/srv/other", "/etc/motd", "linux/amd64", "Will it load?"):
        assert text in words, text


@pytest.mark.parametrize("kind", KINDS)
def test_one_image_of_several(kind: str, tmp_path: Path) -> None:
    make, _ = KINDS[kind]
    done, page, words = rendered(make(tmp_path), tmp_path, images=["other:1"])
    assert done.images == 1
    assert len(titles(page)) == 1
    assert "/srv/other" in words
    assert "/srv/app" not in words


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_kinds_the_difference(kind: str, tmp_path: Path) -> None:
    """Each kind is the same image as in the archive, or has another config for a good reason."""
    make, _ = KINDS[kind]
    source = make(tmp_path)
    saved = save(tmp_path)
    done, _, words = rendered(
        f"docker-archive:{saved}:other:1", tmp_path, against=source, images=["other:1"]
    )
    assert (done.images, done.verdict) == (1, "same image ID")
    assert "the same" in words


def test_a_set_of_volumes_that_was_cut(tmp_path: Path) -> None:
    """The list stands for the whole; what engines make of it is asked of each volume."""
    layers = [{f"f{n}": os.urandom(30_000)} for n in range(5)]
    saved = write_hybrid_archive([make_image(layers, names=("app:1",))], tmp_path / "in.tar")
    repack(saved, tmp_path / "x.tar", to="oci", volume_size=100_000)
    done, page, words = rendered(tmp_path / "x.volumes.json", tmp_path)
    assert (done.images, done.sound) == (1, True)
    assert titles(page) <= {"app:1", "docker.io/library/app:1"}
    assert "(3 volumes)" in words
    assert "engines load volumes, not their list" in words
    assert "/f4" in words
    changed = tmp_path / "x.vol2.tar"
    data = bytearray(changed.read_bytes())
    data[50_000] ^= 1
    changed.write_bytes(data)
    done, words = rendered_whatever(tmp_path / "x.volumes.json", tmp_path)
    assert done.sound is False
    assert "volume-changed" in words
    assert "x.vol2.tar" in words
    done, words = rendered_whatever(tmp_path / "x.vol1.tar", tmp_path)
    assert done.images == 1
    assert "app-vol1:1" in words


def rendered_whatever(source: Path, tmp_path: Path) -> tuple[PageReport, str]:
    """As ``rendered``, of what cannot be read in full: the report, and the words."""
    done = report_page(source, tmp_path / "whatever.html", force=True)
    page = (tmp_path / "whatever.html").read_text(encoding="utf-8")
    return done, " ".join(read(page).words)


def test_a_registry_that_rots(tmp_path: Path) -> None:
    layer = OTHER.layers[1].digest
    root = write_registry([APP, OTHER], tmp_path / "registry", change={data_name(layer): b"x"})
    done, words = rendered_whatever(root, tmp_path)
    assert (done.images, done.sound) == (2, False)
    assert {"app:1", "other:1"} <= set(words.split())
    assert "digest-mismatch" in words or "size-mismatch" in words
    assert "/srv/app" in words


def test_a_host_stands_before_names_of_a_registry(tmp_path: Path) -> None:
    _, page, _ = rendered(registry(tmp_path), tmp_path, registry_host="r.example:5000")
    assert titles(page) == {"r.example:5000/app:1", "r.example:5000/other:1"}


def test_one_namespace_of_containerd(tmp_path: Path) -> None:
    """The page, its findings and its answers are all of the one that was asked for."""
    held = {"k8s.io": of_images([APP]), "moby": of_images([OTHER])}
    root = write_containerd_root(held, tmp_path / "containerd")
    done, page, words = rendered(root, tmp_path, namespace="moby")
    assert (done.images, done.sound) == (1, True)
    assert len(titles(page)) == 1
    assert "other:1" in words
    assert "app:1" not in words
    assert "2 namespaces" not in words
