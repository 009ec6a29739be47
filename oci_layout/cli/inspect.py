"""``layout inspect``: what is inside."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

from oci_layout.cli import options
from oci_layout.cli.options import AsJson, Option, Source
from oci_layout.cli.screen import show, show_bytes, show_json
from oci_layout.errors import UsageError
from oci_layout.inspection.request import Inspect
from oci_layout.pythons import StrEnum


class Raw(StrEnum):
    """A document whose exact bytes are wanted."""

    INDEX = "index"
    MANIFEST = "manifest"
    CONFIG = "config"


EXAMPLES = (
    "layout inspect saved.tar",
    "layout inspect folder --layers --largest 3",
)


def inspect(
    source: Source,
    request: Inspect,
    raw: Annotated[
        Raw | None, Option(help="Print the exact bytes of the one index, manifest, config.")
    ] = None,
    history: Annotated[
        bool, Option("--history", help="Show the whole history of each image.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is inside: images, platforms, configs, layers, attestations, who wrote it.

    No layer is read without --layers. Damage that shows in the documents is listed at the end;
    layout verify looks for it everywhere. Exit status: 0 something is shown, 3 not an image, or
    too damaged to show, 4 no such image or platform.
    """
    if raw is not None and (as_json or request.layers or request.provenance or history):
        raise UsageError(what="--raw prints bytes and nothing else")
    from oci_layout.api import inspection  # noqa: PLC0415  a fast start

    if raw is not None:
        show_bytes(inspection.inspect_raw(source, raw.value, request))
        return
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=as_json) as progress:
        value = inspection.inspect(source, request, progress=progress)
    if as_json:
        show_json(value)
        return
    from oci_layout.cli.inspected import render  # noqa: PLC0415  likewise

    lines = render(value, max(40, shutil.get_terminal_size().columns), history=history)
    show(lines, paint=_painted if _colour() else str)


command = options.command(inspect)


def _colour() -> bool:
    """Whether marks may be coloured (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return sys.stdout.isatty() and not plain


def _painted(line: str) -> str:
    """A line that is marked as odd, in colour."""
    text = line.lstrip()
    if text.startswith(("! ", "error ", "warning ")):
        return f"{line[: len(line) - len(text)]}\033[1;33m{text}\033[0m"
    return line
