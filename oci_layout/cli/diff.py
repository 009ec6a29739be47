"""``layout diff``: are these the same image, and if not, why do the digests differ."""

from __future__ import annotations

import shutil
from typing import Annotated

import oci_layout
from oci_layout.cli import options
from oci_layout.cli.options import Argument, AsJson
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import finding_line
from oci_layout.comparison.request import Diff

EXAMPLES = (
    "layout diff saved.tar other.tar",
    "layout diff saved.tar folder --files",
    "layout diff saved.tar other.tar --rootfs --ignore mtime,created",
)


def diff(
    a: Annotated[
        str,
        Argument(
            metavar="A",
            help="Archive, layout, dir: directory or a lone manifest; - for standard input.",
        ),
    ],
    b: Annotated[str, Argument(metavar="B", help="What to compare it with.")],
    request: Diff,
    as_json: AsJson = False,
) -> int:
    """Compare the images of A and B, and tell why their digests differ.

    The verdict is one of: identical (same manifest), same image ID (same config), same content
    (the config means the same), same but for what is ignored; same files, other config; different.
    Exit status: 0 for the first four, 1 for the others. Two single images are compared whatever
    their names; of several, those of one name and platform, then those of one image ID. No layer
    is read where its digest and diff_id are stated, unless files are asked for.
    """
    from oci_layout.cli.diffview import render  # noqa: PLC0415  likewise
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=as_json) as progress:
        found = oci_layout.diff(a, b, request, progress=progress)
    if as_json:
        show_json({"version": 1, **found.to_json()})
        return int(not found.verdict.same)
    width = max(40, shutil.get_terminal_size().columns)
    show(render(found, width, request))
    for side, source in (("A", found.a), ("B", found.b)):
        for finding in source.findings:
            if finding.severity != "note":
                show([f"{side}: {finding_line(finding)}"], error=True)
    return int(not found.verdict.same)


command = options.command(diff)
