"""Docker's classic store on disk: where its root is, and by which driver its images are kept."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator

from oci_layout.model import dockerroot
from oci_layout.source.engineroot import EngineAt, Rooted
from oci_layout.source.rootedstore import Engine, RootedStore


class DockerStore(RootedStore):
    """Docker's root, of which the names are those of the images: files of layers are not listed.

    Args:
        path: the root.
        label: how to call it in messages.
        driver: whose images are meant.

    Raises:
        ReadError: it cannot be listed.
    """

    engine = Engine.DOCKER

    def __init__(self, path: str, label: str, driver: str) -> None:
        super().__init__(path, label)
        self.driver = driver
        self.image = f"{dockerroot.IMAGE}/{driver}"

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted; without one, below that of the images."""
        return super().names(prefix or self.image)


def _driver(folder: str, name: str) -> str | None:
    there = all(
        os.path.isdir(os.path.join(folder, name, posixpath.dirname(each)))
        for each in (dockerroot.CONFIGS, dockerroot.LAYERS)
    )
    return name if there else None


_ROOTED = Rooted(
    tails=("docker", "lib/docker", "var/lib/docker"),
    listed=dockerroot.IMAGE,
    is_driver=_driver,
    images=lambda root, driver: os.path.join(root, dockerroot.IMAGE, driver, dockerroot.CONFIGS),
    chosen=lambda root, driver: os.path.join(root, dockerroot.IMAGE, driver),
    is_image=bool,
    opens=DockerStore,
)


def docker_at(path: str) -> EngineAt | None:
    """The store whose root a folder is, holds, or lies in; None for another folder.

    Raises:
        NotAnImageError: it has images of several drivers.
        ReadError: nobody can tell, since it may not be read.
    """
    found = _ROOTED.at(path)
    if found is not None:
        return found
    above, last = os.path.split(os.path.realpath(path))
    if last == dockerroot.IMAGE:
        return _ROOTED.here(above)
    if os.path.basename(above) == dockerroot.IMAGE:
        return _ROOTED.driver_at(os.path.dirname(above), last)
    return None
