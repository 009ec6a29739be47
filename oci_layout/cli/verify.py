"""``layout verify``: the integrity check."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import attrs

import oci_layout
from oci_layout.cli import options
from oci_layout.cli.cells import wrapped
from oci_layout.cli.options import AsJson, Option, Quiet, Sources
from oci_layout.cli.screen import show, show_bytes, show_json
from oci_layout.cli.text import error_line, short, shown, size_text
from oci_layout.counting import plural
from oci_layout.errors import DamagedError, NotAnImageError, ReadError, UsageError
from oci_layout.source.parts import without_parts
from oci_layout.verification.report import Verdict, tally
from oci_layout.verification.request import Depth, Verify

if TYPE_CHECKING:
    from oci_layout.finding import Finding
    from oci_layout.verification.report import ImageCheck, VerifyReport


EXAMPLES = (
    "layout verify saved.tar",
    "layout verify saved.tar --sums SUMS",
    "layout verify folder --key cosign.pub --require-signature",
)


def verify(
    sources: Sources,
    request: Verify,
    quick: Annotated[bool, Option("--quick", help="As --check quick: no layer is read.")] = False,
    strict: Annotated[bool, Option("--strict", help="Warnings count as errors.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Check every digest, size and diff_id, and that all parts of a source agree.

    Reports everything it finds, not only the first. Exit status: 0 sound, 1 something was found,
    3 not an image at all.
    """
    sources = without_parts(sources)
    _refuse(sources, request, quick=quick, as_json=as_json)
    printed = request.output == "-"
    if quick:
        request = attrs.evolve(request, check=Depth.QUICK)
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    status = 0
    reports: list[VerifyReport] = []
    unreadable: list[dict[str, str]] = []
    for source in sources:
        try:
            with Bar(quiet=quiet or as_json) as progress:
                report = oci_layout.verify(source, request, progress=progress)
        except (NotAnImageError, ReadError, DamagedError) as error:
            if len(sources) == 1 and not as_json:
                raise
            show([error_line(str(error))], error=True)
            unreadable.append({"source": source, "error": str(error)})
            status = 3
            continue
        reports.append(report)
        status = max(status, int(report.verdict(strict=strict) is not Verdict.SOUND))
        if printed:
            show(render(report, _width(), strict=strict, quiet=True), error=True)
            if not report.failed:
                show_bytes(report.stated().encode())
        elif not as_json:
            show(render(report, _width(), strict=strict, quiet=quiet))
    counts = tally((report.verdict(strict=strict) for report in reports), len(unreadable))
    if as_json:
        listed = [report.to_json(strict=strict) for report in reports]
        show_json({"version": 1, "reports": listed, "unreadable": unreadable, "sources": counts})
    elif len(sources) > 1 and not quiet and not printed:
        listed_counts = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        show(["", f"{plural(len(sources), 'source')}: {listed_counts}"])
    return status


def _refuse(sources: list[str], request: Verify, *, quick: bool, as_json: bool) -> None:
    """Refuse options that do not go together.

    Raises:
        UsageError: some do not.
    """
    if quick and request.check is not Depth.FULL:
        raise UsageError(what="--quick reads no blob, so there is nothing to --check")
    if sources.count("-") > 1:
        raise UsageError(what="standard input can be read once")
    if request.sums is not None and len(sources) > 1:
        raise UsageError(what="--sums takes one SOURCE")
    if request.output not in (None, "-") and len(sources) > 1:
        raise UsageError(what="--output takes one SOURCE")
    if request.output == "-" and as_json:
        raise UsageError(what="--output - and --json both print on standard output")


command = options.command(verify)


def _width() -> int:
    return max(40, shutil.get_terminal_size().columns)


def render(report: VerifyReport, width: int, *, strict: bool, quiet: bool) -> list[str]:
    """The report as lines for people.

    Args:
        report: what was found.
        width: columns of the terminal.
        strict: whether warnings count.
        quiet: whether to show errors only.
    """
    lines: list[str] = []
    if not quiet:
        lines += wrapped(f"{shown(report.source)}: {report.source_kind}", width, "", "    ")
        alike = Counter(map(_called, report.images))
        for image in report.images:
            lines += _image(image, width, alone=alike[_called(image)] == 1)
        lines += _chains(report, width)
    shown_of: Counter[str] = Counter()
    for finding in report.findings:
        if quiet and finding.severity != "error":
            continue
        shown_of[finding.code] += finding.severity == "note"
        if shown_of[finding.code] <= _NOTES:
            lines += _finding(finding, width)
    lines += [
        f"  note {code}: {count - _NOTES} more; --json lists them"
        for code, count in shown_of.items()
        if count > _NOTES
    ]
    if not quiet:
        lines += _verdict(report, strict=strict, width=width)
    return lines


def _chains(report: VerifyReport, width: int) -> list[str]:
    if report.chains is None:
        return []
    from oci_layout.cli.chainlines import chain_lines  # noqa: PLC0415  a fast start

    return [line for chain in report.chains for line in chain_lines(chain, width)]


def _called(image: ImageCheck) -> str:
    """What an image is called: by its names, or its ID, with its platform."""
    name = ", ".join(shown(each) for each in image.names) or short(image.image_id)
    return f"{name}  {shown(str(image.platform))}"


def _image(image: ImageCheck, width: int, *, alone: bool) -> list[str]:
    """What is said of an image.

    Args:
        image: what was found of it.
        width: columns of the terminal.
        alone: whether no other is called so: one image may be packed in several ways.
    """
    name = _called(image)
    if not alone and image.manifest is not None:
        name += f", manifest {short(image.manifest)}"
    state = "ok" if image.sound else "INCOMPLETE" if image.incomplete else "DAMAGED"
    return wrapped(
        f"{state}  {name}  "
        f"{plural(image.blobs, 'blob')}, {size_text(image.bytes)}, {image.seconds:.1f} s",
        width,
        "  ",
        "      ",
    )


def _finding(finding: Finding, width: int) -> list[str]:
    place = str(finding.where)
    text = f"{finding.severity} {finding.code}: {place + ': ' if place else ''}{finding.message}"
    lines = wrapped(shown(text), width, "  ", "      ")
    if finding.hint:
        lines += wrapped(shown(finding.hint), width, "      -> ", "         ")
    return lines


_NOTES = 2  # of one kind that are shown in full

_DEPTH = {
    "full": "digests, sizes and diff_ids",
    "digests": "digests and sizes; diff_ids were not recomputed",
    "quick": "documents, names and sizes only; no layer was read",
}


def _shout(verdict: Verdict) -> str:
    """A verdict, written so that what cannot be used is not overlooked."""
    loud = verdict in (Verdict.DAMAGED, Verdict.INCOMPLETE)
    return str(verdict).upper() if loud else str(verdict)


def _verdict(report: VerifyReport, *, strict: bool, width: int) -> list[str]:
    counts = {
        severity: sum(finding.severity == severity for finding in report.findings)
        for severity in ("error", "warning", "note")
    }
    listed = ", ".join(plural(count, severity) for severity, count in counts.items() if count)
    verdict = report.verdict(strict=strict)
    text = (
        f"{_shout(verdict)}: {listed or 'nothing found'}; {plural(report.blobs, 'blob')}, "
        f"{size_text(report.bytes)} in {report.seconds:.1f} s"
    )
    checked = f"checked: {_DEPTH[report.check]}"
    return wrapped(text, width, "", "  ") + wrapped(checked, width, "  ", "    ")
