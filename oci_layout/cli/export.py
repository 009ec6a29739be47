"""``layout export``: the file system of an image, as a tar or a folder."""

from __future__ import annotations

import sys

from oci_layout.cli import options
from oci_layout.cli.options import AsJson, Output, Quiet, Source
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import shown, size_text
from oci_layout.counting import plural
from oci_layout.errors import UsageError
from oci_layout.rootfs.report import ExportReport
from oci_layout.rootfs.request import Export

EXAMPLES = (
    "layout export saved.tar -o rootfs.tar",
    "layout export saved.tar -o rootfs",
    "layout export saved.tar -o - | docker import - flat:1",
)


def export(
    source: Source,
    output: Output,
    request: Export,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the file system that a fresh container would have: a tar, or a directory.

    A directory gets owners, devices and all attributes only from root. Nothing is written outside
    of it, whatever is in a layer. Exit status: 0 written, 3 no image or damaged, 4 no such image,
    or more than one, 5 the destination.
    """
    if output is None:
        raise UsageError(what="-o DEST is needed", hint="x.tar, a directory, or -")
    if output == "-" and sys.stdout.isatty():
        raise UsageError(what="an archive on a terminal", hint="redirect it, or -o x.tar")
    if output == "-" and as_json:
        raise UsageError(what="--json and -o - both want standard output")
    from oci_layout.api import rootfs  # noqa: PLC0415  a fast start
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=quiet) as progress:
        report = rootfs.export(source, output, request, progress=progress)
    if as_json:
        show_json(report)
    elif not quiet:
        show(_lines(report), error=output == "-")


command = options.command(export)


def _lines(report: ExportReport) -> list[str]:
    where = "standard output" if report.output == "-" else shown(report.output)
    size = f", {size_text(report.size)}" if report.size is not None else ""
    lines = [
        f"{shown(report.image)}  {report.platform}",
        f"wrote {where}: {plural(report.files, 'file')}{size}",
    ]
    if not report.owners:
        lines.append("  all files belong to you, and no setuid bits were set: root keeps both")
    if report.devices_left_out:
        count = plural(report.devices_left_out, "device node")
        lines.append(f"  left out: {count} (--devices makes them; a tar has them)")
    if report.attributes_left_out:
        count = plural(report.attributes_left_out, "extended attribute")
        lines.append(f"  left out: {count} that could not be set here (a tar has them)")
    return lines
