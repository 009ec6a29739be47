"""Files of an image as lines, one each, as ``ls -l`` has them."""

from __future__ import annotations

import stat
import time

from oci_layout.cli.text import shown
from oci_layout.filediff.filelist import ImageFile
from oci_layout.filediff.pairing import FileChange
from oci_layout.streams.layerfiles import FileType, LayerFile

_BITS = {
    FileType.FILE: stat.S_IFREG,
    FileType.DIRECTORY: stat.S_IFDIR,
    FileType.SYMLINK: stat.S_IFLNK,
    FileType.CHARACTER: stat.S_IFCHR,
    FileType.BLOCK: stat.S_IFBLK,
    FileType.FIFO: stat.S_IFIFO,
}
_NANOSECONDS = 10**9
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def file_line(each: ImageFile) -> str:
    """A file of an image on one line."""
    file = each.file
    size = f"{file.device[0]}, {file.device[1]}" if file.device is not None else str(file.size)
    owner = f"{file.uid}/{file.gid}"
    return f"{_mode(file)} {owner:>9} {size:>10} {_time(file.mtime)} {each.layer:>3} {_path(file)}"


def change_line(each: FileChange) -> str:
    """A change on one line: what, in which layers, which path, and what of it."""
    layers = [str(side.layer) for side in (each.a, each.b) if side is not None]
    where = " -> ".join(layers)
    what = f"  ({', '.join(each.attributes)})" if each.attributes else ""
    side = each.b if each.b is not None else each.a
    path = _path(side.file) if side is not None else ""
    return f"{_SIGNS[each.change]} {where:>8} {path}{what}"


def _mode(file: LayerFile) -> str:
    if file.type is FileType.HARDLINK:  # as tar tells it from its file
        return "h" + stat.filemode(file.mode | stat.S_IFREG)[1:]
    return stat.filemode(file.mode | _BITS[file.type])


def _time(nanoseconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.gmtime(nanoseconds // _NANOSECONDS))
    except (ValueError, OverflowError, OSError):  # a year that no calendar has
        return f"{nanoseconds // _NANOSECONDS:>16}"


def _path(file: LayerFile) -> str:
    path = shown(file.path)
    if file.type is FileType.DIRECTORY:
        return f"{path}/"
    if file.type is FileType.SYMLINK:
        return f"{path} -> {shown(file.linkname)}"
    if file.type is FileType.HARDLINK or file.linkname:
        return f"{path} link to {shown(file.linkname)}"
    return path
