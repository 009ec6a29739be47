"""``layout have``: what the other side may leave out."""

from __future__ import annotations

import gzip

import oci_layout
from oci_layout.cli import options
from oci_layout.cli.beside import side_file
from oci_layout.cli.options import ListFile, Quiet, Sources
from oci_layout.cli.screen import show
from oci_layout.havelist.request import Have
from oci_layout.havelist.text import render

EXAMPLES = (
    "layout have saved.tar",
    "layout have saved.tar other.tar -o there.txt",
)


def have(
    sources: Sources,
    request: Have,
    output: ListFile = None,
    quiet: Quiet = False,
) -> None:
    """List what is there: images, layers and blobs by their digests. No layer is read.

    The other side takes the list to repack --have, which leaves out what is there.
    Exit status: 0 listed, 3 no image or damaged, 5 the file cannot be written.
    """
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  only where something is read

    with side_file("--output", output, *sources) as file:
        with Bar(quiet=quiet) as progress:
            lines = render(oci_layout.have(sources, request, progress=progress))
        if file is None:
            show(lines)
            return
        text = "".join(f"{line}\n" for line in lines).encode()
        packed = output is not None and output.lower().endswith(".gz")
        file.write(gzip.compress(text, mtime=0) if packed else text)


command = options.command(have)
