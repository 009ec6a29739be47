"""What can be wrong with an engine's own store, each thing alone in one that is whole otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders.artifacts import of_image
from tests.builders.containerdroot import DATABASE, of_images, write_containerd_root
from tests.builders.containersroot import Storage, write_containers_root
from tests.builders.dockerroot import Root, write_docker_root
from tests.builders.image import hex_of
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


def storage_with(change: Callable[[Storage], object], **kept: bytes) -> Make:
    """A root of containers-storage with something changed in it.

    Args:
        change: changes it.
        kept: what else is kept of the image; before the digest of its manifest.
    """

    def make(folder: Path) -> Path:
        image = tiny()
        digest = hex_of(image.manifest_digest())
        more = {image.config_digest: {f"{key}-{digest}": data for key, data in kept.items()}}
        storage = write_containers_root([image], folder / "storage", more=more)
        change(storage)
        return storage.path

    return make


def _elsewhere(storage: Storage) -> None:
    storage.list_layers(lambda layers: layers.clear())


def _incomplete(storage: Storage) -> None:
    storage.list_layers(lambda layers: layers[0].update(flags={"incomplete": True}))


def _rotten(storage: Storage) -> None:
    (storage.files(tiny()) / "a").write_bytes(b"HELLO\n")


SITUATIONS = [
    Situation("digest-name", "note", _listed_by_id),
    Situation("discarded-layer", "error", _discarded),
    Situation("no-database", "warning", _no_database),
    Situation("bad-database", "warning", _cut_database),
    Situation("other-store", "warning", storage_with(_elsewhere)),
    Situation("layer-record", "error", storage_with(_incomplete)),
    Situation("changed-file", "error", storage_with(_rotten)),
    Situation("store-signature", "warning", storage_with(lambda _: None, signature=b"signed")),
    Situation("layer-record", "error", docker_with(_emptied)),
    Situation("layer-record", "error", docker_with(_other_driver)),
    Situation("changed-file", "error", docker_with(_changed)),
    Situation("changed-file", "error", docker_with(_longer)),
]
