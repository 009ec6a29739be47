"""``layout check``: will this target load it, and under which name."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING

import oci_layout
from oci_layout.cli import options
from oci_layout.cli.cells import cells, clipped, columns, wrapped
from oci_layout.cli.options import AsJson, Quiet, Source
from oci_layout.cli.screen import show, show_json
from oci_layout.cli.text import abridged, finding_line, shown
from oci_layout.counting import plural
from oci_layout.errors import UsageError
from oci_layout.targets.request import Check
from oci_layout.targets.target import dotted

if TYPE_CHECKING:
    from oci_layout.targets.answer import Answer, Loaded, Remark
    from oci_layout.targets.asking import CheckReport


EXAMPLES = (
    "layout check saved.tar",
    "layout check saved.tar --for docker@20.10,containerd@1.6",
)


def check(
    source: Source,
    request: Check,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Say which engines load it, under which names and IDs, what is lost, and what repairs it.

    Exit status: 0 every target that was asked for loads it, 1 one does not, 2 an unknown target.
    """
    if request.jobs is not None and not request.full:
        raise UsageError(what="--jobs goes with --full", hint="without it no layer is read")
    from oci_layout.cli.progress import Bar  # noqa: PLC0415  likewise

    with Bar(quiet=quiet or as_json) as progress:
        report = oci_layout.check(source, request, progress=progress)
    if as_json:
        show_json({"version": 1, **report.to_json()})
    else:
        width = max(40, shutil.get_terminal_size().columns)
        show(render(report, width, table=not request.targets))
    return 0 if report.loads else 1


command = options.command(check)


def render(report: CheckReport, width: int, *, table: bool) -> list[str]:
    """The report as lines for people.

    Args:
        report: what the targets make of the source.
        width: columns of the terminal.
        table: one line for each target, not all that is known of it.
    """
    read = "every layer was read" if report.full else "no layer was read (--full reads them)"
    lines = wrapped(f"{shown(report.source)}: {report.source_kind}", width, "", "    ")
    lines += wrapped(f"for a host of {report.platform}; {read}", width, "  ", "  ")
    errors = [each for each in report.findings if each.severity == "error"]
    for finding in errors[:_FINDINGS]:
        lines += wrapped(finding_line(finding), width, "  ", "      ")
    if len(errors) > _FINDINGS:
        lines.append(f"  and {len(errors) - _FINDINGS} more; layout verify lists them")
    if table:
        lines += ["", *_table(report, width), *_lines_that_repair(report, width)]
    else:
        for answer in report.answers:
            lines += ["", *_answer(answer, width)]
    if not report.full and any(answer.repair for answer in report.answers):
        text = "No layer was read. If one is damaged, repack stops; --full finds it first."
        lines += ["", *wrapped(text, width, "  ", "  ")]
    return lines


_FINDINGS = 3  # errors of the source that are shown
_REMARKS = 4  # of one rule that are shown
_IMAGES = 10  # of a target that are shown
_NAMES = 4  # names of an image that are shown


def _table(report: CheckReport, width: int) -> list[str]:
    rows = [("target", "loads", "image ID", "names, or why not")]
    for answer in report.answers:
        if not answer.loads:
            why = ", ".join(dict.fromkeys(each.rule.code for each in answer.reasons))
            rows.append((str(answer.target), "no", "", why))
            continue
        for number, loaded in enumerate(answer.images[:_IMAGES]):
            first = number == 0
            loads = "yes*" if answer.losses else "yes"
            rows.append(
                (
                    str(answer.target) if first else "",
                    loads if first else "",
                    _short(loaded),
                    _names(loaded, 1),
                )
            )
        if len(answer.images) > _IMAGES:
            rows.append(("", "", "", f"and {plural(len(answer.images) - _IMAGES, 'more image')}"))
    lines = [clipped(line, width) for line in columns(rows, "  ")]
    if any(answer.losses for answer in report.answers):
        lines += ["", "  * something is lost or renamed on the way: --for TARGET tells"]
    for answer in report.answers:
        if any(each.rule.code == "image-store" for each in answer.notes):
            classic = str(answer.target)
            text = (
                f"{classic} is its classic image store; a new installation is {classic}+containerd"
            )
            lines += ["", *wrapped(text, width, "  ", "  ")]
    return lines


def _lines_that_repair(report: CheckReport, width: int) -> list[str]:
    """Each line once, and each reason why there is none, with the targets it is for."""
    lines: list[str] = []
    by_reason: dict[str, list[str]] = {}
    by_line: dict[tuple[str, ...], list[str]] = {}
    for answer in report.answers:
        if answer.loads:
            continue
        if answer.repair:
            by_line.setdefault(answer.repair, []).append(str(answer.target))
        else:
            by_reason.setdefault(abridged(answer.unrepaired), []).append(str(answer.target))
    for reason, targets in by_reason.items():
        whose = "every target" if len(targets) == len(report.answers) > 1 else ", ".join(targets)
        lines += wrapped(f"{whose}: {reason}", width, "  ", "      ")
    for words, targets in by_line.items():
        lines += wrapped(f"for {', '.join(targets)}:", width, "  ", "      ")
        lines.append(_command(words))
    return ["", *lines] if lines else []


def _answer(answer: Answer, width: int) -> list[str]:
    lines = [f"{answer.target}  {'loads' if answer.loads else 'DOES NOT LOAD'}"]
    if answer.target.taken_for is not None:
        newest = dotted(answer.target.taken_for)
        lines[0] += f", if it is as {newest}: this version is not known"
    if answer.loads:
        asks = shown(answer.asks)
        if cells(lines[0]) + 2 + cells(asks) <= width:
            lines[0] += f"  {asks}"
        else:  # never broken over lines
            lines.append(f"    {asks}")
    for loaded in answer.images[:_IMAGES]:
        platform = f"  {loaded.platform}" if loaded.platform is not None else ""
        lines += wrapped(f"{_names(loaded)}{shown(platform)}", width, "  ", "      ")
        lines.append(f"    image ID {_short(loaded)}  {_ID_OF[loaded.id_of]}")
    if len(answer.images) > _IMAGES:
        lines.append(
            f"  and {plural(len(answer.images) - _IMAGES, 'more image')}; --json lists them"
        )
    for word, remarks in (
        ("because", answer.reasons),
        ("loses", answer.losses),
        ("note", answer.notes),
    ):
        by_rule: dict[str, list[Remark]] = {}
        for each in remarks:
            by_rule.setdefault(each.rule.code, []).append(each)
        for same in by_rule.values():
            lines += _remarks(word, same, width)
    lines += wrapped(f"of this version: {answer.basis}", width, "  ", "    ")
    if answer.repair:
        lines.append("  repaired by" if not answer.loads else "  less is lost by")
        lines.append(_command(answer.repair))
    elif answer.unrepaired:
        lines += wrapped(abridged(answer.unrepaired), width, "  ", "    ")
    return lines


_ID_OF = {
    "config": "digest of the config",
    "manifest": "digest of the manifest",
    "index": "digest of the index",
    "v1": "the V1 id",
    "new": "of a config that is made on loading",
}


def _remarks(word: str, same: list[Remark], width: int) -> list[str]:
    """What a rule says of this source, the rule, and how one knows."""
    lines = []
    for each in same[:_REMARKS]:
        lines += wrapped(f"{word} {abridged(each.message)}", width, "  ", "    ")
    if len(same) > _REMARKS:
        lines.append(f"    and {len(same) - _REMARKS} more; --json lists them")
    rule = same[0].rule
    lines += wrapped(f"rule {rule.code}: {rule.says}", width, "    ", "      ")
    return lines + wrapped(f"({rule.source})", width, "    ", "      ")


def _short(loaded: Loaded) -> str:
    if loaded.image_id is None:
        return "not known yet"
    return str(loaded.image_id).rpartition(":")[2][:12]


def _names(loaded: Loaded, limit: int = _NAMES) -> str:
    if not loaded.names:
        return "(no name)"
    names = ", ".join(abridged(name) for name in loaded.names[:limit])
    more = len(loaded.names) - limit
    return f"{names} and {more} more" if more > 0 else names


def _command(words: tuple[str, ...]) -> str:
    """A command to copy: never broken over lines."""
    return f"    {shown(shlex.join(words))}"
