"""``layout list``: the names in a source."""

from __future__ import annotations

from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.options import AsJson, Option, Source
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import shown
from oci_layout.inspection.request import List

EXAMPLES = (
    "layout list saved.tar",
    "layout list folder --digests",
)


def list_(
    source: Source,
    request: List,
    digests: Annotated[
        bool,
        Option("--digests", help="Show digests before the names, and what has no name."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the names in a source, one a line.

    A digest is that of the manifest or index; the image ID where there is no manifest.
    Exit status: 0 listed, 3 no image or damaged.
    """
    from oci_layout.api.inspection import list_images  # noqa: PLC0415  a fast start
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=as_json) as progress:
        found = list_images(source, request, progress=progress)
    if as_json:
        show_json(found)
    elif digests:
        show([f"{each.digest}  {shown(each.name or '')}".rstrip() for each in found.images])
    else:
        show([shown(each.name) for each in found.images if each.name is not None])


command = options.command(list_)
