"""``layout cat``: one file of an image."""

from __future__ import annotations

from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.options import Argument, Source
from oci_layout.cli.screen import StandardOutput
from oci_layout.rootfs.request import Cat

EXAMPLES = (
    "layout cat saved.tar /etc/os-release",
    "layout cat saved.tar /etc | tar -t",
)


def cat(
    source: Source,
    path: Annotated[str, Argument(metavar="PATH", help="A file of the image.")],
    request: Cat,
) -> None:
    """Write a file of an image to standard output; a folder as a tar.

    Links are followed inside of the image. Layers are read no further than it takes, and not
    checked: layout verify does that. Exit status: 0 written, 3 no image or damaged, 4 no such
    image or file, or more than one image, 5 standard output.
    """
    from oci_layout.api import rootfs  # noqa: PLC0415  a fast start
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=False) as progress:
        rootfs.cat(source, path, StandardOutput(), request, progress=progress)


command = options.command(cat)
