"""Images of given layers on disk, and what is exported of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

from oci_layout import export
from tests.builders import Layer, write_oci_layout
from tests.builders.trees import image_of
from tests.chance.trees import Making
from tests.rootfs.seen import Seen, of_folder, of_tar


def written(tmp_path: Path, *tars: bytes, packed: str = "none") -> str:
    """A layout of one image of these layers, base first."""
    image = image_of(*(Layer(tar, packed) for tar in tars))
    return str(write_oci_layout([image], tmp_path / "image"))


def as_tar(source: str, tmp_path: Path, **how: Any) -> dict[str, Seen]:
    """What an export to a tar holds."""
    dest = tmp_path / "rootfs.tar"
    export(source, dest, force=True, **how)
    with dest.open("rb") as file:
        return of_tar(file)


def as_folder(source: str, tmp_path: Path, **how: Any) -> dict[str, Seen]:
    """What an export to a folder holds."""
    dest = tmp_path / "rootfs"
    export(source, dest, **how)
    return of_folder(dest)


def modelled(making: Making) -> dict[str, Seen]:
    """What comes out of a random image, by the model."""
    out = io.BytesIO()
    first: dict[int, str] = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, inode in sorted(making.tree.items()):
            member = tarfile.TarInfo(path)
            member.type, member.mode, member.mtime = inode.kind, inode.mode, inode.mtime
            member.uid = member.gid = inode.uid
            member.linkname = inode.link
            if inode.kind == tarfile.CHRTYPE:
                member.devmajor, member.devminor = 1, 3
            if inode.number in first and inode.kind == tarfile.REGTYPE:
                member.type, member.linkname = tarfile.LNKTYPE, first[inode.number]
                archive.addfile(member)
                continue
            first[inode.number] = path
            if inode.xattr:
                member.pax_headers = {"SCHILY.xattr.user.note": inode.xattr}
            member.size = len(inode.data)
            archive.addfile(member, io.BytesIO(inode.data))
    out.seek(0)
    return of_tar(out)


def differences(a: dict[str, Seen], b: dict[str, Seen], *but: str) -> list[str]:
    """What is not the same; fields that are named do not count."""
    found = []
    for path in sorted(a.keys() | b.keys()):
        if path not in a or path not in b:
            found.append(f"{path}: only in {'the first' if path in a else 'the second'}")
            continue
        one, other = vars(a[path]), vars(b[path])
        names = [name for name in one if name not in but and one[name] != other[name]]
        found += [f"{path}: {name}: {one[name]!r} != {other[name]!r}" for name in names]
    return found
