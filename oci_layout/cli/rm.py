"""``layout rm``: names and images that go."""

from __future__ import annotations

from typing import Annotated

import typer

from oci_layout.api import keeping
from oci_layout.cli import options
from oci_layout.cli.namelines import show_names
from oci_layout.cli.options import AsJson, Layout, Quiet
from oci_layout.plan.request import Rm

EXAMPLES = (
    "layout rm folder hello:1",
    "layout rm folder hello:1 --attestations drop --dry-run",
)


def rm(
    layout: Layout,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|DIGEST...",
            help="Names, which go; digests, which go with every name, and from their indexes.",
            show_default=False,
        ),
    ],
    request: Rm,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove names or images of a layout folder. Blobs stay until layout gc.

    The digest of a platform is taken out of its index, which makes a new index.
    Exit status: 0 done; 4 no such image; 5 the layout cannot be changed.
    """
    show_names(keeping.rm(layout, images, request), as_json=as_json, quiet=quiet)


command = options.command(rm)
