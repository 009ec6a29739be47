"""Two sources on a page: what differs between their images, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oci_layout.comparison.fields import FieldDifference
from oci_layout.comparison.layers import LayerChange
from oci_layout.comparison.report import Comparison, ImagePair, SourceNotes
from oci_layout.comparison.sides import LayerSide, Side
from oci_layout.counting import plural
from oci_layout.filediff.pairing import FileChange
from oci_layout.filediff.report import FilesReport, TextDiff
from oci_layout.model.gotypes import ABSENT
from oci_layout.page.checks import findings_table
from oci_layout.page.markup import (
    Markup,
    bar,
    code,
    document,
    first,
    join,
    number,
    pairs,
    size,
    table,
    tag,
)
from oci_layout.page.whole import whole
from oci_layout.wording import short, size_text

_PAIRS = 50
_ROWS = 300
_LAYERS = 600
_LISTS = 40  # layers whose files are shown
_TEXTS = 20  # files of each whose lines are shown


def comparison_page(report: Comparison) -> str:
    """The whole page.

    Args:
        report: what came of holding two sources against each other.
    """
    shown, more = first(report.pairs, _PAIRS, "pair")
    kind = "good" if report.verdict.same else "bad"
    return whole(
        f"{report.a.label} and {report.b.label}",
        tag(
            "header",
            tag("h1", "Are they the same?"),
            tag("p", tag("span", str(report.verdict), class_=f"mark {kind}")),
            pairs((name, _source(each)) for name, each in (("A", report.a), ("B", report.b))),
        ),
        tag("main", *map(_pair, shown), more, _alone(report.a, "A"), _alone(report.b, "B")),
    )


def _source(notes: SourceNotes) -> Markup:
    return join([code(notes.label), tag("span", f" {notes.kind}", class_="dim")])


def _pair(pair: ImagePair) -> Markup:
    names = ", ".join(map(str, pair.a.candidate.root.names[:8])) or "(no name)"
    kind = "good" if pair.verdict.same else "bad"
    return tag(
        "section",
        tag("h2", names, " ", tag("span", str(pair.a.candidate.platform), class_="mark")),
        tag("p", tag("span", str(pair.verdict), class_=f"mark {kind}")),
        _digests(pair.a, pair.b),
        _reasons(pair),
        _layers(pair.layers),
        _fields("Config", pair.config),
        _fields("Manifest", pair.manifest),
        _all_files(pair.layer_files),
        _meaning(pair),
    )


def _digests(a: Side, b: Side) -> Markup:
    def row(name: str, one: object, other: object) -> list[object]:
        same = "" if None in (one, other) else "same" if one == other else "differs"
        told = [code(each) if each is not None else "none" for each in (one, other)]
        return [name, *told, tag("span", same, class_="good" if same == "same" else "odd")]

    def stored(side: Side) -> str:
        held = sum(each.layer.size for each in side.layers)
        return f"{plural(len(side.layers), 'layer')}, {size_text(held)}"

    rows: list[list[object]] = [
        row("manifest", a.manifest_digest, b.manifest_digest),
        row("image ID", a.config_digest, b.config_digest),
        ["stored", stored(a), stored(b), ""],
    ]
    head = [("", ""), ("A", "what"), ("B", "what"), ("", "")]
    return table(head, rows, caption="digests", sort=False)


def _reasons(pair: ImagePair) -> Markup:
    lines = [
        tag("li", each.text, tag("ul", *(tag("li", clause) for clause in each.because[:_ROWS])))
        if each.because
        else tag("li", each.text)
        for each in pair.reasons
    ]
    return join([tag("h3", "Why"), tag("ul", *lines)]) if lines else Markup("")


def _layers(changes: tuple[LayerChange, ...]) -> Markup:
    sizes = [side.layer.size for each in changes for side in (each.a, each.b) if side is not None]
    most = max(sizes, default=0)
    shown, more = first(changes, _LAYERS, "layer")
    head = [
        ("change", ""),
        ("A", "num"),
        ("B", "num"),
        ("stored", "num"),
        ("", "bars"),
        ("made by", "made"),
    ]
    rows = []
    for each in shown:
        side = each.b or each.a
        kind = "dim" if str(each.change) == "same" else "odd"
        rows.append(
            [
                tag("span", str(each.change), class_=kind),
                _number(each.a),
                _number(each.b),
                number(side.layer.size, size(side.layer.size)) if side else "",
                bar(side.layer.size, most) if side else "",
                tag("td", *_made(side), class_="made") if side else "",
            ]
        )
    inside = table(head, rows, caption="layers", find="layers")
    return join([tag("h3", "Layers"), inside, more])


def _number(side: LayerSide | None) -> Markup:
    return number(-1, "-") if side is None else number(side.number)


def _made(side: LayerSide) -> list[Markup]:
    made = (
        code(side.created_by, 1_000) if side.created_by else tag("span", "not told", class_="dim")
    )
    digest = code(short(side.diff_id or side.digest))
    return [made, tag("span", digest, class_="dim when")]


def _fields(title: str, fields: tuple[FieldDifference, ...]) -> Markup:
    if not fields:
        return Markup("")
    shown, more = first(fields, _ROWS, "field")
    rows = [
        [join([code(each.name), *_instruction(each)]), _value(each.a), _value(each.b)]
        for each in shown
    ]
    head = [("field", "key"), ("A", "what"), ("B", "what")]
    inside = table(head, rows, caption=f"{title.lower()}, field by field", find="fields")
    return join([tag("h3", f"{title}, field by field"), inside, more])


def _instruction(each: FieldDifference) -> list[Markup]:
    return [tag("span", each.instruction, class_="dim when")] if each.instruction else []


def _value(value: Any) -> Markup:
    if value is ABSENT:
        return tag("span", "not there", class_="dim")
    return code(value) if isinstance(value, str) else document(value)


def _all_files(reports: Sequence[FilesReport]) -> Markup:
    """The files of each layer that differs."""
    if not reports:
        return Markup("")
    shown, more = first(reports, _LISTS, "layer")
    return join([tag("h3", "Files"), *map(_files, shown), more])


def _files(files: FilesReport) -> Markup:
    which = " and ".join(
        f"layer {number} of {letter}"
        for letter, number in (("A", files.a), ("B", files.b))
        if number is not None
    )
    told = (
        f"Of {which}: {files.added:,} added, {files.removed:,} removed, "
        f"{files.changed:,} changed, {files.same:,} the same"
        f"{', in another order' if files.reordered else ''}."
    )
    shown, _ = first(files.differences, _ROWS, "file")
    left = files.count - len(shown)
    more = tag("p", f"and {plural(left, 'more file')}", class_="dim") if left > 0 else ""
    head = [
        ("change", ""),
        ("file", "path"),
        ("size", "num"),
        ("bytes more", "num"),
        ("what differs", "what"),
    ]
    inside = table(head, map(_file, shown), caption=f"files of {which} that differ", find="files")
    texts, others = first(files.texts, _TEXTS, "text")
    return join([tag("p", told), inside if shown else "", more, *map(_text, texts), others])


def _file(each: FileChange) -> list[object]:
    a, b = (side.file if side is not None else None for side in (each.a, each.b))
    now = b or a
    grown = (b.size if b else 0) - (a.size if a else 0)
    return [
        each.change,
        code(f"/{each.path}"),
        number(now.size, size(now.size)) if now else "",
        number(grown, f"{grown:+,}" if grown else "0"),
        ", ".join(each.attributes),
    ]


def _text(text: TextDiff) -> Markup:
    """The lines that differ of a small text file."""
    every = [*text.lines, *([f"and {plural(text.left_out, 'more line')}"] if text.left_out else [])]
    lines = tag("pre", *(join([each, Markup("\n")]) for each in every))
    label = f"lines of {text.path} that differ"
    inside = tag("div", lines, class_="wide", tabindex="0", role="region", aria_label=label)
    return tag("details", tag("summary", code(f"/{text.path}")), inside)


def _meaning(pair: ImagePair) -> Markup:
    means = pair.consequences

    def told(same: bool | None, thing: str) -> str:
        if same is None:
            return "not known: one side has no manifest yet"
        return f"one {thing}" if same else f"two {thing}s"

    lines: list[tuple[str, object]] = [
        ("Docker, classic store", told(means.docker, "image ID")),
        ("containerd store", told(means.containerd, "image ID")),
        ("registry", told(means.registry, "digest")),
        (
            "to upload",
            join(
                [
                    plural(means.uploads, "layer"),
                    f", {size_text(means.upload_bytes)}; {means.shared:,} of B are there with A",
                ]
            ),
        ),
    ]
    return join([tag("h3", "What it means"), pairs(lines)])


def _alone(notes: SourceNotes, name: str) -> Markup:
    parts: list[Markup] = []
    if notes.alone:
        shown, more = first(notes.alone, _ROWS, "image")
        lines = [
            tag("li", ", ".join(map(str, each.root.names[:8])) or "(no name)", f" {each.platform}")
            for each in shown
        ]
        parts += [tag("p", f"Only in {name}:"), tag("ul", *lines), more]
    if notes.findings:
        parts.append(findings_table(notes.findings, 0))
    return tag("section", tag("h2", f"Of {name} alone"), *parts) if parts else Markup("")
