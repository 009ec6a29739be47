"""``layout merge``: several sources into one."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from oci_layout.cli.repack import OnConflict, print_report, side_file
from oci_layout.errors import UsageError
from oci_layout.plan.options import Format


def command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Archives, layouts, dir: directories.", show_default=False
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="DEST",
            help="x.tar writes an archive, - one on standard output, other names a directory.",
            show_default=False,
        ),
    ],
    to: Annotated[Format, typer.Option("--to", help="Format to write.")] = Format.OCI,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="Who keeps a name that two sources give to two images.")
    ] = OnConflict.ERROR,
    compression: Annotated[
        str,
        typer.Option(
            metavar="HOW", help="auto, keep, none, gzip[:LEVEL] or zstd[:LEVEL] for the layers."
        ),
    ] = "auto",
    pure: Annotated[
        bool, typer.Option("--pure", help="Leave manifest.json out: OCI and nothing else.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an archive or a clean layout at DEST.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Cores to use; all by default.")
    ] = None,
    tmp: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Directory for temporary files; default beside DEST."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON document.")
    ] = False,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the JSON report to a file.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Put the images of several sources into one layout or archive; blobs are shared."""
    del debug  # read by the main module, before anything can fail
    if output == "-" and sys.stdout.isatty():
        raise UsageError(what="an archive on a terminal", hint="redirect it, or -o x.tar")
    if output == "-" and as_json:
        raise UsageError(what="--json and -o - both want standard output", hint="--report FILE")
    from oci_layout import api  # noqa: PLC0415  keeps the start of the command fast
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with side_file(report, output, *sources) as file, Bar(quiet=quiet) as progress:
        result = api.merge(
            tuple(sources),
            output,
            target=to.value,
            pure=pure,
            compression=compression,
            force=force,
            on_conflict=on_conflict.value,
            tmp=tmp,
            jobs=jobs,
            progress=progress,
        )
        print_report(result, output=output, as_json=as_json, report=file, quiet=quiet)
