"""A file system as a mapping, read from a tar or a folder, to hold two against each other."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}
_TYPES = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "character",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}


@dataclass(frozen=True)
class Seen:
    """What is at a path; ``links`` is the first of all paths that are the same file."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    content: str = ""
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, str], ...] = ()
    links: str = ""


def of_tar(file: IO[bytes], leave_out: Iterable[str] = ()) -> dict[str, Seen]:
    """All that is in a tar, as it would be unpacked."""
    found: dict[str, Seen] = {}
    groups: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            path = os.path.normpath(member.name.lstrip("/")) or "."
            if member.islnk():
                target = os.path.normpath(member.linkname.lstrip("/"))
                found[path] = found[target]
                groups[path] = groups.get(target, target)
                continue
            groups.pop(path, None)
            data = archive.extractfile(member) if member.isreg() else None
            content = hashlib.sha256(data.read()).hexdigest() if data is not None else ""
            found[path] = Seen(
                kind=_TYPES[member.type],
                mode=member.mode & 0o7777 if not member.issym() else 0o777,
                uid=member.uid,
                gid=member.gid,
                mtime=int(member.mtime),
                content=content,
                target=member.linkname if member.issym() else "",
                device=(member.devmajor, member.devminor) if member.isdev() else (0, 0),
                xattrs=tuple(
                    sorted(
                        (key.removeprefix("SCHILY.xattr."), value)
                        for key, value in member.pax_headers.items()
                        if key.startswith("SCHILY.xattr.")
                    )
                ),
            )
    return _grouped(found, {path: groups.get(path, path) for path in found}, leave_out)


def of_folder(root: Path, leave_out: Iterable[str] = ()) -> dict[str, Seen]:
    """All that is below a folder."""
    found: dict[str, Seen] = {}
    inodes: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            whole = os.path.join(folder, name)
            path = os.path.relpath(whole, root)
            status = os.lstat(whole)
            kind = _KINDS[stat.S_IFMT(status.st_mode)]
            content = ""
            if kind == "file":
                content = hashlib.sha256(Path(whole).read_bytes()).hexdigest()
            device = (0, 0)
            if kind in ("character", "block"):
                device = (os.major(status.st_rdev), os.minor(status.st_rdev))
            names = os.listxattr(whole, follow_symlinks=False)
            found[path] = Seen(
                kind=kind,
                mode=stat.S_IMODE(status.st_mode),
                uid=status.st_uid,
                gid=status.st_gid,
                mtime=int(status.st_mtime),
                content=content,
                target=os.readlink(whole) if kind == "symlink" else "",
                device=device,
                xattrs=tuple(
                    (each, os.getxattr(whole, each, follow_symlinks=False).decode())
                    for each in sorted(names)
                ),
            )
            inodes[path] = str(status.st_ino)
    return _grouped(found, inodes, leave_out)


def _grouped(
    found: dict[str, Seen], groups: dict[str, str], leave_out: Iterable[str]
) -> dict[str, Seen]:
    first: dict[str, str] = {}
    for path in sorted(found):
        first.setdefault(groups[path], path)
    gone = set(leave_out)
    return {
        path: Seen(**{**vars(seen), "links": first[groups[path]]})
        for path, seen in sorted(found.items())
        if path not in gone and path != "."
    }
