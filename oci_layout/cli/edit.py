"""``layout edit``: what images say of themselves, changed."""

from __future__ import annotations

from oci_layout.cli import options
from oci_layout.cli.options import AsJson, Output, Quiet, ReportFile, Source
from oci_layout.cli.repack import Printing, convert
from oci_layout.errors import UsageError
from oci_layout.plan.request import Edit

EXAMPLES = (
    "layout edit saved.tar --label stage=test --env DEBUG- -o edited.tar",
    "layout edit folder --image hello:1 --user 1000 --in-place",
)


def edit(
    source: Source,
    output: Output,
    request: Edit,
    as_json: AsJson = False,
    report: ReportFile = None,
    quiet: Quiet = False,
) -> None:
    """Change configs, annotations, platforms, times and names; all else stays, byte for byte.

    The form stays, too: an archive of docker save, a layout, a hybrid. A value of - takes a field
    away, KEY- one of many. Exit status: 0 written, 3 no image or damaged, 4 no such image, 5 the
    destination, 6 the format cannot hold it; layout --help lists all.
    """
    if output is None and not request.in_place and not request.dry_run:
        raise UsageError(what="-o DEST is needed", hint="or --in-place, or --dry-run")
    convert(
        lambda verbs, progress: verbs.edit(source, output, request, progress=progress),
        Printing(output=output, as_json=as_json, report=report, quiet=quiet),
        source,
    )


command = options.command(edit)
