"""The merged file system as one tar."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from oci_layout.limits import CHUNK
from oci_layout.rootfs.merge import Found
from oci_layout.streams.filewrite import file_header
from oci_layout.streams.layerfiles import FileType, LayerFile
from oci_layout.streams.tarwrite import END, RECORD, padding

_GATHERED = 256 << 10  # bytes of small files that are written at a time
_HOLE = bytes(CHUNK)


@attrs.define
class Totals:
    """What was written.

    Args:
        files: of every type.
        size: bytes of the result.
    """

    files: int = 0
    size: int = 0


def write_tar(
    found: Iterable[Found],
    write: Callable[[bytes], object],
    name: Callable[[str], str] = str,
) -> Totals:
    """Write files as a tar, in the order in which they come.

    Args:
        found: the files.
        write: takes the bytes.
        name: gives the name of a path, and of what a hard link stands for.

    Raises:
        DamagedError: what the files raise; then the tar has no end.
    """
    out = _Gathering(write)
    totals = Totals()
    for each in found:
        file = _named(each.file, name)
        totals.files += 1
        out.small(file_header(file))
        if file.size and file.type is FileType.FILE:
            for piece in each.pieces():
                if isinstance(piece, int):
                    out.hole(piece)
                else:
                    out.data(piece)
            out.small(bytes(padding(file.size)))
    out.small(END)
    out.small(bytes(-out.size % RECORD))
    out.flush()
    totals.size = out.size
    return totals


def _named(file: LayerFile, name: Callable[[str], str]) -> LayerFile:
    if name is str:
        return file
    link = name(file.linkname) if file.type is FileType.HARDLINK else file.linkname
    return attrs.evolve(file, path=name(file.path), linkname=link)


class _Gathering:
    """Puts small pieces together before they are written."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._kept: list[bytes] = []
        self._size = 0
        self.size = 0

    def small(self, data: bytes) -> None:
        self._kept.append(data)
        self._size += len(data)
        self.size += len(data)
        if self._size >= _GATHERED:
            self.flush()

    def data(self, data: bytes) -> None:
        if len(data) < _GATHERED:
            self.small(data)
            return
        self.flush()
        self._write(data)
        self.size += len(data)

    def hole(self, size: int) -> None:
        while size:
            piece = _HOLE[:size]
            self.data(piece)
            size -= len(piece)

    def flush(self) -> None:
        if self._kept:
            self._write(b"".join(self._kept))
            self._kept, self._size = [], 0
