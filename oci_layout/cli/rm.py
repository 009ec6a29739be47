"""``layout rm``: names and images that go."""

from __future__ import annotations

from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.namelines import kept, name_lines
from oci_layout.cli.options import Argument, AsJson, Changed, Quiet, Source
from oci_layout.cli.repack import Printing
from oci_layout.plan.request import Rm

EXAMPLES = (
    "layout rm folder hello:1 --attestations drop --dry-run",
    "layout rm folder hello:1",
)


def rm(
    source: Source,
    images: Annotated[
        list[str],
        Argument(
            metavar="NAME|DIGEST...",
            help="Names, which go; digests, which go with every name, and from their indexes.",
        ),
    ],
    output: Changed,
    request: Rm,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove names or images. Blobs of a layout's folder stay until layout gc.

    The folder of a layout is changed where it is; anything else is written again in its own
    form, to DEST or in place. The digest of a platform is taken out of its index, which makes a
    new index. Exit status: 0 done; 4 no such image; 5 the layout cannot be changed, or the
    destination.
    """
    from oci_layout.api import keeping  # noqa: PLC0415  a fast start

    kept(
        lambda progress: keeping.rm(source, images, output, request, progress=progress),
        name_lines,
        Printing(output=output, as_json=as_json, report=None, quiet=quiet),
    )


command = options.command(rm)
