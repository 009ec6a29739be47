"""What has become of names, as lines for people."""

from __future__ import annotations

import shutil

from oci_layout.cli.cells import wrapped
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import short, shown
from oci_layout.plan.keeping import Renamed
from oci_layout.sink.keeping import NamesReport


def show_names(report: NamesReport, *, as_json: bool, quiet: bool) -> None:
    """Print what has become of the names of a layout.

    Args:
        report: of what was done.
        as_json: as one JSON document.
        quiet: nothing for people.
    """
    if as_json:
        show_json(report)
    elif not quiet:
        show(_lines(report, max(40, shutil.get_terminal_size().columns)))


def _lines(report: NamesReport, width: int) -> list[str]:
    lines = [line for each in report.added for line in _added(each, width)]
    for each in report.removed:
        lines += wrapped(f"- {_named(each)}  {short(each.digest)}", width, "", "    ")
    if not lines:
        return wrapped(f"{shown(report.path)}: nothing to change", width, "", "  ")
    if report.dry_run:
        lines.append("nothing was written")
    return lines


def _added(each: Renamed, width: int) -> list[str]:
    digest = short(each.digest)
    if each.before is not None:
        digest = f"{short(each.before)} -> {digest}"
    return wrapped(f"+ {_named(each)}  {digest}", width, "", "    ")


def _named(each: Renamed) -> str:
    return shown(each.name) if each.name is not None else "(no name)"
