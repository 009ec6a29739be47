"""The merged file system as a folder on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

import attrs

from oci_layout.disk.folder import Folder
from oci_layout.disk.tree import Access, Tree
from oci_layout.errors import DamagedError, DestinationError
from oci_layout.rootfs.merge import Found
from oci_layout.rootfs.paths import ROOT
from oci_layout.source.sorting import Sorting
from oci_layout.streams.layerfiles import FileType, LayerFile
from oci_layout.where import Where

_NODES = {
    FileType.FIFO: stat.S_IFIFO,
    FileType.CHARACTER: stat.S_IFCHR,
    FileType.BLOCK: stat.S_IFBLK,
}
_IDS = 2**32 - 1  # numbers of users from here on mean something else, or nothing


@attrs.define
class Made:
    """What became of a folder.

    Args:
        files: of every type that are there.
        devices_left_out: device nodes, and links to them, that were not made.
        attributes_left_out: extended attributes that the system, or its user, cannot set.
    """

    files: int = 0
    devices_left_out: int = 0
    attributes_left_out: int = 0


class _Making:
    """Makes one file after the other."""

    def __init__(self, tree: Tree, folders: Sorting, *, owners: bool, devices: bool) -> None:
        self._tree, self._folders = tree, folders
        self._owners, self._devices = owners, devices
        self._order = 0
        self.made = Made()

    def take(self, found: Found) -> None:
        """Make one file.

        Raises:
            OSError: the system refuses.
        """
        file = found.file
        if file.type is FileType.DIRECTORY:
            self._folder(file)
            return
        try:
            self._file(found)
        except FileNotFoundError:  # a folder may come after what is in it
            self._tree.folders(file.path)
            self._file(found)

    def _folder(self, file: LayerFile) -> None:
        path = "" if file.path == ROOT else file.path
        if path:
            try:
                self._tree.folder(path)
            except FileNotFoundError:
                self._tree.folders(path)
                self._tree.folder(path)
        self.made.files += 1
        access = self._access(file)
        # The deepest first: who may not enter a folder cannot reach what is in it.
        depth = path.count("/") + 1 if path else 0
        self._order += 1
        key = (0xFFFF - depth).to_bytes(2, "big") + self._order.to_bytes(8, "big")
        self._folders.add(key, (path, access.mode, access.owner, access.mtime, access.xattrs))

    def _file(self, found: Found) -> None:
        file, tree = found.file, self._tree
        if file.type is FileType.FILE:
            tree.file(file.path, found.pieces(), self._access(file))
        elif file.type is FileType.SYMLINK:
            tree.symlink(file.path, file.linkname, self._access(file))
        elif file.type is FileType.HARDLINK:
            if not self._linked(file):
                return
        elif file.type is not FileType.FIFO and not self._devices:
            self.made.devices_left_out += 1
            return
        else:
            tree.node(file.path, _NODES[file.type], file.device or (0, 0), self._access(file))
        self.made.files += 1

    def _linked(self, file: LayerFile) -> bool:
        """Make a hard link; False where it is one to a device that was not made."""
        try:
            self._tree.link(file.path, file.linkname)
        except FileNotFoundError:
            self._tree.folders(file.path)
            try:
                self._tree.link(file.path, file.linkname)
            except FileNotFoundError:
                if not self.made.devices_left_out:
                    raise
                self.made.devices_left_out += 1
                return False
        return True

    def _access(self, file: LayerFile) -> Access:
        owner = (file.uid, file.gid) if self._owners else None
        if owner is not None and not (0 <= owner[0] < _IDS and 0 <= owner[1] < _IDS):
            raise DamagedError(
                what=f"{file.path!r} belongs to {owner[0]}:{owner[1]}, which are no numbers of "
                "users",
                code="layer-member",
            )
        return Access(mode=file.mode, owner=owner, mtime=file.mtime, xattrs=file.xattrs)


def write_folder(
    found: Iterable[Found], folder: Folder, *, owners: bool, devices: bool, tmp: str | None
) -> Made:
    """Make files below a folder, in the order in which they come.

    Args:
        found: the files.
        folder: empty, and ours.
        owners: whether they get the owners that they have in the image.
        devices: whether device nodes are made.
        tmp: directory for what does not stay in memory.

    Raises:
        DamagedError: what the files raise, or an owner that none can be.
        DestinationError: the system refuses one.
    """
    with Tree(folder.fd) as tree, Sorting(tmp) as folders:
        making = _Making(tree, folders, owners=owners, devices=devices)
        for each in found:
            try:
                making.take(each)
            except (OSError, ValueError) as error:
                raise _refused(error, each.file.path) from error
        for _, (path, mode, owner, mtime, xattrs) in folders:
            try:
                tree.settle(path, Access(mode=mode, owner=owner, mtime=mtime, xattrs=xattrs))
            except OSError as error:
                raise _refused(error, path) from error
        making.made.attributes_left_out = tree.attributes_left_out
        return making.made


def _refused(error: Exception, path: str) -> DestinationError:
    why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return DestinationError(what=f"cannot be made: {why}", where=Where(member=path))
