"""Layers that are no usual ones: what engines unpack of them, and what stops them."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

from tests.builders import write_hybrid_archive
from tests.builders.image import Image, Layer


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"", **more: int
) -> bytes:
    """One member of a tar: its headers and its data."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o644
        for key, value in more.items():
            setattr(info, key, value)
        tar.addfile(info, io.BytesIO(data))
        end = tar.offset
    return out.getvalue()[:end]


def tar_of(*members: bytes, end: bytes = bytes(1024)) -> bytes:
    """A tar of members."""
    return b"".join(members) + end


def with_layer(image: Image, dest: Path, layer: bytes, packing: str = "none") -> Path:
    """A hybrid archive of an image with one layer more, which is such bytes."""
    layers = (*image.layers, Layer(layer, packing))
    rootfs = {"type": "layers", "diff_ids": [each.diff_id for each in layers]}
    config = {key: value for key, value in image.config.items() if key != "history"}
    changed = replace(image, layers=layers, config={**config, "rootfs": rootfs})
    return write_hybrid_archive([changed], dest)


_OWN = member("own/file", data=b"own")
# What a layer holds, and which engines do not unpack it: Docker and podman, containerd.
STRANGE: dict[str, tuple[bytes, str, str]] = {
    "nothing odd": (tar_of(member("own/", tarfile.DIRTYPE), _OWN), "", ""),
    "no bytes": (b"", "", ""),
    "no end": (tar_of(_OWN, end=b""), "", ""),
    "no padding": (tar_of(_OWN, end=b"")[:-500], "", ""),
    "cut in the data": (tar_of(_OWN, end=b"")[:-510], "layer-tar", "layer-tar"),
    "cut in a header": (tar_of(_OWN, end=_OWN[:300]), "layer-tar", "layer-tar"),
    "garbage behind": (tar_of(_OWN, end=b"garbage!" * 64), "layer-tar", "layer-tar"),
    "garbage behind a block of zeros": (
        tar_of(_OWN, end=bytes(512) + b"garbage!" * 64),
        "layer-tar",
        "layer-tar",
    ),
    "garbage behind the end": (tar_of(_OWN, end=bytes(1024) + b"garbage!" * 64), "", ""),
    "a file twice": (tar_of(_OWN, _OWN), "repeated-path", ""),
    "a file twice, spelled in two ways": (
        tar_of(_OWN, member("./own/x/../file", data=b"x")),
        "repeated-path",
        "",
    ),
    "a file twice, from the root": (tar_of(_OWN, member("/own/file", data=b"x")), "", ""),
    "a folder twice": (tar_of(*[member("own/", tarfile.DIRTYPE)] * 2), "repeated-path", ""),
    "a file over a folder": (
        tar_of(member("own/", tarfile.DIRTYPE), member("own", data=b"x")),
        "repeated-path",
        "",
    ),
    "a hard link": (tar_of(_OWN, member("link", tarfile.LNKTYPE, "own/file")), "", ""),
    "a hard link from the root": (
        tar_of(_OWN, member("link", tarfile.LNKTYPE, "/own/file")),
        "",
        "",
    ),
    "a hard link from above the root": (
        tar_of(_OWN, member("link", tarfile.LNKTYPE, "../own/file")),
        "layer-leaves",
        "",
    ),
    "a path from above the root": (tar_of(member("../../out", data=b"x")), "layer-leaves", ""),
    "a hard link through a link": (
        tar_of(
            _OWN, member("to", tarfile.SYMTYPE, "own"), member("link", tarfile.LNKTYPE, "to/file")
        ),
        "",
        "",
    ),
    "a hard link to nothing": (
        tar_of(_OWN, member("link", tarfile.LNKTYPE, "lost")),
        "layer-file",
        "layer-file",
    ),
    "a hard link to what follows": (
        tar_of(member("link", tarfile.LNKTYPE, "own/file"), _OWN),
        "layer-file",
        "layer-file",
    ),
    "a hard link to a folder": (
        tar_of(member("own/", tarfile.DIRTYPE), member("link", tarfile.LNKTYPE, "own")),
        "layer-file",
        "layer-file",
    ),
    "a hard link to what a layer below has": (
        tar_of(member("link", tarfile.LNKTYPE, "etc/base")),
        "",
        "layer-file",
    ),
    "a hard link to what is removed": (
        tar_of(member("etc/.wh.base"), member("link", tarfile.LNKTYPE, "etc/base")),
        "layer-file",
        "",
    ),
    "a file below a file": (
        tar_of(_OWN, member("own/file/below", data=b"x")),
        "layer-file",
        "layer-file",
    ),
    "a file below a link": (
        tar_of(member("to", tarfile.SYMTYPE, "own"), member("to/file", data=b"x")),
        "",
        "",
    ),
    "a whiteout of its own file": (tar_of(_OWN, member("own/.wh.file")), "", "layer-file"),
}
