"""Archives and layers that GNU tar wrote with `--sparse`."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

from tests.builders.docker import write_docker_archive
from tests.builders.image import Image, Layer

FORMATS = {
    "GNU": ["--format=gnu"],
    "PAX 0.0": ["--format=pax", "--sparse-version=0.0"],
    "PAX 0.1": ["--format=pax", "--sparse-version=0.1"],
    "PAX 1.0": ["--format=pax", "--sparse-version=1.0"],
}


def punched(path: Path, data: bytes) -> Path:
    """A file with holes where its bytes are zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = 4096
    with path.open("wb") as file:
        file.truncate(len(data))
        for at in range(0, len(data), block):
            if data[at : at + block].strip(b"\0"):
                file.seek(at)
                file.write(data[at : at + block])
    return path


def packed(folder: Path, dest: Path, form: str) -> Path:
    """All of a folder, in a tar with sparse members."""
    names = sorted(path.name for path in folder.iterdir())
    command = ["tar", "-C", str(folder), *FORMATS[form], "--sparse", "-cf", str(dest), *names]
    subprocess.run(command, check=True)
    return dest


def with_holes(image: Image, dest: Path, form: str, *, beside: bool = False) -> Path:
    """A docker save archive whose members have holes, as `tar --sparse` of its folder writes it.

    Args:
        image: one layer of it must be large, and mostly zeros.
        dest: the archive.
        form: of the sparse members.
        beside: no member of the image has holes, but one file beside them.
    """
    folder = dest.with_suffix(".folder")
    whole = write_docker_archive([image], dest.with_suffix(".whole.tar"))
    folder.mkdir()
    subprocess.run(["tar", "-C", str(folder), "-xf", str(whole)], check=True)
    if beside:
        punched(folder / "disk.img", bytes(1 << 20) + b"x" * 4096)
    else:
        for path in folder.rglob("layer.tar"):
            punched(path, path.read_bytes())
    return packed(folder, dest, form)


def beside_odd_member(image: Image, dest: Path) -> Path:
    """A docker save archive with a member of a type that nobody knows."""
    write_docker_archive([image], dest)
    with tarfile.open(dest, "a", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("odd")
        member.type = b"V"
        tar.addfile(member)
    return dest


def with_odd_member(image: Image, dest: Path, flag: bytes) -> Path:
    """A docker save archive whose base layer has one member of a type."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo(f"of {image.config_digest}")
        member.type = flag
        tar.addfile(member)
    layers = (Layer(buffer.getvalue()), *image.layers[1:])
    rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    changed = replace(image, layers=layers, config={**image.config, "rootfs": rootfs})
    return write_docker_archive([changed], dest)
