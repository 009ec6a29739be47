"""``layout verify``: the integrity check."""

from __future__ import annotations

import enum
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import error_line, short, shown, size_of, size_text, wrapped
from oci_layout.errors import DamagedError, NotAnImageError, ReadError, UsageError

if TYPE_CHECKING:
    from oci_layout.finding import Finding
    from oci_layout.verification.report import ImageCheck, VerifyReport


class Check(enum.StrEnum):
    """How deep to look."""

    FULL = "full"
    DIGESTS = "digests"


def command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Archives, layouts, dir: directories; - for standard input.",
            show_default=False,
        ),
    ],
    check: Annotated[
        Check, typer.Option(help="full; or digests: stored bytes only, diff_ids are believed.")
    ] = Check.FULL,
    quick: Annotated[
        bool, typer.Option("--quick", help="Documents, names and sizes only; no layer is read.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="DIGEST", help="Image ID or manifest digest that must be inside."),
    ] = None,
    sums: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write sums of all files, for sha256sum -c.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="FILE", help="Check all files against such sums.")
    ] = None,
    trusted_key: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Key that must have signed schema 1 manifests."),
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="What layers may grow to past 200 times; default 8G."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Cores to use; all by default.")
    ] = None,
    tmp: Annotated[
        str | None, typer.Option(metavar="DIR", help="Directory for temporary files.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON document.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only, no progress.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> int:
    """Check every digest, size and diff_id, and that all parts of a source agree.

    Reports everything it finds, not only the first. Exit status: 0 sound, 1 something was found,
    3 not an image at all.
    """
    del debug  # read by the main module, before anything can fail
    if quick and check is not Check.FULL:
        raise UsageError(what="--quick reads no blob, so there is nothing to --check")
    if sources.count("-") > 1:
        raise UsageError(what="standard input can be read once")
    if sums is not None and len(sources) > 1:
        raise UsageError(what="--sums takes one SOURCE")
    bound = size_of(limit)
    from oci_layout import api  # noqa: PLC0415  keeps the start of the command fast
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    status = 0
    reports = []
    for source in sources:
        try:
            with Bar(quiet=quiet or as_json) as progress:
                report = api.verify(
                    source,
                    check="quick" if quick else check.value,
                    expect=tuple(expect or ()),
                    sums=sums,
                    against=against,
                    trusted_keys=tuple(trusted_key or ()),
                    limit=bound,
                    jobs=jobs,
                    tmp=tmp,
                    progress=progress,
                )
        except (NotAnImageError, ReadError, DamagedError) as error:
            if len(sources) == 1 and not as_json:
                raise
            show([error_line(str(error))], error=True)
            status = 3
            continue
        reports.append(report)
        status = max(status, int(report.failed(strict=strict)))
        if not as_json:
            show(render(report, _width(), strict=strict, quiet=quiet))
    if as_json:
        value = {"version": 1, "reports": [report.to_json(strict=strict) for report in reports]}
        show_json(value)
    return status


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
    lines = [] if quiet else [f"{shown(report.source)}: {report.source_kind}"]
    if not quiet:
        for image in report.images:
            lines += _image(image, width)
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
        lines += _verdict(report, strict=strict).split("\n")
    return lines


def _image(image: ImageCheck, width: int) -> list[str]:
    name = ", ".join(shown(each) for each in image.names) or short(image.image_id)
    state = "ok" if image.sound else "DAMAGED"
    return wrapped(
        f"{state}  {name}  {shown(str(image.platform))}  {image.blobs} blobs, "
        f"{size_text(image.bytes)}, {image.seconds:.1f} s",
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


def _verdict(report: VerifyReport, *, strict: bool) -> str:
    counts = {
        severity: sum(finding.severity == severity for finding in report.findings)
        for severity in ("error", "warning", "note")
    }
    listed = ", ".join(
        f"{count} {severity}{'s' if count > 1 else ''}"
        for severity, count in counts.items()
        if count
    )
    verdict = "DAMAGED" if report.failed(strict=strict) else "sound"
    return (
        f"{verdict}: {listed or 'nothing found'}; {report.blobs} blobs, "
        f"{size_text(report.bytes)} in {report.seconds:.1f} s\n  checked: {_DEPTH[report.check]}"
    )
