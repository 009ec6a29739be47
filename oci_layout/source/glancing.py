"""Whether something may be a source, by as few bytes as that takes: a look at each of many files.

What opens a source judges; this only passes over what certainly is none.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Collection, Iterable

from oci_layout.closing import Closing
from oci_layout.errors import LayoutError
from oci_layout.mediatype import Compression
from oci_layout.model import dockersave, layout
from oci_layout.model.volumelist import SUFFIX
from oci_layout.source.engines import engine_at
from oci_layout.source.registryroot import registry_at
from oci_layout.source.volumeset import list_at
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.reader import ExtentReader, HeldFile, Reader
from oci_layout.streams.tarheader import BLOCK, ZERO, looks_like_tar
from oci_layout.where import Where

_PACKED = 2  # times that an archive may be packed
_HEAD = 1 << 16  # bytes of a manifest.json, in which its keys show


class FolderKind(enum.Enum):
    """What a folder may be."""

    LAYOUT = "files of an image"
    ROOTED = "the folder of an engine or a registry"


def file_may_hold(path: str) -> bool:
    """Whether a file may be an archive with images, or a list of volumes.

    Args:
        path: of a regular file.

    Raises:
        ReadError: it cannot be read.
        DamagedError: it is a list of volumes that does not hold, or is packed and does not begin.
    """
    if path.endswith(SUFFIX):
        return list_at(path) is not None
    with HeldFile(path) as file:
        head = file.pread(SNIFF_BYTES, 0)
        if _is_tar(head):
            return True
        reader: Reader = ExtentReader(file, 0, file.size)
        for _ in range(_PACKED):
            packed = sniff(head)
            if packed is Compression.NONE:
                return False
            reader = _Again(head, reader) if isinstance(reader, _Opened) else reader
            reader = _Opened(decoded(reader, packed, Where(file=path)))
            head = reader.head()
            if _is_tar(head):
                return True
    return False


def _is_tar(head: bytes) -> bool:
    return looks_like_tar(head) and head[:BLOCK] != ZERO


class _Opened:
    """What comes out of packed bytes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def head(self) -> bytes:
        """The first bytes, enough to tell what they are."""
        found = b""
        while len(found) < SNIFF_BYTES and (data := self._reader.read(SNIFF_BYTES - len(found))):
            found += data
        return found

    def read(self, size: int, /) -> bytes:
        return self._reader.read(size)


class _Again(Closing):
    """A reader with bytes before it that were taken from it."""

    def __init__(self, head: bytes, reader: Reader) -> None:
        self._head, self._reader = head, reader

    def read(self, size: int, /) -> bytes:
        data, self._head = self._head[:size], self._head[size:]
        return data or self._reader.read(size)


def folder_kind(path: str, files: Collection[str], folders: Iterable[str]) -> FolderKind | None:
    """What a folder may be; None for one that is none itself, whatever lies below it.

    A folder around one, and one of several layouts, are none: each is found below.

    Args:
        path: of the folder.
        files: names of the files in it.
        folders: names of the folders in it.
    """
    if os.path.realpath(path) == "/":  # the host's own engines are not on a shelf
        return None
    try:
        if engine_at(path) is not None or registry_at(path) is not None:
            return FolderKind.ROOTED
    except LayoutError:  # it is one, and opening it says what is wrong
        return FolderKind.ROOTED
    if layout.MARKER in files or (layout.INDEX in files and "blobs" in folders):
        return FolderKind.LAYOUT
    known = (layout.INDEX, dockersave.MANIFEST)
    if any(name in files and _lists_images(os.path.join(path, name)) for name in known):
        return FolderKind.LAYOUT
    for each in folders:  # Docker before 1.10 has ID/json
        inner = os.path.join(path, each)
        if all(os.path.isfile(os.path.join(inner, name)) for name in ("json", "layer.tar")):
            return FolderKind.LAYOUT
    return None


def _lists_images(path: str) -> bool:
    """Whether it is a document of docker save, a ``dir:`` or a layout; others have such names."""
    try:
        with HeldFile(path) as file:
            head = file.pread(_HEAD, 0).lstrip()
    except LayoutError:
        return True
    return (head.startswith(b"[") and b'"Config"' in head) or (
        head.startswith(b"{") and b'"schemaVersion"' in head
    )
