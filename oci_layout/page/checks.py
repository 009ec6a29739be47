"""Findings of verify and predictions of check on a page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from oci_layout.counting import plural
from oci_layout.finding import Finding, Severity
from oci_layout.page.markup import Markup, code, first, join, table, tag
from oci_layout.targets.answer import Answer, Remark
from oci_layout.targets.asking import CheckReport
from oci_layout.verification.report import VerifyReport
from oci_layout.wording import short

_FINDINGS = 300
_REMARKS = 12
_ANSWERS = 100
_NAMES = 6
_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_MARKS = {Severity.ERROR: "bad", Severity.WARNING: "odd", Severity.NOTE: "dim"}
_DEPTHS = {
    "full": "every digest, size and diff_id was checked",
    "digests": "stored bytes were checked, diff_ids were not",
    "quick": "documents, names and sizes were checked; no layer was read",
}


def verified_part(report: VerifyReport | str) -> Markup:
    """What verify found."""
    if isinstance(report, str):
        return tag("section", tag("h2", "Is it whole?"), tag("p", report), id="whole")
    verdict = str(report.verdict())
    kind = "good" if not report.failed else "bad"
    told = tag("p", tag("span", verdict, class_=f"mark {kind}"), " ", _DEPTHS[report.check], ".")
    return tag(
        "section",
        tag("h2", "Is it whole?"),
        told,
        findings_table(report.findings, report.left_out),
        id="whole",
    )


def findings_table(findings: Sequence[Finding], left_out: int) -> Markup:
    """Findings, errors first."""
    if not findings:
        return tag("p", "Nothing was found.")
    ordered = sorted(findings, key=lambda each: _RANK[each.severity])
    shown, more = first(ordered, _FINDINGS, "finding")
    rows = [
        [
            tag("span", str(each.severity), class_=_MARKS[each.severity]),
            code(each.code),
            join([tag("span", each.message), *_hint(each)]),
            tag("span", str(each.where), class_="place"),
        ]
        for each in shown
    ]
    head = [("", ""), ("code", ""), ("what", "what"), ("where", "what")]
    rest = f"of codes that were found too often: {left_out:,} more" if left_out else ""
    inside = table(head, rows, caption="findings", find="findings")
    return join([inside, more, tag("p", rest, class_="dim") if rest else ""])


def _hint(finding: Finding) -> list[Markup]:
    return [tag("span", finding.hint, class_="dim when")] if finding.hint else []


def checked_part(report: CheckReport | str) -> Markup:
    """What check predicts."""
    title = tag("h2", "Will it load?")
    if isinstance(report, str):
        return tag("section", title, tag("p", report), id="loads")
    layers = "" if report.full else " No layer was read for it."
    told = f"Predicted for a host of {report.platform}.{layers}"
    shown, more = first(report.answers, _ANSWERS, "engine")
    head = [("engine", "engine"), ("loads", ""), ("as", "what"), ("why, or what is lost", "what")]
    rows = [_answer(each) for each in shown]
    inside = table(head, rows, caption="engines", find="engines")
    return tag("section", title, tag("p", told), inside, more, id="loads")


def _answer(answer: Answer) -> list[object]:
    word, kind = ("loads", "good") if answer.loads else ("does not load", "bad")
    if answer.loads and answer.losses:
        word, kind = "with losses", "odd"
    return [
        tag("b", str(answer.target)),
        tag("span", word, class_=kind),
        join(_images(answer)),
        join([*_remarks("", answer.reasons), *_remarks("lost: ", answer.losses), *_repair(answer)]),
    ]


def _images(answer: Answer) -> list[Markup]:
    shown, more = first(answer.images, _NAMES, "image")
    lines = []
    for each in shown:
        names = ", ".join(each.names[:_NAMES]) or "no name"
        if len(each.names) > _NAMES:
            names += f" and {plural(len(each.names) - _NAMES, 'more name')}"
        digest = code(short(each.image_id)) if each.image_id is not None else ""
        lines.append(tag("div", names, " ", digest))
    return [*lines, more]


def _remarks(word: str, remarks: Sequence[Remark]) -> list[Markup]:
    shown, more = first(remarks, _REMARKS, "remark")
    lines = [tag("div", word, each.message, title=each.rule.says) for each in shown]
    return [*lines, more]


def _repair(answer: Answer) -> list[Markup]:
    if answer.repair:
        return [tag("div", "repaired by ", code(shlex.join(answer.repair)))]
    return [tag("div", answer.unrepaired, class_="dim")] if answer.unrepaired else []
