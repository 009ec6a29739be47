"""Docker's classic store on disk: where its root is, and by which driver its images are kept."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator

import attrs

from oci_layout.errors import NotAnImageError
from oci_layout.model import dockerroot
from oci_layout.source.rootedstore import RootedStore, refused
from oci_layout.where import Where

_TAILS = ("", "docker", "lib/docker", "var/lib/docker")  # of a copy, what is around it
_ENOUGH = 64  # drivers: there are some ten


@attrs.frozen(kw_only=True)
class DockerAt:
    """Docker's classic store on disk.

    Args:
        folder: the root, in which ``image`` is.
        driver: of the storage, as the folder in ``image`` is called.
    """

    folder: str
    driver: str

    @property
    def empty(self) -> bool:
        """Whether no image is there."""
        configs = os.path.join(self.folder, dockerroot.IMAGE, self.driver, dockerroot.CONFIGS)
        try:
            return not _entries(configs)
        except PermissionError:
            return False

    def store(self, label: str) -> DockerStore:
        """Its files.

        Args:
            label: how to call it in messages.
        """
        return DockerStore(self.folder, label, self.driver)


class DockerStore(RootedStore):
    """Docker's root, of which the names are those of the images: files of layers are not listed.

    Args:
        path: the root.
        label: how to call it in messages.
        driver: whose images are meant.

    Raises:
        ReadError: it cannot be listed.
    """

    def __init__(self, path: str, label: str, driver: str) -> None:
        super().__init__(path, label)
        self.driver, self.root = driver, path
        self.image = f"{dockerroot.IMAGE}/{driver}"

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted; without one, below that of the images."""
        return super().names(prefix or self.image)


def docker_at(path: str) -> DockerAt | None:
    """The store whose root a folder is, holds, or lies in; None for another folder.

    Raises:
        NotAnImageError: it has images of several drivers.
        ReadError: nobody can tell, since it may not be read.
    """
    for tail in _TAILS if os.path.realpath(path) != "/" else ():
        root = os.path.join(path, tail) if tail else path
        found = _drivers(os.path.join(root, dockerroot.IMAGE), root)
        if found:
            return _chosen(root, found)
    real = os.path.realpath(path)
    above, last = os.path.split(real)
    if last == dockerroot.IMAGE and _drivers(real, above):
        return docker_at(above)
    if os.path.basename(above) == dockerroot.IMAGE and _is_driver(real):
        return DockerAt(folder=os.path.dirname(above), driver=last)
    return None


def _chosen(root: str, drivers: list[str]) -> DockerAt:
    """The driver that has images, or the first where none has."""
    image = os.path.join(root, dockerroot.IMAGE)
    full = [
        driver for driver in drivers if _entries(os.path.join(image, driver, dockerroot.CONFIGS))
    ]
    if len(full) > 1:
        raise NotAnImageError(
            what=f"holds images of {len(full)} storage drivers: {', '.join(full[:4])}",
            where=Where(file=root),
            hint=f"choose one: {os.path.join(image, full[0])}",
        )
    return DockerAt(folder=root, driver=(full or drivers)[0])


def _drivers(image: str, root: str) -> list[str]:
    """The storage drivers that have a folder in ``image``.

    Raises:
        ReadError: that may not be read, or the root.
    """
    try:
        names = _entries(image)
    except PermissionError as error:
        if error.errno == errno.EACCES and _may_be_docker(root):
            raise refused(error, image) from error
        return []
    return [name for name in names if _is_driver(os.path.join(image, name))]


def _may_be_docker(root: str) -> bool:
    """Whether a folder is Docker's root by the names in it, or may not be looked into itself."""
    try:
        return dockerroot.IMAGE in os.listdir(root)
    except PermissionError:
        return True
    except OSError:
        return False


def _is_driver(folder: str) -> bool:
    return all(
        os.path.isdir(os.path.join(folder, posixpath.dirname(name)))
        for name in (dockerroot.CONFIGS, dockerroot.LAYERS)
    )


def _entries(folder: str) -> list[str]:
    """Some names in a folder that is there.

    Raises:
        PermissionError: it may not be read.
    """
    found: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) == _ENOUGH:
                    break
    except PermissionError:
        raise
    except OSError:
        return []
    return sorted(found)
