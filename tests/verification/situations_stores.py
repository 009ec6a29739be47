"""What can be wrong with an engine's own store, each thing alone in one that is whole otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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


SITUATIONS = [
    Situation("layer-record", "error", docker_with(_emptied)),
    Situation("layer-record", "error", docker_with(_other_driver)),
    Situation("changed-file", "error", docker_with(_changed)),
    Situation("changed-file", "error", docker_with(_longer)),
]
