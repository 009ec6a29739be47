"""Edits of documents: the value at a path changes, and no other byte."""

from __future__ import annotations

import copy
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout.model.jsonedit import Edits, Path

PRETTY = b"""{
   "schemaVersion" : 2,
   "config": { "size": 1.50, "digest":"a\\u003cb", "x": [ ] },
   "layers": [
      { "size": 1e3, "mediaType": "\\/t" },
      { "size": 2 , "annotations": {"a": "1", "b": "2"} }
   ],
   "empty": {}
}
"""


def edited(raw: bytes, *changes: tuple[Path, Any]) -> bytes:
    edits = Edits(raw)
    for path, value in changes:
        if value is ...:
            edits.remove(path)
        else:
            edits.set(path, value)
    return edits.apply()


def test_nothing_to_do_changes_nothing() -> None:
    assert Edits(PRETTY).apply() == PRETTY


def test_taking_away_what_is_not_there_changes_nothing() -> None:
    assert edited(PRETTY, (("layers", 0, "data"), ...), (("gone",), ...)) == PRETTY


def test_what_is_added_to_a_list_stands_at_its_end() -> None:
    result = edited(PRETTY, (("layers", 2), {"size": 3}), (("config", "x", 0), "new"))
    expected = PRETTY.replace(b'"2"} }\n', b'"2"} },\n      {"size":3}\n').replace(
        b"[ ]", b'["new"]'
    )
    assert result == expected


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("schemaVersion",), 3, b'"schemaVersion" : 2,', b'"schemaVersion" : 3,'),
        (("config", "digest"), "<", b'"a\\u003cb"', b'"\\u003c"'),
        (("config", "size"), 7, b"1.50", b"7"),
        (("layers", 0, "size"), 5, b'"size": 1e3,', b'"size": 5,'),
        (("layers", 1, "size"), 5, b'"size": 2 ,', b'"size": 5 ,'),
        (("layers", 1, "annotations", "b"), "x", b'"b": "2"', b'"b": "x"'),
        (("config", "x"), [1], b"[ ]", b"[1]"),
        (("empty",), [], b"{}", b"[]"),
        (("empty", "k"), True, b"{}", b'{"k":true}'),
    ],
)
def test_one_value_changes_and_no_other_byte(
    path: Path, value: Any, old: bytes, new: bytes
) -> None:
    before, found, after = PRETTY.partition(old)
    assert found
    result = edited(PRETTY, (path, value))
    assert json.loads(result) == json.loads(before + new + after)
    if path != ("empty", "k"):
        assert result == before + new + after


@pytest.mark.parametrize(
    ("raw", "path", "result"),
    [
        (b'{"a":1,"b":2,"c":3}', ("a",), b'{"b":2,"c":3}'),
        (b'{"a":1,"b":2,"c":3}', ("b",), b'{"a":1,"c":3}'),
        (b'{"a":1,"b":2,"c":3}', ("c",), b'{"a":1,"b":2}'),
        (b'{"a":1}', ("a",), b"{}"),
        (b'{"a":1}', ("z",), b'{"a":1}'),
        (b"[1,2,3]", (1,), b"[1,3]"),
        (b"[1]", (0,), b"[]"),
        (b'{"m":[{"a":1},{"b":2}]}', ("m", 0), b'{"m":[{"b":2}]}'),
    ],
)
def test_removing(raw: bytes, path: Path, result: bytes) -> None:
    assert edited(raw, (path, ...)) == result


def test_what_was_absent_comes_last() -> None:
    assert edited(b'{"a":1}', (("b",), 2)) == b'{"a":1,"b":2}'
    assert edited(b"{}", (("b",), {"c": []})) == b'{"b":{"c":[]}}'
    assert edited(b'{"a":{}}', (("a", "b", "c"), 1)) == b'{"a":{"b":{"c":1}}}'


def test_several_changes_at_once() -> None:
    raw = b'{"a":[1,2,3],"b":{"c":1},"d":4}'
    result = edited(
        raw, (("a", 0), ...), (("a", 2), 9), (("b", "c"), 2), (("d",), ...), (("e",), 5)
    )
    assert result == b'{"a":[2,9],"b":{"c":2},"e":5}'


def test_keys_are_told_apart_however_they_are_escaped() -> None:
    raw = b'{"\\u0061":1,"b\\"{":2,"c,}":[3]}'
    assert edited(raw, (("a",), 8)) == b'{"\\u0061":8,"b\\"{":2,"c,}":[3]}'
    assert edited(raw, (('b"{',), ...)) == b'{"\\u0061":1,"c,}":[3]}'
    assert edited(raw, (("c,}", 0), 4)) == b'{"\\u0061":1,"b\\"{":2,"c,}":[4]}'


def test_a_key_in_another_case_is_the_same_field() -> None:
    assert json.loads(edited(b'{"mediatype":"a"}', (("mediaType",), "b"))) == {"mediatype": "b"}


ESCAPES = {"escapes": b"\\n" * (8 << 20), "escapes and letters": b"\\n\\ta" * (3 << 20)}


@pytest.mark.parametrize("text", ESCAPES.values(), ids=ESCAPES)
def test_a_string_of_escapes_takes_no_memory_beside_the_document(text: bytes) -> None:
    raw = b'{"a":["' + text + b'"],"b":1}'
    tracemalloc.start()
    try:
        result = edited(raw, (("b",), 2))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result == raw[:-2] + b"2}"
    assert most < 5 * len(raw)  # where each escape is gone back to, 60 times


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000, 2001, 4999])
@pytest.mark.parametrize("text", [b"\\n", b'\\"x', b"\\\\"])
def test_a_string_ends_where_it_ends_however_many_escapes_it_has(count: int, text: bytes) -> None:
    raw = b'{"a":"' + text * count + b'","b":["' + text * count + b'",{"c":"}"}],"d":3}'
    assert edited(raw, (("d",), 4)) == raw[:-2] + b"4}"
    assert edited(raw, (("b",), ...)) == b'{"a":"' + text * count + b'","d":3}'


SCALARS = st.none() | st.booleans() | st.integers(-99, 10**12) | st.text(max_size=6)
DOCUMENTS = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


def paths(value: Any, here: Path = ()) -> list[Path]:
    found: list[Path] = [here] if here else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*here, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found += paths(item, (*here, number))
    return found


def changed(value: Any, path: Path, new: Any) -> Any:
    value = copy.deepcopy(value)
    place = value
    for step in path[:-1]:
        place = place[step]
    if new is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return value


@settings(deadline=None, max_examples=300)
@given(
    DOCUMENTS,
    SCALARS | st.just(...),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
    st.data(),
)
def test_reading_an_edited_document_shows_the_change_alone(
    value: dict[str, Any], new: Any, indent: int | None, ascii_only: bool, data: st.DataObject
) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    path = data.draw(st.sampled_from(paths(value)))
    result = edited(raw, (path, new))
    assert json.loads(result) == changed(value, path, new)


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS, st.sampled_from([None, 2]), st.data())
def test_bytes_around_a_changed_value_stay(
    value: dict[str, Any], indent: int | None, data: st.DataObject
) -> None:
    """Marked by a text that cannot occur elsewhere, what stands before and behind is the same."""
    path = data.draw(st.sampled_from(paths(value)))
    marked = json.dumps(changed(value, path, "#" * 9), indent=indent).encode()
    before, found, after = marked.partition(b'"#########"')
    assert found
    assert edited(marked, (path, "new")) == before + b'"new"' + after
