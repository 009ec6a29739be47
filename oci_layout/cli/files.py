"""``layout files``: the file system of an image, as a list."""

from __future__ import annotations

from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.options import Argument, AsJson, Option, Source
from oci_layout.cli.screen import show, show_json_list
from oci_layout.errors import UsageError
from oci_layout.rootfs.request import Files

EXAMPLES = (
    "layout files saved.tar /etc",
    "layout files saved.tar --find '*.conf'",
    "layout files saved.tar --changed 0 1",
)


def files(
    source: Source,
    request: Files,
    path: Annotated[
        str,
        Argument(
            metavar="[PATH]",
            help="A folder with all in it, or a file.",
        ),
    ] = "/",
    changed: Annotated[
        tuple[int, int] | None,
        Option(
            "--changed", metavar="A B", help="What differs between the states after two layers."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the files of an image as a container would see them, each with its layer.

    A line has type and mode, owner and group, size, time in UTC, number of the layer, path.
    Exit status: 0 listed, 3 no image or damaged, 4 no such image or file, or more than one image.
    """
    from oci_layout.api import rootfs  # noqa: PLC0415  a fast start
    from oci_layout.cli.filelines import change_line, file_line  # noqa: PLC0415  likewise
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    if changed is not None and path.strip("/"):
        raise UsageError(what="--changed looks at all files", hint="--find chooses some")
    with Bar(quiet=as_json) as progress:
        if changed is not None:
            pairs = rootfs.changes(source, *changed, request, progress=progress)
            if as_json:
                show_json_list("changes", pairs)
            else:
                show(map(change_line, pairs))
            return
        found = rootfs.files(source, path, request, progress=progress)
        if as_json:
            show_json_list("files", found)
        else:
            show(map(file_line, found))


command = options.command(files)
