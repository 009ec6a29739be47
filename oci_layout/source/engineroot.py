"""The root folder of an engine's store: found from it, from inside, or from what is around it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence

import attrs

from oci_layout.errors import NotAnImageError, ReadError
from oci_layout.source.rootedstore import RootedStore, refused
from oci_layout.where import Where

ENOUGH = 64  # drivers, or names that tell that there are some: drivers are some ten


@attrs.frozen(kw_only=True)
class EngineAt:
    """An engine's store on disk.

    Args:
        folder: the root.
        driver: of the storage: an engine keeps its images by drivers.
        opens: makes the store of the root, a label for messages, and the driver.
        empty: whether no image is there.
    """

    folder: str
    driver: str
    opens: Callable[[str, str, str], RootedStore]
    empty: bool = False

    def store(self, label: str) -> RootedStore:
        """Its files.

        Args:
            label: how to call it in messages.
        """
        return self.opens(self.folder, label, self.driver)


@attrs.frozen(kw_only=True)
class Rooted:
    """An engine's way to keep its images.

    Args:
        tails: where the root is in what is around it, from the nearest on; the last is that on
            the disk of a host.
        listed: the folder in the root whose names tell the drivers; empty for the root itself.
        is_driver: the driver that a folder below ``listed`` is of; None for every other.
        images: the folder with the images of a driver, by the root and the driver.
        chosen: what names the images of one driver, by the root and the driver.
        is_image: whether a name in that folder is that of an image.
        opens: makes the store.
    """

    tails: Sequence[str]
    listed: str
    is_driver: Callable[[str, str], str | None]
    images: Callable[[str, str], str]
    chosen: Callable[[str, str], str]
    is_image: Callable[[str], bool]
    opens: Callable[[str, str, str], RootedStore]

    def at(self, path: str) -> EngineAt | None:
        """The store whose root a folder is or holds; None for another folder.

        Raises:
            NotAnImageError: it has images of several drivers.
            ReadError: nobody can tell, since it may not be read.
        """
        for tail in ("", *self.tails) if os.path.realpath(path) != "/" else ():
            found = self.here(os.path.join(path, tail) if tail else path)
            if found is not None:
                return found
        return None

    def here(self, root: str) -> EngineAt | None:
        """The store whose root a folder is; None for another folder.

        Raises:
            NotAnImageError: it has images of several drivers.
            ReadError: nobody can tell, since it may not be read.
        """
        drivers = self._drivers(root)
        return self._one(root, drivers) if drivers else None

    def driver_at(self, root: str, name: str) -> EngineAt | None:
        """The store of one driver.

        Args:
            root: the root.
            name: of a folder below ``listed`` in it.
        """
        driver = self.is_driver(os.path.join(root, self.listed), name)
        return None if driver is None else self._made(root, driver)

    def _made(self, root: str, driver: str) -> EngineAt:
        try:
            empty = not self._has_images(root, driver)
        except ReadError:  # opening it says so
            empty = False
        return EngineAt(folder=root, driver=driver, opens=self.opens, empty=empty)

    def _one(self, root: str, drivers: Sequence[str]) -> EngineAt:
        """The driver that has images, or the first where none has."""
        full = [driver for driver in drivers if self._has_images(root, driver)]
        if len(full) > 1:
            raise NotAnImageError(
                what=f"holds images of {len(full)} storage drivers: {', '.join(full[:4])}",
                where=Where(file=root),
                hint=f"choose one: {self.chosen(root, full[0])}",
            )
        return self._made(root, (full or drivers)[0])

    def _has_images(self, root: str, driver: str) -> bool:
        folder = self.images(root, driver)
        try:
            return any(map(self.is_image, entries(folder)))
        except PermissionError as error:
            raise refused(error, folder) from error

    def _drivers(self, root: str) -> list[str]:
        """The storage drivers that have a folder in a root.

        Raises:
            ReadError: that may not be read, or the root.
        """
        folder = os.path.join(root, self.listed) if self.listed else root
        try:
            names = entries(folder)
        except PermissionError as error:
            place = self._refusing(root) if error.errno == errno.EACCES else ""
            if place:
                raise refused(error, place) from error
            return []
        return [driver for name in names if (driver := self.is_driver(folder, name)) is not None]

    def _refusing(self, root: str) -> str:
        """What of a folder may not be read, where it may be a root; empty where it is none."""
        try:
            return os.path.join(root, self.listed) if self.listed in os.listdir(root) else ""
        except PermissionError:
            return root
        except OSError:
            return ""


def entries(folder: str) -> list[str]:
    """Some names in a folder; none where it is not there.

    Raises:
        PermissionError: it may not be read.
    """
    found: list[str] = []
    try:
        os.stat(folder)  # most are not there, which is told without opening anything
        with os.scandir(folder) as scanned:
            for entry in scanned:
                found.append(entry.name)
                if len(found) == ENOUGH:
                    break
    except PermissionError:
        raise
    except OSError:
        return []
    return sorted(found)
