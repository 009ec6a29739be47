"""``layout inspect``: what is inside."""

from __future__ import annotations

import enum
import os
import shutil
import sys
from typing import Annotated

import typer

from oci_layout.cli.screen import show, show_json
from oci_layout.errors import UsageError


class Raw(enum.StrEnum):
    """A document whose exact bytes are wanted."""

    INDEX = "index"
    MANIFEST = "manifest"
    CONFIG = "config"


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Archive, layout, dir: directory or a lone manifest; - for standard input.",
            show_default=False,
        ),
    ],
    image: Annotated[
        list[str] | None, typer.Option(metavar="NAME|DIGEST", help="This image only; repeatable.")
    ] = None,
    platform: Annotated[
        list[str] | None, typer.Option(metavar="OS/ARCH", help="This platform only; repeatable.")
    ] = None,
    raw: Annotated[
        Raw | None, typer.Option(help="Print the exact bytes of the one index, manifest, config.")
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Read the layers: count files, name the largest.")
    ] = False,
    largest: Annotated[
        int, typer.Option(metavar="N", min=0, max=1000, help="Largest files that --layers names.")
    ] = 5,
    history: Annotated[
        bool, typer.Option("--history", help="Show the whole history of each image.")
    ] = False,
    tmp: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory for temporary files.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Show what is inside: images, platforms, configs, layers, attestations, who wrote it.

    No layer is read without --layers. Damage that shows in the documents is listed at the end;
    layout verify looks for it everywhere. Exit status: 0 something is shown, 3 not an image, or
    too damaged to show, 4 no such image or platform.
    """
    del debug  # read by the main module, before anything can fail
    if raw is not None and (as_json or layers or history):
        raise UsageError(what="--raw prints bytes and nothing else")
    from oci_layout.api.inspection import inspect, inspect_raw  # noqa: PLC0415  a fast start

    images, platforms = tuple(image or ()), tuple(platform or ())
    if raw is not None:
        data = inspect_raw(source, raw.value, images=images, platforms=platforms, tmp=tmp)
        sys.stdout.buffer.write(data)
        return
    if layers:
        from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

        with Bar(quiet=as_json) as progress:
            value = inspect(
                source,
                images=images,
                platforms=platforms,
                largest=largest,
                tmp=tmp,
                progress=progress,
            )
    else:
        value = inspect(source, images=images, platforms=platforms, tmp=tmp)
    if as_json:
        show_json(value)
        return
    from oci_layout.cli.inspected import render  # noqa: PLC0415  likewise

    lines = render(value, max(40, shutil.get_terminal_size().columns), history=history)
    show(lines, paint=_painted if _colour() else str)


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
