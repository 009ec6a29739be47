"""Verify, repack or inspect every source on a shelf: folders full of archives, walked.

What is done is kept; the next run does what is new, has changed or has failed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from oci_layout.batchlines.kinds import PASSED, Verb, said
from oci_layout.cli import options
from oci_layout.cli.asked import Group
from oci_layout.cli.cells import wrapped
from oci_layout.cli.options import LinesFile, Output, Quiet, Shelves
from oci_layout.cli.repack import done_line, heard
from oci_layout.cli.screen import one_screen, show
from oci_layout.cli.text import error_line, finding_line, shown, size_text
from oci_layout.cli.volumelines import volume_lines
from oci_layout.counting import plural
from oci_layout.errors import UsageError
from oci_layout.inspection.request import Inspect
from oci_layout.plan.request import Format, Repack
from oci_layout.shelf.report import SHOWN
from oci_layout.shelf.request import WITHOUT, Batch, Reading, Repacking, Verifying
from oci_layout.verification.request import Verify

if TYPE_CHECKING:
    from oci_layout.shelf.report import BatchReport


EXAMPLES = (
    "layout batch verify /srv/images --report images.jsonl",
    "layout batch repack /srv/images --to oci -o /srv/oci",
    "find . -name '*.tar' | layout batch inspect - --report images.jsonl",
)


def verify(
    shelves: Shelves,
    how: Verifying,
    request: Verify,
    report: LinesFile = None,
    quiet: Quiet = False,
) -> int:
    """Verify every source on a shelf. One that fails stops no other.

    Exit status: 0 all are sound, 1 one is not, or could not be read.
    """
    return _run(Verb.VERIFY, shelves, None, request, how, report, quiet=quiet)


def repack(
    shelves: Shelves,
    output: Output,
    how: Repacking,
    request: Repack,
    report: LinesFile = None,
    quiet: Quiet = False,
) -> int:
    """Convert every source on a shelf, each to its own result below DEST, under its own name.

    Exit status: 0 all are written, 1 one is not.
    """
    if output is None:
        raise UsageError(what="-o DEST is needed", hint="a folder for the results")
    return _run(Verb.REPACK, shelves, output, request, how, report, quiet=quiet)


def inspect(
    shelves: Shelves,
    how: Reading,
    request: Inspect,
    report: LinesFile = None,
    quiet: Quiet = False,
) -> int:
    """Inspect every source on a shelf; --report takes what is inside of each.

    Exit status: 0 all could be shown, 1 one could not.
    """
    return _run(Verb.INSPECT, shelves, None, request, how, report, quiet=quiet)


_OF_ONE = {"request": WITHOUT}
command = Group(
    text=__doc__,
    verbs={
        "verify": "Check every digest, size and diff_id.",
        "repack": "Convert images between the formats of Docker and OCI.",
        "inspect": "Write what is inside.",
    },
    commands={
        "verify": options.command(verify, _OF_ONE),
        "repack": options.command(repack, _OF_ONE),
        "inspect": options.command(inspect, _OF_ONE),
    },
)


def _run(
    verb: Verb,
    shelves: list[str],
    output: str | None,
    request: Any,
    how: Batch,
    report: str | None,
    *,
    quiet: bool,
) -> int:
    if report == "-":
        raise UsageError(what="--report - names no file", hint="--report /dev/stdout")
    from oci_layout.cli.batchtable import Table  # noqa: PLC0415  a fast start
    from oci_layout.shelf.run import batch  # noqa: PLC0415  likewise

    with heard(), Table(verb, quiet=quiet) as told:
        result = batch(verb, shelves, output, request, how, report=report, told=told)
    for warning in () if result.merged is None else result.merged.warnings:
        show([finding_line(warning)], error=True)
    if not quiet:
        show(warning_lines(result, kept=report is not None), error=True)
        show(render(result, max(40, shutil.get_terminal_size().columns), failures=not one_screen()))
    one = isinstance(how, Repacking) and how.merge and request.to is not Format.REGISTRY
    show(map(error_line, _unmerged(result, str(output) if one else "")), error=True)
    return result.exit_status


def _unmerged(result: BatchReport, one: str) -> Iterator[str]:
    """What to say of names that keep sources apart, or are of none.

    Args:
        result: what became of the shelf.
        one: the result of all sources; empty where each has its own.
    """
    for conflict in result.conflicts:
        yield f"{conflict.source}: {conflict}"
    left = result.conflicting - len(result.conflicts)
    if left > 0:
        yield f"and {plural(left, 'more name')} of two different images"
    if result.conflicts:
        yield f"{one} is not written ({result.conflicts[0].hint})"
    if result.idle:
        yield _idle(result) + (f"; {one} is not written" if one else "")


def _idle(result: BatchReport) -> str:
    """What to say of rules that were for no image of the whole shelf."""
    rules = ", ".join(result.idle[:SHOWN])
    more = len(result.idle) - SHOWN
    text = f"no source{' that could be done' if result.failed else ''} has an image for --name "
    text += f"{rules}{f' and {more} more' if more > 0 else ''}"
    return text


def warning_lines(result: BatchReport, *, kept: bool) -> list[str]:
    """What sources warn of: a line for each code, since thousands may say the same.

    Args:
        result: what became of the shelf.
        kept: whether a file of the user's has all of them.
    """
    lines = []
    for each in result.warned[:SHOWN]:
        others = each.sources - 1
        more = f"; as in {plural(others, 'other source')} ({each.code})" if others else ""
        lines.append(f"{each.severity}: {shown(each.first)}{more}")
    left = len(result.warned) - SHOWN
    if left > 0:
        lines.append(f"and of {plural(left, 'more kind')}")
    if lines and not kept and any(each.sources > 1 for each in result.warned):
        lines.append("--report FILE takes the warnings of each source")
    return lines


def render(result: BatchReport, width: int, *, failures: bool = True) -> list[str]:
    """The end of a batch as lines for people.

    Args:
        result: what became of the shelf.
        width: columns of the terminal.
        failures: whether they are told again: as they came they were on standard error.
    """
    lines: list[str] = []
    if result.failures and failures:
        lines += ["", "failed:"]
        for _, error in result.failures:
            lines += wrapped(shown(error), width, "  ", "    ")
        more = result.failed - len(result.failures)
        if more > 0:
            lines.append(f"  and {more} more; --report FILE has them all")
    if result.merged is not None:
        lines += ["", done_line(result.merged)]
        if result.merged.volumes:
            lines += volume_lines(result.merged.volumes, width)
    became = [
        f"{count} {said(status, result.verb)}" for status, count in result.counts.items() if count
    ]
    counts = ", ".join(became)
    text = f"{plural(result.sources, 'source')}: {counts or 'nothing to do'}"
    text += f"; {size_text(result.bytes)} in {result.seconds:.1f} s"
    lines += ["", *wrapped(text, width, "", "  ")]
    passed = [
        plural(result.passed[name], word) for name, word in PASSED.items() if name in result.passed
    ]
    if passed:
        lines += wrapped(f"passed over: {', '.join(passed)}", width, "", "  ")
    return lines
