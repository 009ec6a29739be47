"""What ``layout diff`` shows."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from oci_layout.cli.text import columns, short, shown, size_text, wrapped
from oci_layout.comparison.fields import FieldDifference
from oci_layout.comparison.files import FileDifference, FilesReport
from oci_layout.comparison.layers import Change, LayerChange
from oci_layout.comparison.meaning import ABSENT
from oci_layout.comparison.pairing import Candidate
from oci_layout.comparison.reasons import Reason, entry_name, listed, packing
from oci_layout.comparison.report import Comparison, ImagePair, SourceNotes
from oci_layout.comparison.sides import LayerSide, Side
from oci_layout.comparison.verdict import Verdict
from oci_layout.streams.layerfiles import LayerFile

_SAYS = {
    Verdict.IDENTICAL: "the same manifest, byte for byte",
    Verdict.SAME_CONTENT: "the configs mean the same, though their bytes differ",
    Verdict.SAME_FILES: "the layers are the same, the configs mean something else",
    Verdict.DIFFERENT: "the layers are not the same",
}
_FIELDS = 40  # fields of a document, and
_FILES = 60  # files of a layer, that are shown; --json has more
_VALUE = 160  # letters of a value


def render(found: Comparison, width: int, *, files: bool) -> list[str]:
    """The comparison as lines for people: verdict, reasons, fields, layers, what it means.

    Args:
        found: what was found.
        width: columns of the terminal.
        files: whether files were asked for.
    """
    lone = len(found.pairs) == 1 and not found.a.alone and not found.b.alone
    says = _says(found.pairs[0]) if lone else _counted(found)
    lines = wrapped(f"{found.verdict}: {says}", width, "", "  ")
    lines.append("")
    for letter, source in (("A", found.a), ("B", found.b)):
        text = f"{letter}  {shown(source.label)}: {source.kind}"
        lines += [text] if len(text) <= width else [*text.partition(": ")[:1], f"   {source.kind}"]
    told: set[object] = set()
    for pair in found.pairs:
        roots = id(pair.a.candidate.root), id(pair.b.candidate.root)
        lines += _pair(pair, width, lone=lone, first=roots not in told, files=files)
        told.add(roots)
    for letter, source in (("A", found.a), ("B", found.b)):
        lines += _alone(letter, source, width)
    return lines


def _says(pair: ImagePair) -> str:
    if pair.verdict is not Verdict.SAME_IMAGE_ID:
        return _SAYS[pair.verdict]
    if all(each.change in (Change.SAME, Change.RELABELLED) for each in pair.layers):
        return "the config and the layers are the same, byte for byte"
    return "the config is the same, byte for byte; the packaging of layers differs"


def _counted(found: Comparison) -> str:
    counts = [
        f"{sum(pair.verdict is verdict for pair in found.pairs)} {verdict}"
        for verdict in Verdict
        if any(pair.verdict is verdict for pair in found.pairs)
    ]
    for letter, source in (("A", found.a), ("B", found.b)):
        if source.alone:
            counts.append(f"{len(source.alone)} in {letter} alone")
    return f"of the images, {', '.join(counts)}"


def _alone(letter: str, source: SourceNotes, width: int) -> list[str]:
    lines = []
    if source.alone:
        lines += ["", f"In {letter} alone"]
        for each in source.alone:
            lines += wrapped(
                f"{_names(each)}  {each.platform}  image ID {short(each.image.config.digest)}",
                width,
                "  ",
                "    ",
            )
    if source.absent:
        names = Counter(entry_name(each) for each in source.absent)
        text = listed(f"{name} ({n})" if n > 1 else name for name, n in names.items())
        text = shown(f"An index of {letter} lists what {letter} does not hold: {text}.")
        lines += ["", *wrapped(text, width, "", "  ")]
    return lines


def _names(each: Candidate) -> str:
    return ", ".join(shown(str(name)) for name in each.root.names) or "(no name)"


def _pair(pair: ImagePair, width: int, *, lone: bool, first: bool, files: bool) -> list[str]:
    one, two = _names(pair.a.candidate), _names(pair.b.candidate)
    platform = shown(str(pair.a.candidate.platform))
    if pair.a.candidate.platform != pair.b.candidate.platform:
        platform += f" and {shown(str(pair.b.candidate.platform))}"
    head = f"{one}  {platform}" if one == two else f"{one} (A), {two} (B)  {platform}"
    lines = ["", *wrapped(head if lone else f"{head}: {pair.verdict}", width, "", "    ")]
    if pair.verdict is Verdict.IDENTICAL and not lone and (pair.consequences.registry or not first):
        return lines
    lines += _digests(pair, width)
    lines += ["", "Why"]
    for reason in pair.reasons:
        lines += _reason(reason, width)
    lines += _document("Manifest, field by field", _gathered(pair.manifest), width)
    lines += _document("Config, field by field", [(f.name, f) for f in pair.config], width)
    lines += _layers(pair.layers, width)
    if files or any(not each.change.same_files for each in pair.layers):
        lines += _files(pair.files, width, asked=files)
    return lines + _meaning(pair, width)


def _digests(pair: ImagePair, width: int) -> list[str]:
    a, b = pair.a, pair.b
    rows = []
    if a.candidate.index is not None or b.candidate.index is not None:
        rows.append(("index", *_index_digests(a, b)))
    rows.append(("manifest", _digest(a.manifest_digest), _digest(b.manifest_digest)))
    rows.append(("image ID", short(a.config_digest), short(b.config_digest)))
    rows.append(("layers", _layer_sum(a.layers), _layer_sum(b.layers)))
    marked = [(name, one, two, _mark(one, two)) for name, one, two in rows]
    table = columns([("", "A", "B", ""), *marked], "  ")
    if max(map(len, table)) <= width:
        return table
    lines = []
    for name, one, two, mark in marked:
        lines += [f"  {name}: {mark}", f"    A  {one}", f"    B  {two}"]
    return lines


def _index_digests(a: Side, b: Side) -> tuple[str, str]:
    one, two = (
        side.candidate.index.descriptor.digest if side.candidate.index is not None else None
        for side in (a, b)
    )
    return _digest(one), _digest(two)


def _digest(digest: Any) -> str:
    return "none" if digest is None else short(digest)


def _mark(a: str, b: str) -> str:
    return "" if "none" in (a, b) else "same" if a == b else "differs"


def _layer_sum(layers: Sequence[LayerSide]) -> str:
    kinds = dict.fromkeys(packing(layer) for layer in layers)
    return f"{len(layers)} {'/'.join(kinds)}, {size_text(sum(x.layer.size for x in layers))}"


def _reason(reason: Reason, width: int) -> list[str]:
    lines = wrapped(shown(reason.text), width, "  ", "    ")
    for clause in reason.because:
        lines += wrapped(shown(clause), width, "    - ", "      ")
    return lines


def _gathered(fields: Sequence[FieldDifference]) -> list[tuple[str, FieldDifference]]:
    """Fields of a manifest; those of all layers that differ alike on one line.

    Digests and sizes of layers are told layer by layer.
    """
    rows: list[tuple[str, FieldDifference]] = []
    groups: dict[tuple[object, ...], list[FieldDifference]] = {}
    for field in fields:
        if field.path[0] == "layers" and len(field.path) == 3:
            if field.path[2] in ("digest", "size"):
                continue
            key = (field.path[2], _value(field.a), _value(field.b))
            groups.setdefault(key, []).append(field)
        elif field.path[0] != "layers" or len(field.path) != 2:
            rows.append((field.name, field))
    for (name, _, _), group in groups.items():
        numbers = [int(field.path[1]) for field in group]
        span = f"{numbers[0]}..{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
        if numbers != list(range(numbers[0], numbers[-1] + 1)):
            span = ",".join(map(str, numbers))
        rows.append((f"layers[{span}].{name}", group[0]))
    return rows


def _document(title: str, rows: list[tuple[str, FieldDifference]], width: int) -> list[str]:
    if not rows:
        return []
    lines = ["", title]
    for name, field in rows[:_FIELDS]:
        word = f" ({field.instruction})" if field.instruction else ""
        lines += wrapped(f"{shown(name)}{word}", width, "  ", "    ")
        lines += _cut(f"    A  {_value(field.a)}", width, field.a)
        lines += _cut(f"    B  {_value(field.b)}", width, field.b)
    if len(rows) > _FIELDS:
        lines.append(f"  and {len(rows) - _FIELDS} more; --json lists them")
    return lines


def _value(value: Any) -> str:
    """A value on one line, shortened and harmless."""
    if value is ABSENT:
        return "absent"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    if isinstance(value, str) and not value:
        text = '""'
    return shown(text[:_VALUE] + ("..." if len(text) > _VALUE else ""))


def _cut(line: str, width: int, value: Any) -> list[str]:
    """One line; media types and digests stay whole, whatever the width."""
    whole = isinstance(value, str) and " " not in value and len(value) < 100
    return [line if len(line) <= width or whole else line[: width - 3] + "..."]


def _layers(changes: Sequence[LayerChange], width: int) -> list[str]:
    if all(each.change is Change.SAME for each in changes):
        return []
    lines = ["", "Layers, by diff_id"]
    for each in changes:
        text = _layer(each)
        made = next((side.created_by for side in (each.b, each.a) if side is not None), "")
        room = width - len(text) - 4
        made = shown(" ".join(made.split()))
        if made and room > 12 and not each.change.same_files:
            text += "  " + (made if len(made) <= room else made[: room - 3] + "...")
        lines += wrapped(text, width, "  ", "      ") if len(text) + 2 > width else [f"  {text}"]
    return lines


def _layer(each: LayerChange) -> str:
    a, b = each.a, each.b
    if a is None or b is None:
        return "".join(
            f"{side.number}  {_diff_id(side)}  {each.change}: {_stored(side)}, in {letter} alone"
            for letter, side in (("A", a), ("B", b))
            if side is not None
        )
    number = f"{a.number}" if a.number == b.number else f"{a.number}/{b.number}"
    if each.change in (Change.SAME, Change.RELABELLED) and packing(a) == packing(b):
        return f"{number}  {_diff_id(a)}  {each.change}: {_stored(a)}"
    ids = _diff_id(a) if each.change.same_files else f"{_diff_id(a)} / {_diff_id(b)}"
    return f"{number}  {ids}  {each.change}: {_stored(a)} in A, {_stored(b)} in B"


def _diff_id(side: LayerSide) -> str:
    return side.diff_id.short if side.diff_id is not None else "encrypted"


def _stored(side: LayerSide) -> str:
    there = "" if side.layer.member is not None else ", not in the source"
    return f"{packing(side)} {size_text(side.layer.size)}{there}"


def _files(report: FilesReport | None, width: int, *, asked: bool) -> list[str]:
    if report is None:
        text = "No layer differs." if asked else "--files tells which files of it differ."
        return ["", text] if asked else [f"  {text}"]
    numbers = " and ".join(
        f"layer {number} of {letter}"
        for letter, number in (("A", report.a), ("B", report.b))
        if number is not None
    )
    counts = ", ".join(
        f"{count} {word}"
        for word, count in (
            ("added", report.added),
            ("removed", report.removed),
            ("changed", report.changed),
            ("the same", report.same),
        )
        if count
    )
    lines = ["", *wrapped(f"Files of {numbers}: {counts or 'none'}", width, "", "  ")]
    if not report.added + report.removed + report.changed:
        text = "The files are the same; the tars are not: their order, padding or headers differ."
        lines += wrapped(text, width, "  ", "  ")
    for each in report.differences[:_FILES]:
        lines += _file(each, width)
    left = report.added + report.removed + report.changed - len(report.differences[:_FILES])
    if left > 0:
        lines.append(f"  and {left} more; --json lists the first 1000")
    return lines


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def _file(each: FileDifference, width: int) -> list[str]:
    detail = ""
    file = each.a or each.b
    if file is not None and each.change != "changed":
        gone = file.whiteout
        kind = f"whiteout of {gone.target}" if gone is not None else file.type.value
        detail = f"  {kind}" + (f", {size_text(file.size)}" if file.size else "")
    lines = wrapped(shown(f"{_SIGNS[each.change]} {each.path}{detail}"), width, "  ", "      ")
    if each.a is None or each.b is None:
        return lines
    for name in each.attributes:
        text = f"{name}: {_attribute(each.a, name)} in A, {_attribute(each.b, name)} in B"
        if name == "content" and each.a.size == each.b.size:
            text = f"content: differs, {each.a.size} bytes in both"
        elif name == "content":
            text = "content: differs"
        lines += wrapped(shown(text), width, "      ", "        ")
    return lines


def _attribute(file: LayerFile, name: str) -> str:
    value = getattr(file, name)
    if name == "mode":
        return f"{value:04o}"
    if name == "mtime":
        return _moment(value)
    if name == "type":
        return str(value.value)
    if name == "xattrs":
        return ", ".join(key for key, _ in value) or "none"
    if name == "device":
        return "{}:{}".format(*value) if value is not None else "none"
    return str(value) if value != "" else "none"


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    try:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"
    return text + (f".{rest:09}".rstrip("0") if rest else "") + "Z"


def _meaning(pair: ImagePair, width: int) -> list[str]:
    lines = ["", "What it means"]
    for text in _sentences(pair):
        lines += wrapped(text, width, "  - ", "    ")
    return lines


def _sentences(pair: ImagePair) -> list[str]:
    a, b, means = pair.a, pair.b, pair.consequences
    if means.docker:
        told = [f"Docker, classic image store: one image, ID {a.config_digest.short}."]
    else:
        ids = f"{a.config_digest.short} (A) and {b.config_digest.short} (B)"
        told = [f"Docker, classic image store: two images, IDs {ids}."]
    if a.top is None or b.top is None:
        which = "each" if a.top is b.top else "A" if a.top is None else "B"
        store = f"the engine makes one for {which} when it loads it, and its digest is the image ID"
        registry = f"the digest of {which} is known only when somebody pushes it"
    elif means.registry:
        store = f"one image, ID {a.top.short}"
        registry = "one digest; a push of B over A changes nothing"
    else:
        store = (
            f"two images, IDs {a.top.short} (A) and {b.top.short} (B): there the digest of the "
            "manifest, or of the index around it, is the image ID"
        )
        registry = (
            f"two digests; a push of B under the tag of A moves the tag to {b.top.short} and "
            "overwrites nothing: A stays, under its digest"
        )
    if a.top is None or b.top is None:
        store = f"there the manifest counts: {store}"
    told += [f"containerd image store: {store}.", f"Registry: {registry}."]
    return told if means.registry else [*told, _uploads(pair)]


def _uploads(pair: ImagePair) -> str:
    means, count = pair.consequences, len(pair.b.layers)
    if not means.uploads:
        return f"Layers, pushed as they are stored here: those of B ({count}) are there with A."
    return (
        f"Layers, pushed as they are stored here: {means.shared} of {count} of B are there with A, "
        f"{size_text(means.upload_bytes)} to upload."
    )
