"""Archives of folders with images in them, packed from above."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.builders.docker import write_dir, write_docker_archive
from tests.builders.files import Members, write_members
from tests.builders.image import Image
from tests.builders.layout import write_hybrid_archive, write_oci_archive

Write = Callable[[Sequence[Image], Path], Path]


def _write_dir(images: Sequence[Image], dest: Path) -> Path:
    """A packed `dir:` of the one image."""
    (image,) = images
    folder = write_dir(image, dest.with_suffix(".dir"), "oci")
    return write_members({path.name: path.read_bytes() for path in folder.iterdir()}, dest)


FORMS: dict[str, Write] = {
    "layout": write_oci_archive,
    "hybrid": write_hybrid_archive,
    "docker save": write_docker_archive,
    "dir:": _write_dir,
}


def members_of(form: str, images: Sequence[Image], folder: str, work: Path) -> Members:
    """What one form of an archive has, one folder down."""
    path = FORMS[form](images, work)
    members: Members = {}
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            if file is not None:
                members[f"{folder}/{member.name}"] = file.read()
    return members


def in_folder(folder: str, dest: Path, images: Sequence[Image], form: str = "docker save") -> Path:
    """An archive of which every member lies in one folder."""
    return write_members(members_of(form, images, folder, dest.with_suffix(".whole.tar")), dest)
