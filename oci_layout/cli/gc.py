"""``layout gc``: blobs that nothing leads to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oci_layout.cli import options
from oci_layout.cli.cells import wrapped
from oci_layout.cli.namelines import kept
from oci_layout.cli.options import AsJson, Changed, Quiet, Source
from oci_layout.cli.repack import Printing
from oci_layout.cli.text import shown, size_text
from oci_layout.counting import plural
from oci_layout.plan.request import Gc

if TYPE_CHECKING:
    from oci_layout.sink.keeping import Collected, CollectReport

EXAMPLES = (
    "layout gc folder --dry-run",
    "layout gc folder --older-than 0",
)


def gc(
    source: Source,
    output: Changed,
    request: Gc,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove what no image, index or artifact leads to: blobs, layers of a docker-archive.

    The folder of a layout is changed where it is; anything else is written again in its own
    form, to DEST or in place. What is attached to an image that stays, stays. Exit status: 0
    done; 3 a document is damaged, and nothing is removed; 5 the layout cannot be changed, or the
    destination.
    """
    from oci_layout.api import keeping  # noqa: PLC0415  a fast start

    kept(
        lambda progress: keeping.gc(source, output, request, progress=progress),
        _lines,
        Printing(output=output, as_json=as_json, report=None, quiet=quiet),
    )


command = options.command(gc)


def _lines(report: CollectReport, width: int) -> list[str]:
    would = "would remove" if report.dry_run else "removed"
    what = _sum(report.removed) if report.removed else "nothing"
    lines = wrapped(f"{shown(report.path)}: {would} {what}", width, "", "  ")
    if report.young:
        stay = "stays" if len(report.young) == 1 else "stay"
        text = (
            f"{_sum(report.young)} that nothing leads to {stay}: younger than "
            f"{_age(report.older_than)}, and maybe not named yet by another program "
            "(--older-than 0 takes all)"
        )
        lines += wrapped(text, width, "  ", "  ")
    return lines


def _sum(blobs: tuple[Collected, ...]) -> str:
    return f"{plural(len(blobs), 'blob')}, {size_text(sum(each.size for each in blobs))}"


def _age(seconds: float) -> str:
    """A span of time in the largest unit that it is a multiple of."""
    units = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}
    name, length = next(
        (unit, size) for unit, size in units.items() if size == 1 or seconds % size == 0
    )
    return plural(round(seconds / length), name)
