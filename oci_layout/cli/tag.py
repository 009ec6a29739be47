"""``layout tag``: one name more."""

from __future__ import annotations

from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.namelines import kept, name_lines
from oci_layout.cli.options import Argument, AsJson, Changed, Quiet, Source
from oci_layout.cli.repack import Printing
from oci_layout.plan.request import Tag

EXAMPLES = (
    "layout tag folder hello:1 hello:stable",
    "layout tag saved.tar hello:1 other:1 -o tagged.tar",
)


def tag(
    source: Source,
    old: Annotated[
        str,
        Argument(metavar="OLD", help="A name or digest of the image."),
    ],
    new: Annotated[
        str,
        Argument(metavar="NEW", help="The name it is to have, too."),
    ],
    output: Changed,
    request: Tag,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Give an image one name more.

    The folder of a layout is changed where it is; anything else is written again in its own
    form, to DEST or in place. Exit status: 0 done, or it has the name already; 4 no such image,
    or the name is another image's; 5 the layout cannot be changed, or the destination.
    """
    from oci_layout.api import keeping  # noqa: PLC0415  a fast start

    kept(
        lambda progress: keeping.tag(source, old, new, output, request, progress=progress),
        name_lines,
        Printing(output=output, as_json=as_json, report=None, quiet=quiet),
    )


command = options.command(tag)
