"""``layout tag``: one name more."""

from __future__ import annotations

from typing import Annotated

import typer

from oci_layout.api import keeping
from oci_layout.cli import options
from oci_layout.cli.namelines import show_names
from oci_layout.cli.options import AsJson, Layout, Quiet
from oci_layout.plan.request import Tag

EXAMPLES = (
    "layout tag folder hello:1 hello:stable",
    "layout tag folder hello:1 other:1 --move",
)


def tag(
    layout: Layout,
    old: Annotated[
        str,
        typer.Argument(metavar="OLD", help="A name or digest of the image.", show_default=False),
    ],
    new: Annotated[
        str,
        typer.Argument(metavar="NEW", help="The name it is to have, too.", show_default=False),
    ],
    request: Tag,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Give an image of a layout folder one name more.

    Exit status: 0 done, or it has the name already; 4 no such image, or the name is another
    image's; 5 the layout cannot be changed.
    """
    show_names(keeping.tag(layout, old, new, request), as_json=as_json, quiet=quiet)


command = options.command(tag)
