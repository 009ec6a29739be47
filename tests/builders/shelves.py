"""A shelf: a folder tree of archives and layouts, and all that lies about among them."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.builders.docker import write_docker_archive
from tests.builders.image import Image, make_image
from tests.builders.layout import write_oci_layout


def app(number: int, base: int = 0) -> Image:
    """A small image of two layers, of which others have the first one, too."""
    files = [{"usr/lib/base": b"base %d\n" % base * 500}, {"srv/app": b"app %d\n" % number * 300}]
    return make_image(files, names=(f"app{number}:1",))


def write_shelf(folder: Path, archives: int = 4) -> Path:
    """Archives in two folders, one that is packed, a layout, and what is none of them."""
    (folder / "a/deep").mkdir(parents=True)
    (folder / "b").mkdir()
    for number in range(archives):
        place = folder / ("a/deep" if number % 2 else "b") / f"app{number}.tar"
        write_docker_archive([app(number, number % 2)], place)
    packed = write_docker_archive([app(100)], folder / "raw")
    (folder / "a/packed.tar.gz").write_bytes(gzip.compress(packed.read_bytes(), mtime=0))
    packed.unlink()
    write_oci_layout([app(200)], folder / "b/layout")
    (folder / "README.md").write_text("not an image\n")
    (folder / "a/link.tar").symlink_to("packed.tar.gz")
    return folder


def put(number: int, path: Path) -> Path:
    """An archive at a path, whose folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_docker_archive([app(number)], path)


def cut(path: Path) -> Path:
    """Take the end of an archive away."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path
