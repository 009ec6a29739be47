"""Marks: what tells that a source, a result or a request is what it was, without reading it.

A mark is a short text. Where nothing cheap and honest can be said, it is empty: nothing is like it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.plain import plain

_FLOORS = 4  # of a folder: a layout has three
# What changes how the work is done, and no byte of what comes of it.
_HOW = {"jobs", "tmp", "force"}
# Fields that name files, which may change while the request does not.
NAMED = ("bases", "have", "name_files", "trusted_keys")


@attrs.frozen
class Marked:
    """A mark, and the bytes that it stands for.

    Args:
        mark: empty for none.
        size: bytes of the files.
    """

    mark: str
    size: int


def of_status(status: os.stat_result) -> str:
    """The mark of a file: its inode, size and time of change.

    Not the device: its number is another one after the next start of many a machine.
    """
    return f"{status.st_ino}.{status.st_size}.{status.st_mtime_ns}"


def of_files(paths: Sequence[str]) -> Marked:
    """The mark of some files together.

    Raises:
        OSError: one is not there.
    """
    found = [os.stat(path) for path in paths]
    size = sum(each.st_size for each in found)
    if len(found) == 1:
        return Marked(of_status(found[0]), size)
    return Marked(_hashed(of_status(each) for each in found), size)


def of_folder(path: str) -> Marked:
    """The mark of a folder, by the names, inodes, sizes and times of the files in it.

    A blob that is changed where it lies changes it, too. It is empty for what is deeper than a
    layout, or has more files than anybody should look at.

    Args:
        path: of a layout, or of another folder with the files of images.

    Raises:
        OSError: it cannot be read.
    """
    lines: list[str] = []
    size = 0
    for name, status in _below(path, "", _FLOORS):
        if status is None or len(lines) == limits.MARKED_FILES:
            return Marked("", size)
        lines.append(f"{name!r} {of_status(status)}")
        size += status.st_size
    return Marked(_hashed(iter(lines)), size)


def _below(path: str, below: str, floors: int) -> Iterator[tuple[str, os.stat_result | None]]:
    """The files of a folder in order; None for what lies too deep."""
    with os.scandir(os.path.join(path, below) if below else path) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        name = os.path.join(below, entry.name)
        if not entry.is_dir(follow_symlinks=False):
            yield name, _status(entry)
        elif floors > 1:
            yield from _below(path, name, floors - 1)
        else:
            yield name, None


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    """Of what a link leads to, too: blobs of a layout may be links."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def of_result(path: str) -> str:
    """The mark of what was written; empty where nothing is there.

    Of a folder it is that of its files, as far down as those of a layout are.
    """
    try:
        status = os.lstat(path)
        if not stat.S_ISDIR(status.st_mode):
            return of_status(status) if stat.S_ISREG(status.st_mode) else ""
        named = (f"{name!r} {of_status(each)}" for name, each in _below(path, "", _FLOORS) if each)
        return f"{status.st_ino}.{_hashed(named)}"
    except OSError:
        return ""


def of_request(verb: str, request: Any, *, strict: bool) -> str:
    """The mark of what is asked for: the options that matter, and the files that they name.

    Args:
        verb: that is asked.
        request: of it.
        strict: whether warnings count.
    """
    fields = [each.name for each in attrs.fields(type(request)) if each.name not in _HOW]
    told = [verb, str(strict)]
    told += [f"{name}={plain(getattr(request, name))!r}" for name in fields]
    for name in NAMED:
        for path in getattr(request, name, ()):
            try:
                told.append(f"{path!r} {of_status(os.stat(path))}")
            except OSError:
                told.append(f"{path!r} absent")
    return _hashed(iter(told))


def _hashed(lines: Iterator[str]) -> str:
    total = hashlib.sha256()
    for line in lines:
        total.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()[:32]


def digest_of(paths: Sequence[str]) -> str:
    """The digest of what some files hold, one after the other; for ``--rehash``.

    Args:
        paths: files; the files of a folder are taken in order, with their names.

    Raises:
        OSError: one cannot be read.
    """
    total = hashlib.sha256()
    for path in paths:
        if os.path.isdir(path):
            for name, status in _below(path, "", _FLOORS):
                if status is None:
                    return ""
                total.update(f"{name!r}\n".encode("utf-8", "surrogateescape"))
                if stat.S_ISREG(status.st_mode):
                    _feed(total, os.path.join(path, name))
        else:
            _feed(total, path)
    return str(Digest.finish(total))


def _feed(total: Any, path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        while data := file.read(limits.CHUNK):
            total.update(data)
