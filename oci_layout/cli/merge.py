"""``layout merge``: several sources into one."""

from __future__ import annotations

from oci_layout.cli import options
from oci_layout.cli.options import AsJson, Output, Quiet, ReportFile, Sources
from oci_layout.cli.repack import Printing, convert
from oci_layout.errors import UsageError
from oci_layout.plan.request import Merge

EXAMPLES = (
    "layout merge saved.tar other.tar -o both.tar",
    "layout merge amd64.tar arm64.tar --multi-platform -o app.tar",
)


def merge(
    sources: Sources,
    output: Output,
    request: Merge,
    as_json: AsJson = False,
    report: ReportFile = None,
    quiet: Quiet = False,
) -> None:
    """Put the images of several sources into one layout or archive; blobs are shared.

    Exit status: 0 written, 3 no image or damaged, 4 a name that two images have, 5 the
    destination, 6 the format cannot hold it; layout --help lists all.
    """
    if output is None and not request.dry_run:
        raise UsageError(what="-o DEST is needed", hint="or --dry-run")
    convert(
        lambda verbs, progress: verbs.merge(sources, output, request, progress=progress),
        Printing(output=output, as_json=as_json, report=report, quiet=quiet),
        *sources,
    )


command = options.command(merge)
