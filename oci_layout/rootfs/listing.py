"""The merged file system as a list, in the order of its paths."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.rootfs.merge import Found
from oci_layout.rootfs.paths import ROOT, base_of
from oci_layout.rootfs.sorting import Sorting
from oci_layout.streams.layerfiles import FileType, LayerFile

_LATEST = (1 << 64) - 1
_TYPES = {each.value: each for each in FileType}


@attrs.frozen(kw_only=True)
class ImageFile:
    """A file of an image's file system.

    Args:
        file: what its layer says of it.
        layer: number of that layer, the base 0.
    """

    file: LayerFile
    layer: int

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"path": self.file.path, "layer": self.layer, **self.file.to_json()}


def fits(pattern: str | None) -> Callable[[str], bool]:
    """Whether a path fits a pattern of the shell; ``*`` goes over a slash, too.

    Args:
        pattern: is held against the last name, or the path where it has a slash; None for all.
    """
    if pattern is None:
        return lambda _: True
    match = re.compile(fnmatch.translate(pattern.lstrip("/"))).match
    if "/" in pattern:
        return lambda path: match(path) is not None
    return lambda path: match(base_of(path)) is not None


def listed(
    found: Iterable[Found],
    tmp: str | None,
    *,
    wanted: Callable[[str], bool] = lambda _: True,
    contents: bool = False,
) -> Iterator[ImageFile]:
    """Files in the order of their paths, what is in a folder right after it.

    Args:
        found: the files, in any order; of two of one path the later counts.
        tmp: directory for what does not stay in memory.
        wanted: whether a path is listed.
        contents: whether the bytes of regular files are digested.

    Raises:
        DamagedError: what the files raise.
    """
    with Sorting(tmp) as sorting:
        for order, each in enumerate(found):
            path = each.file.path
            if not wanted(path):
                continue
            file = each.file
            if contents and each.data is not None and file.type is FileType.FILE:
                file = attrs.evolve(file, content=each.data.digest())
            sorting.add(_key(path, order), (each.layer, *_packed(file)))
        before = None
        for _, (layer, *fields) in sorting:
            file = _unpacked(fields)
            if file.path != before:
                yield ImageFile(file=file, layer=layer)
            before = file.path


def path_key(path: str) -> bytes:
    """What paths are sorted by: one folder after the other, each before what is in it."""
    return b"" if path == ROOT else os.fsencode(path).replace(b"/", b"\0")


def _key(path: str, order: int) -> bytes:
    return path_key(path) + b"\0\0" + (_LATEST - order).to_bytes(8, "big")


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
