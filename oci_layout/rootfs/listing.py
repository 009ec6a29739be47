"""The merged file system as a list, in the order of its paths."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator

import attrs

from oci_layout.filediff.filelist import FileList, ImageFile
from oci_layout.rootfs.merge import Found
from oci_layout.rootfs.paths import base_of
from oci_layout.streams.layerfiles import FileType


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
) -> Iterator[ImageFile]:
    """Files in the order of their paths, what is in a folder right after it.

    Args:
        found: the files, in any order; of two of one path the later counts.
        tmp: directory for what does not stay in memory.
        wanted: whether a path is listed.

    Raises:
        DamagedError: what the files raise.
    """
    with FileList(tmp) as files:
        fill(files, found, wanted=wanted)
        yield from files


def fill(
    files: FileList,
    found: Iterable[Found],
    *,
    wanted: Callable[[str], bool] = lambda _: True,
    contents: bool = False,
) -> None:
    """Put files into a list.

    Args:
        files: takes them.
        found: the files, in any order; of two of one path the later counts.
        wanted: whether a path is listed.
        contents: whether the bytes of regular files are digested.

    Raises:
        DamagedError: what the files raise.
    """
    for each in found:
        file = each.file
        if not wanted(file.path):
            continue
        if contents and each.data is not None and file.type is FileType.FILE:
            file = attrs.evolve(file, content=each.data.digest())
        files.add(file, each.layer)
    files.settle()
