"""Files of a layer, or of a whole image, as a list in the order of their paths."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout.closing import Closing
from oci_layout.digest import Digest
from oci_layout.source.sorting import Sorting
from oci_layout.streams.layerfiles import FileType, LayerFile

_LATEST = (1 << 64) - 1
_TYPES = {each.value: each for each in FileType}
_NOT_LINKED = (FileType.HARDLINK, FileType.DIRECTORY)
_ROOT = "."


@attrs.frozen(kw_only=True)
class ImageFile:
    """A file of an image's file system, or of one layer.

    Args:
        file: what its layer says of it.
        layer: number of that layer, the base 0.
        bytes_at: the path that has its bytes in the tar, where that is another name of a file of
            several; empty otherwise.
    """

    file: LayerFile
    layer: int
    bytes_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"path": self.file.path, "layer": self.layer, **self.file.to_json()}


class FileList(Closing):
    """Takes files in any order, and gives them in that of their paths. A context manager.

    What is in a folder comes right after it; of two of one path the later counts.

    Args:
        tmp: directory for what does not stay in memory.
    """

    def __init__(self, tmp: str | None) -> None:
        self._tmp = tmp
        self._files = Sorting(tmp)
        self._count = 0
        self._linked = False
        self._names = hashlib.blake2b(digest_size=16)

    def add(self, file: LayerFile, layer: int) -> None:
        """Take a file.

        Args:
            file: what its layer says of it.
            layer: number of that layer.
        """
        key = path_key(file.path)
        self._names.update(key + b"\0\0")
        self._linked = self._linked or file.type is FileType.HARDLINK
        order = (_LATEST - self._count).to_bytes(8, "big")
        self._files.add(key + b"\0\0" + order, (layer, *_packed(file)))
        self._count += 1

    def settle(self) -> None:
        """All have come: keep little of a long list in memory."""
        self._files.settle()

    def close(self) -> None:
        """Let go of what is on disk."""
        self._files.close()

    @property
    def order(self) -> bytes:
        """The same of two lists where the same paths came in the same order."""
        return self._names.digest()

    def __iter__(self) -> Iterator[ImageFile]:
        before = None
        for _, (layer, *fields) in self._files:
            if fields[0] != before:
                yield ImageFile(file=_unpacked(fields), layer=layer)
            before = fields[0]

    def as_files(self) -> Iterator[ImageFile]:
        """The files, each hard link as the file that it is a name of.

        Which of its names a tar has as the file, and which as links to it, is chance. So all but
        the first name, in the order of paths, have that one as their ``linkname``. A link to what
        is not in the list stays one.
        """
        if not self._linked:
            yield from self
            return
        with Sorting(self._tmp) as renamed:
            for number, each in enumerate(self._renamed()):
                value = (each.layer, each.bytes_at, *_packed(each.file))
                renamed.add(_key(each.file.path, number), value)
            renamed.settle()
            instead = iter(renamed)
            _, there = next(instead, (b"", None))
            for each in self:
                if there is None or there[2] != each.file.path:
                    yield each
                    continue
                layer, bytes_at, *fields = there
                yield ImageFile(file=_unpacked(fields), layer=layer, bytes_at=bytes_at)
                _, there = next(instead, (b"", None))

    def _renamed(self) -> Iterator[ImageFile]:
        """Each name of a file that has several, in any order of the names."""
        with Sorting(self._tmp) as links:
            for number, each in enumerate(self):
                if each.file.type is FileType.HARDLINK:
                    key = _key(each.file.linkname, number)
                    links.add(key, (each.layer, *_packed(each.file)))
            links.settle()
            waiting = iter(links)
            link = _link(waiting)
            for each in self:
                target = path_key(each.file.path)
                while link is not None and path_key(link.file.linkname) < target:
                    link = _link(waiting)
                if link is None or each.file.type in _NOT_LINKED:
                    continue
                if link.file.linkname != each.file.path:
                    continue
                first = min(each.file.path, link.file.path, key=path_key)
                if first != each.file.path:
                    yield attrs.evolve(each, file=_name(each.file, each.file, first))
                while link is not None and link.file.linkname == each.file.path:
                    file = _name(link.file, each.file, first)
                    yield ImageFile(file=file, layer=link.layer, bytes_at=each.file.path)
                    link = _link(waiting)


def _name(link: LayerFile, file: LayerFile, first: str) -> LayerFile:
    """A name of a file that has several, as the file that it is."""
    linked = file.type is FileType.FILE and link.path != first
    return attrs.evolve(
        link,
        type=file.type,
        size=file.size,
        linkname=first if linked else file.linkname,
        device=file.device,
        xattrs=file.xattrs,
        content=file.content,
    )


def _link(waiting: Iterator[tuple[bytes, Any]]) -> ImageFile | None:
    _, value = next(waiting, (b"", None))
    if value is None:
        return None
    layer, *fields = value
    return ImageFile(file=_unpacked(fields), layer=layer)


def path_key(path: str) -> bytes:
    """What paths are sorted by: one folder after the other, each before what is in it."""
    return b"" if path == _ROOT else os.fsencode(path).replace(b"/", b"\0")


def _key(path: str, number: int) -> bytes:
    return path_key(path) + b"\0\0" + number.to_bytes(8, "big")


def _packed(file: LayerFile) -> tuple[object, ...]:
    return (
        file.path,
        file.type.value,
        file.mode,
        file.uid,
        file.gid,
        file.uname,
        file.gname,
        file.mtime,
        file.size,
        file.linkname,
        file.device,
        file.xattrs,
        str(file.content) if file.content is not None else None,
    )


def _unpacked(fields: list[Any]) -> LayerFile:
    path, type_, mode, uid, gid, uname, gname, mtime, size, linkname, device, xattrs, content = (
        fields
    )
    return LayerFile(
        path=path,
        type=_TYPES[type_],
        mode=mode,
        uid=uid,
        gid=gid,
        uname=uname,
        gname=gname,
        mtime=mtime,
        size=size,
        linkname=linkname,
        device=device,
        xattrs=xattrs,
        content=Digest.parse(content) if content is not None else None,
    )
