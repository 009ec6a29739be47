"""What can be wrong with an engine's own store, each thing alone in one that is whole otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders.artifacts import of_image
from tests.builders.containerdroot import DATABASE, of_images, write_containerd_root
from tests.builders.dockerroot import Root, write_docker_root
from tests.verification.checking import tiny
from tests.verification.situation import Make, Situation


def docker_with(change: Callable[[Root], object]) -> Make:
    """Docker's root with something changed in it."""

    def make(folder: Path) -> Path:
        root = write_docker_root([tiny()], folder / "docker")
        change(root)
        return root.path

    return make


def _emptied(root: Root) -> None:
    (root.layer(tiny()) / "tar-split.json.gz").write_bytes(b"")


def _other_driver(root: Root) -> None:
    root.image.rename(root.image.with_name("devicemapper"))


def _changed(root: Root) -> None:
    (root.files(tiny()) / "a").write_bytes(b"HELLO\n")


def _longer(root: Root) -> None:
    (root.files(tiny()) / "a").write_bytes(b"hello there\n")


def containerd(folder: Path, **how: Any) -> Path:
    """containerd's root with one image."""
    return write_containerd_root({"k8s.io": of_images([tiny()])}, folder / "containerd", **how)


def _discarded(folder: Path) -> Path:
    return containerd(folder, discards=True, drop=[tiny().layers[0].digest])


def _no_database(folder: Path) -> Path:
    root = containerd(folder)
    (root / DATABASE).unlink()
    return root


def _cut_database(folder: Path) -> Path:
    root = containerd(folder)
    (root / DATABASE).write_bytes((root / DATABASE).read_bytes()[:9000])
    return root


def _listed_by_id(folder: Path) -> Path:
    held = [*of_images([tiny()]), (tiny().config_digest, of_image(tiny()))]
    return write_containerd_root({"k8s.io": held}, folder / "containerd")


SITUATIONS = [
    Situation("digest-name", "note", _listed_by_id),
    Situation("discarded-layer", "error", _discarded),
    Situation("no-database", "warning", _no_database),
    Situation("bad-database", "warning", _cut_database),
    Situation("layer-record", "error", docker_with(_emptied)),
    Situation("layer-record", "error", docker_with(_other_driver)),
    Situation("changed-file", "error", docker_with(_changed)),
    Situation("changed-file", "error", docker_with(_longer)),
]
