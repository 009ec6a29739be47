"""Differences of values, and the text in which just they are changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oci_layout.model.jsondiff import differences, rewritten, same

CASES: list[tuple[str, Any, str]] = [
    ('{"a": 1, "b": [1,2] }', {"a": 1, "b": [1, 2]}, '{"a": 1, "b": [1,2] }'),
    ('{"a": 1, "b": 2}', {"a": 1}, '{"a": 1}'),
    ('{ "a": {"x": 1,\n "y": 2} }', {"a": {"x": 3, "y": 2}}, '{ "a": {"x": 3,\n "y": 2} }'),
    ('{"a":1}', {"a": 1, "z": {"k": None}}, '{"a":1,"z":{"k":null}}'),
    ("[]", [1, 2], "[1,2]"),
    ("[ 1,\n  2 ]", [1, 2, 3], "[ 1,\n  2,\n  3 ]"),
    ('["a", "b", "c"]', ["a", "c"], '["a", "c"]'),
    ('["a", "b", "c"]', ["a", "x", "c"], '["a", "x", "c"]'),
    ('["a", "b", "c"]', ["b", "c"], '[ "b", "c"]'),
    ('["a", "c"]', ["a", "b", "c"], '["a","b","c"]'),
    ('["a"]', [], "[]"),
    ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 3}], '[{"a": 1}, {"a": 3}]'),
    ('{"a": true}', {"a": 1}, '{"a": 1}'),
    ('{"a": "\\u003c"}', {"a": "<"}, '{"a": "\\u003c"}'),
    ('{"a": null}', {"a": {}}, '{"a": {}}'),
    ('{"a": [ ], "b": 1 }', {"a": [5]}, '{"a": [5]}'),
]


@pytest.mark.parametrize(("text", "new", "expected"), CASES)
def test_only_what_differs_is_written(text: str, new: Any, expected: str) -> None:
    found = list(differences(json.loads(text), new))
    assert rewritten(text.encode(), found).decode() == expected
    assert same(json.loads(expected), new)
    assert bool(found) == (text != expected)


def test_fields_are_called_as_findings_call_them() -> None:
    old = {"config": {"Env": ["A", "B"], "Labels": {"a.b": "1"}}}
    new = {"config": {"Env": ["A", "C"], "Labels": {}, "User": "u"}}
    assert {each.field for each in differences(old, new)} == {
        "config.Env[1]",
        "config.Labels.a.b",
        "config.User",
    }
