"""How two texts of JSON differ that say the same."""

from __future__ import annotations

import json
import re
from typing import Any

from oci_layout.comparison.meaning import exactly
from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.model.gotypes import ABSENT
from oci_layout.where import Where

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]')


def spelling(a: bytes, b: bytes) -> tuple[str, ...]:
    """What is written in two ways: white space, escapes, the order of keys, empty fields, times.

    Args:
        a: a document that engines have read.
        b: another that means the same to them.
    """
    text_a, text_b = a.decode("utf-8", "replace"), b.decode("utf-8", "replace")
    tokens_a, tokens_b = _TOKEN.findall(text_a), _TOKEN.findall(text_b)
    if tokens_a == tokens_b:
        return ("white space",)
    value_a, value_b = (jsontext.parse(raw, Where(), Findings()) for raw in (a, b))
    told = []
    if exactly(value_a) != exactly(value_b):
        told += _values(value_a, value_b)
    elif [_decoded(token) for token in tokens_a] != [_decoded(token) for token in tokens_b]:
        told.append("the order of keys")
    if _escapes(tokens_a) != _escapes(tokens_b):
        told.append("escapes in texts")
    if _space(text_a, tokens_a) != _space(text_b, tokens_b):
        told.append("white space")
    return tuple(told) or ("the order of keys",)


def _decoded(token: str) -> Any:
    return json.loads(token) if token.startswith('"') else token


def _escapes(tokens: list[str]) -> list[str]:
    return sorted(token for token in set(tokens) if token.startswith('"') and "\\" in token)


def _space(text: str, tokens: list[str]) -> bool:
    """Whether there is any between the tokens."""
    return len(text) != sum(map(len, tokens))


def _values(a: Any, b: Any) -> list[str]:
    """Fields that stand in one of them alone, or are written in another way."""
    alone: list[str] = []
    other: list[str] = []
    _walk(a, b, "", alone, other)
    told = []
    if alone:
        told.append(f"fields that are empty or absent ({_few(alone)})")
    if other:
        told.append(f"values written in another way ({_few(other)})")
    return told


def _walk(a: Any, b: Any, path: str, alone: list[str], other: list[str]) -> None:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            left, right = a.get(key, ABSENT), b.get(key, ABSENT)
            _walk(left, right, f"{path}.{key}" if path else key, alone, other)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, (left, right) in enumerate(zip(a, b, strict=True)):
            _walk(left, right, f"{path}[{number}]", alone, other)
    elif a is ABSENT or b is ABSENT or a is None or b is None:
        alone.append(path)
    elif exactly(a) != exactly(b):
        other.append(path)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
