"""What ``layout diff`` shows field by field, and layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oci_layout.cli.cells import cells, clipped, wrapped
from oci_layout.cli.text import shown, size_text
from oci_layout.comparison.fields import FieldDifference
from oci_layout.comparison.layers import Change, LayerChange
from oci_layout.comparison.reasons import packing
from oci_layout.comparison.sides import LayerSide
from oci_layout.model import gojson
from oci_layout.model.gotypes import ABSENT

_FIELDS = 40  # fields of a document, and
_LAYERS = 150  # layers (engines take 127) that are shown; --json has more
_VALUE = 160  # letters of a value


def manifest_table(fields: Sequence[FieldDifference], width: int) -> list[str]:
    """The manifests, field by field; nothing where none differs.

    Args:
        fields: those that differ.
        width: columns of the terminal.
    """
    return _fields("Manifest, field by field", _gathered(fields), width)


def config_table(fields: Sequence[FieldDifference], width: int) -> list[str]:
    """The configs, field by field; nothing where none differs.

    Args:
        fields: those that differ.
        width: columns of the terminal.
    """
    return _fields("Config, field by field", [(field.name, field) for field in fields], width)


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
            span = ",".join(map(str, numbers[:8])) + (",..." if len(numbers) > 8 else "")
        rows.append((f"layers[{span}].{name}", group[0]))
    return rows


def _fields(title: str, rows: list[tuple[str, FieldDifference]], width: int) -> list[str]:
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
    text = gojson.on_a_line(value) if not isinstance(value, str) else value
    if isinstance(value, str) and not value:
        text = '""'
    return shown(text[:_VALUE] + ("..." if len(text) > _VALUE else ""))


def _cut(line: str, width: int, value: Any) -> list[str]:
    """One line; media types and digests stay whole, whatever the width."""
    whole = isinstance(value, str) and " " not in value and len(value) < 100
    return [line if whole else clipped(line, width)]


def layer_table(changes: Sequence[LayerChange], width: int) -> list[str]:
    """Layer by layer; nothing where all are the same.

    Args:
        changes: every layer of both images.
        width: columns of the terminal.
    """
    if all(each.change is Change.SAME for each in changes):
        return []
    lines = ["", "Layers, by diff_id"]
    for each in changes[:_LAYERS]:
        text = _layer(each)
        made = next((side.created_by for side in (each.b, each.a) if side is not None), "")
        room = width - cells(text) - 4
        made = shown(" ".join(made.split()))
        if made and room > 12 and not each.change.same_files:
            text += "  " + clipped(made, room)
        lines += wrapped(text, width, "  ", "      ") if cells(text) + 2 > width else [f"  {text}"]
    if len(changes) > _LAYERS:
        lines.append(f"  and {len(changes) - _LAYERS} more; --json lists them")
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
