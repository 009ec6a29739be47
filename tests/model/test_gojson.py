"""JSON as Go writes it: byte for byte, or digests would not be those of the engines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout.model import gojson
from tests.builders import make_image

# What Go 1.22's json.Marshal gives for the value.
GO = [
    ("a<b>&c", '"a\\u003cb\\u003e\\u0026c"'),
    ("\u2028\u2029", '"\\u2028\\u2029"'),
    ("\u00fc\u6f22\U0001f600", '"\u00fc\u6f22\U0001f600"'),
    ('"\\/', '"\\"\\\\/"'),
    ("\n\r\t", '"\\n\\r\\t"'),
    ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
    ("\ud800x", '"\\ufffdx"'),
    ({"b": 1, "a": [True, False, None]}, '{"b":1,"a":[true,false,null]}'),
    ({"k<": "v"}, '{"k\\u003c":"v"}'),
    ([], "[]"),
    ({}, "{}"),
    (9007199254740993, "9007199254740993"),
    ([gojson.Number("1e400"), gojson.Number("-0"), gojson.Number("1.50")], "[1e400,-0,1.50]"),
    ((), "[]"),
]


@pytest.mark.parametrize(("value", "text"), GO)
def test_as_go_writes_it(value: Any, text: str) -> None:
    assert gojson.encode(value) == text
    assert gojson.encode_bytes(value) == text.encode()


def test_a_whole_config_comes_out_byte_for_byte() -> None:
    image = make_image()
    assert gojson.encode_bytes(image.config) == image.config_bytes
    assert gojson.encode_bytes(json.loads(image.config_bytes)) == image.config_bytes


def test_what_is_no_json_value_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        gojson.encode(b"x")
    with pytest.raises(TypeError, match="set"):
        gojson.encode({"a": {1}})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_what_is_written_is_read_back(value: Any) -> None:
    text = gojson.encode(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_json_number_is_never_written(value: float) -> None:
    with pytest.raises(TypeError, match="float"):
        gojson.encode({"a": [value]})
    with pytest.raises(TypeError, match="float"):
        gojson.show({"a": [value]})


@settings(deadline=None)
@given(JSON)
def test_shown_as_the_standard_library_shows_it(value: Any) -> None:
    assert gojson.show(value) == json.dumps(value, indent=2)
    assert gojson.on_a_line(value) == json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("key", "folded"),
    [
        ("mediaType", "mediatype"),
        ("\u017fize", "size"),
        ("as\u212a", "ask"),
        ("con\ufb01g", "con\ufb01g"),  # a ligature is no letter to Go, and two to casefold
        ("\u0130d", "\u0130d"),
        ("Stra\u00dfe", "Stra\u00dfe"),
    ],
)
def test_keys_fold_as_go_folds_them(key: str, folded: str) -> None:
    assert gojson.fold(key) == folded


def test_a_field_that_stands_twice() -> None:
    assert gojson.merged("a", None) == "a"
    assert gojson.merged({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}) == {
        "a": 1,
        "b": {"c": 1, "d": 2},
    }
    assert gojson.merged([1, 2], [3]) == [3]
    assert gojson.merged({"a": 1}, None) is None
    assert gojson.merged({"a": 1}, None, "config") == {"a": 1}
