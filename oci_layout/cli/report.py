"""``layout report``: all of it on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from oci_layout.cli import options
from oci_layout.cli.options import Argument, AsJson, Option, Quiet, Source
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import shown, size_text
from oci_layout.counting import plural
from oci_layout.errors import UsageError
from oci_layout.page.request import Page

if TYPE_CHECKING:
    from oci_layout.page.values import PageReport

EXAMPLES = (
    "layout report saved.tar -o report.html",
    "layout report saved.tar other.tar -o diff.html",
    "layout report shelf.jsonl -o shelf.html",
)


def report(
    source: Source,
    request: Page,
    other: Annotated[
        str | None,
        Argument(metavar="[OTHER]", help="What to compare it with: the page has the difference."),
    ] = None,
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="FILE", help="The page."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write one page of HTML: what is inside, sizes of files, findings, engines that load it.

    The page needs no network and opens from any disk. Of two sources it has the difference, of a
    report of layout batch what became of each source.

    Exit status: 0 written, whatever it says; 3 no image, or damaged; 4 no such image; 5 the page.
    """
    if output is None:
        raise UsageError(what="-o FILE is needed", hint="such as -o report.html")
    from oci_layout.api import page  # noqa: PLC0415  a fast start
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=quiet) as progress:
        done = page.report_page(source, output, request, against=other, progress=progress)
    if as_json:
        show_json(done)
    elif not quiet:
        show([_line(done)])


command = options.command(report)


def _line(done: PageReport) -> str:
    if done.shelved is not None:
        told = f"wrote {shown(done.output)}: {plural(done.shelved, 'source')}"
        return f"{told}, {size_text(done.size)}" + (f"; {done.failed} failed" * bool(done.failed))
    told = f"wrote {shown(done.output)}: {plural(done.images, 'image')}, {size_text(done.size)}"
    if done.verdict is not None:
        return f"{told}; {done.verdict}"
    return told if done.sound is not False else f"{told}; verify found errors"
