"""A registry's root folder that is there: files get their places in it while it goes on serving.

Every file appears whole, by a rename. Who makes folders gives them to whoever the registry runs as.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from oci_layout.closing import Closing
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.disk.folder import NOREPLACE, Folder
from oci_layout.errors import DestinationError
from oci_layout.model import registry
from oci_layout.where import Where

_HELD = 64  # folders that are held open
_LINKS = (errno.ELOOP, errno.ENOTDIR)


class RegistryFolder(Closing):
    """The folder ``docker/registry/v2`` of a registry; it is made. A context manager.

    Args:
        root: the registry's root folder, held open.
        path: how to call that in messages.
    """

    def __init__(self, root: Folder, path: str) -> None:
        self._path = path
        status = os.fstat(root.fd)
        self._owner = status.st_uid, status.st_gid
        self._folders: dict[str, Folder] = {"": root.again()}

    def _at(self, path: str, *, make: bool = True) -> Folder:
        """A folder at a path below the root.

        Raises:
            DestinationError: a link or a file is in the way.
            FileNotFoundError: it is not there, and not to be made.
        """
        held = self._folders.get(path)
        if held is not None:
            return held
        outer, _, name = path.rpartition("/")
        above = self._at(outer, make=make)
        if make and above.make(name):
            above.give(name, self._owner)
        try:
            found = self._folders[path] = above.enter(name)
        except OSError as error:
            if error.errno not in _LINKS:
                raise
            raise self._in_the_way(path) from error
        return found

    def _in_the_way(self, path: str) -> DestinationError:
        return DestinationError(
            what="is a link or no folder, and nothing is written through it",
            where=Where(file=os.path.join(self._path, path)),
        )

    @contextmanager
    def _inside(self, path: str, *, make: bool = True) -> Iterator[tuple[Folder, str]]:
        """The folder of a file below ``v2``, and its name there."""
        folder, _, name = f"{registry.ROOT}/{path}".rpartition("/")
        yield self._at(folder, make=make), name
        if len(self._folders) > _HELD:
            root = self._folders.pop("")
            self.close()
            self._folders[""] = root

    def make(self, path: str) -> None:
        """Make a folder below ``v2``."""
        with self._inside(f"{path}/x"):
            pass

    def place(self, staged: Folder, name: str, path: str) -> None:
        """Give a file its place, over what is there.

        Args:
            staged: the folder that it is in, of the same file system.
            name: its name there.
            path: below ``v2``.
        """
        with self._inside(path) as (folder, last):
            staged.give(name, self._owner)
            staged.rename(name, last, to=folder)

    def place_blob(self, staged: Folder, name: str, digest: Digest) -> int | None:
        """Give a blob its place; None where it is there already.

        Args:
            staged: the folder that it is in, of the same file system.
            name: its name there.
            digest: its own.

        Returns:
            Its bytes.
        """
        with self._inside(registry.data_path(digest)) as (folder, last):
            staged.give(name, self._owner)
            status = staged.status(name)
            try:
                if not staged.rename_as(name, last, NOREPLACE, to=folder):
                    if folder.status(last) is not None:
                        return None
                    staged.rename(name, last, to=folder)
            except FileExistsError:
                return None
            return status.st_size if status is not None else 0

    def has_blob(self, digest: Digest) -> bool:
        """Whether a blob is there, and what it should be.

        Raises:
            DestinationError: it is there, and is something else.
        """
        fd = self._opened(registry.data_path(digest))
        if fd is None:
            return False
        where = Where(file=os.path.join(self._path, registry.ROOT, registry.data_path(digest)))
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DestinationError(what="is not a regular file", where=where)
            actual = Digest.of_file(file, digest.algorithm)
        if actual != digest:
            raise DestinationError(
                what=f"the blob that is there is {actual}",
                where=where,
                hint="the registry is damaged: layout verify shows all of it",
            )
        return True

    def linked(self, path: str) -> Digest | None:
        """The digest that a link holds; None where there is none, or it holds nothing of use."""
        fd = self._opened(path)
        if fd is None:
            return None
        with open(fd, "rb") as file:
            raw = file.read(registry.LINK_BYTES) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        try:
            digest = Digest.parse(raw.decode("ascii", "replace"))
        except InvalidDigestError:
            return None
        return digest

    def _opened(self, path: str) -> int | None:
        with contextlib.suppress(FileNotFoundError), self._inside(path, make=False) as (at, name):
            try:
                return at.read(name)
            except OSError as error:
                if error.errno not in _LINKS:
                    raise
                raise self._in_the_way(f"{registry.ROOT}/{path}") from error
        return None

    def sync(self) -> None:
        """Make all that has its place now durable."""
        self._folders[""].sync_file_system()

    def close(self) -> None:
        """Let go of the folders."""
        for folder in self._folders.values():
            folder.close()
        self._folders.clear()
