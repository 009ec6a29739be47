"""What has become of names, as lines for people; and how verbs that change a source print."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from oci_layout.cli.cells import wrapped
from oci_layout.cli.repack import Printing, done_line, heard
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import finding_line, short, shown

if TYPE_CHECKING:
    from oci_layout.api.words import Progress
    from oci_layout.plan.keeping import Renamed
    from oci_layout.plan.report import Report
    from oci_layout.sink.keeping import NamesReport


class _Kept(Protocol):
    @property
    def written(self) -> Report | None:
        """Of the conversion, where the source was written again."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was written."""


_Report = TypeVar("_Report", bound=_Kept)


def kept(
    change: Callable[[Progress | None], _Report],
    lines: Callable[[_Report, int], list[str]],
    to: Printing,
) -> None:
    """Change a source, and print what has become of it.

    Args:
        change: does it, and tells how far the work is.
        lines: for people, of a report and the columns of the terminal.
        to: where they go.

    Raises:
        UsageError: standard output would be used twice.
    """
    to.require_room()
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  only where something is done

    with heard(), Bar(quiet=to.quiet or to.as_json) as progress:
        report = change(progress)
    written = report.written
    for warning in written.warnings if written is not None else ():
        show([finding_line(warning)], error=True)
    if to.as_json:
        show_json(report)
    elif not to.quiet:
        width = max(40, shutil.get_terminal_size().columns)
        said = lines(report, width)
        if report.dry_run:
            said.append("nothing was written")
        elif written is not None:
            said += wrapped(done_line(written), width, "", "  ")
        show(said, error=to.output == "-")


def name_lines(report: NamesReport, width: int) -> list[str]:
    """What has become of names.

    Args:
        report: of what was done.
        width: columns of the terminal.
    """
    lines = [line for each in report.added for line in _added(each, width)]
    for each in report.removed:
        lines += wrapped(f"- {_named(each)}  {short(each.digest)}", width, "", "    ")
    return lines or wrapped(f"{shown(report.path)}: nothing to change", width, "", "  ")


def _added(each: Renamed, width: int) -> list[str]:
    digest = short(each.digest)
    if each.before is not None:
        digest = f"{short(each.before)} -> {digest}"
    return wrapped(f"+ {_named(each)}  {digest}", width, "", "    ")


def _named(each: Renamed) -> str:
    return shown(each.name) if each.name is not None else "(no name)"
