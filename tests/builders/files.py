"""Put the members of an archive, or the files of a folder, on disk."""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Order = Callable[[list[str]], Iterable[str]]


@dataclass(frozen=True)
class Link:
    """A link, where a member's bytes would stand."""

    target: str
    hard: bool = False


Members = dict[str, bytes | Link]


def write_members(
    members: Mapping[str, bytes | Link], dest: Path, *, prefix: str = "", order: Order | None = None
) -> Path:
    """Write members as a deterministic tar.

    Args:
        prefix: put before each name, not before a link's target; `./` is what `tar -c .` writes.
        order: gives the names in the order in which to write them, e.g. `sorted`, `reversed`.
    """
    names = list(members) if order is None else list(order(list(members)))
    with tarfile.open(dest, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            data = members[name]
            member = tarfile.TarInfo(prefix + name)
            member.mode = 0o644
            if isinstance(data, Link):
                member.type = tarfile.LNKTYPE if data.hard else tarfile.SYMTYPE
                member.linkname = data.target
                tar.addfile(member)
            else:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return dest


def write_files(files: Mapping[str, bytes], dest_dir: Path) -> Path:
    """Write files below a folder that is made where it is missing."""
    dest_dir.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = dest_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return dest_dir


def pack_tree(directory: Path, dest_tar: Path, prefix: str = "") -> Path:
    """Pack a folder into a deterministic tar, links and folders as they are."""
    with tarfile.open(dest_tar, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(directory.rglob("*")):
            member = tarfile.TarInfo(prefix + path.relative_to(directory).as_posix())
            mode = path.lstat().st_mode
            member.mode = stat.S_IMODE(mode)
            if stat.S_ISLNK(mode):
                member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
                tar.addfile(member)
            elif stat.S_ISDIR(mode):
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            else:
                member.size = path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(member, file)
    return dest_tar
