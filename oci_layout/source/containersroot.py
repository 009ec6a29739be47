"""containers-storage on disk: where its root is, and by which driver its images are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator

from oci_layout.model import containersroot
from oci_layout.source.engineroot import EngineAt, Rooted
from oci_layout.source.rootedstore import Engine, RootedStore


class ContainersStore(RootedStore):
    """The root, of which the names are those of the images: files of layers are not listed.

    Args:
        path: the root.
        label: how to call it in messages.
        driver: whose images are meant.

    Raises:
        ReadError: it cannot be listed.
    """

    engine = Engine.CONTAINERS

    def __init__(self, path: str, label: str, driver: str) -> None:
        super().__init__(path, label)
        self.driver = driver
        self.images = f"{driver}{containersroot.IMAGES}"
        self.layers = f"{driver}{containersroot.LAYERS}"

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted; without one, below that of the images."""
        return super().names(prefix or self.images)


def _driver(folder: str, name: str) -> str | None:
    driver = name.removesuffix(containersroot.IMAGES)
    if not driver or driver == name:
        return None
    there = os.path.isfile(os.path.join(folder, name, containersroot.IMAGE_LIST)) or all(
        os.path.isdir(os.path.join(folder, driver + each))
        for each in (containersroot.IMAGES, containersroot.LAYERS)
    )
    return driver if there else None


_ROOTED = Rooted(
    tails=(
        "containers/storage",
        "lib/containers/storage",
        "var/lib/containers/storage",
        ".local/share/containers/storage",
    ),
    listed="",
    is_driver=_driver,
    images=lambda root, driver: os.path.join(root, driver + containersroot.IMAGES),
    chosen=lambda root, driver: os.path.join(root, driver + containersroot.IMAGES),
    is_image=containersroot.is_id,
    opens=ContainersStore,
)


def containers_at(path: str) -> EngineAt | None:
    """The store whose root a folder is, holds, or lies in; None for another folder.

    Raises:
        NotAnImageError: it has images of several drivers.
        ReadError: nobody can tell, since it may not be read.
    """
    found = _ROOTED.at(path)
    if found is not None:
        return found
    above, last = os.path.split(os.path.realpath(path))
    if last == "containers":
        return _ROOTED.here(os.path.join(path, "storage"))
    for suffix in (containersroot.IMAGES, containersroot.LAYERS):
        if last.endswith(suffix):
            driver = last.removesuffix(suffix)
            return _ROOTED.driver_at(above, driver + containersroot.IMAGES)
    return None
