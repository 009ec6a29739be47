"""JSON as strict as every reader together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import FailFast, Findings
from oci_layout.model import jsontext
from oci_layout.model.gojson import Number
from oci_layout.where import Where

HERE = Where(member="index.json")


def codes(raw: bytes) -> list[str]:
    findings = Findings()
    jsontext.parse(raw, HERE, findings)
    return [finding.code for finding in findings.errors]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b" \n{ } \t\r\n", {}),
        (b'{"a":[1,true,null,"x",1.5]}', {"a": [1, True, None, "x", Number("1.5")]}),
        (b"[1e400,-1E5,0.10]", [Number("1e400"), Number("-1E5"), Number("0.10")]),
        (b"123456789012345678901", Number("123456789012345678901")),
        (b'{"\\ud800":"\\udc00x"}', {"\ufffd": "\ufffdx"}),
        (b'["\\ud800\\ud83d\\ude00"]', ["\ufffd\U0001f600"]),
        (b'{"A":1,"a":2}', {"A": 1, "a": 2}),
        (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        (b'{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
        ('"\u00fc\\u00fc\\n"'.encode(), "\u00fc\u00fc\n"),
        (b"18446744073709551615", 2**64 - 1),
        (b"-0", Number("-0")),
    ],
)
def test_read(raw: bytes, value: Any) -> None:
    findings = Findings()
    assert jsontext.parse(raw, HERE, findings) == value
    assert not findings.found


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad-json"),
        (b"  \n", "bad-json"),
        (b"{", "bad-json"),
        (b'{"a":1,}', "bad-json"),
        (b"{'a':1}", "bad-json"),
        (b'{"a":1}x', "bad-json"),
        (b"{}{}", "bad-json"),
        (b"{}\0", "bad-json"),
        (b'{"a":NaN}', "bad-json"),
        (b'{"a":Infinity}', "bad-json"),
        (b'{"a":-Infinity}', "bad-json"),
        (b'{"a":01}', "bad-json"),
        (b'{"a":"\n"}', "bad-json"),
        (b"\xef\xbb\xbf{}", "bad-json"),
        (b'{"a":"\xff"}', "bad-json"),
        (b'{"a":"\xc0\x80"}', "bad-json"),
        (b'{"a":"\xed\xa0\x80"}', "bad-json"),
        ("{}".encode("utf-16"), "bad-json"),
        (b"1" * 5000, "bad-json"),
        (b"-" + b"1" * 5000, "bad-json"),
        (b'{"a":1,"a":1}', "duplicate-key"),
        (b'{"a":1,"\\u0061":2}', "duplicate-key"),
        (b'{"x":[{"a":1,"a":2}]}', "duplicate-key"),
        (b'{"\\ud800":1,"\\udc00":2}', "duplicate-key"),
    ],
)
def test_refused(raw: bytes, code: str) -> None:
    assert codes(raw) == [code]
    with pytest.raises(DamagedError) as caught:
        jsontext.parse(raw, HERE, FailFast())
    assert "index.json" in str(caught.value)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_depth_is_bounded(opening: bytes) -> None:
    """Far too deep, and deeper than the parser's own recursion could go."""
    for depth in (limits.DOCUMENT_DEPTH + 1, 5000, 200_000):
        assert codes(opening * depth) == ["bad-json"]


def test_depth_up_to_the_bound_is_read() -> None:
    deep = b"[" * limits.DOCUMENT_DEPTH + b"]" * limits.DOCUMENT_DEPTH
    assert codes(deep) == []
    assert codes(b"[" + deep + b"]") == ["bad-json"]


def test_brackets_in_strings_are_no_depth() -> None:
    assert codes(json.dumps({"label": "[{" * 1000, "quote": '\\"[' * 200}).encode()) == []


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DOCUMENT_TOKENS", 100)
    assert codes(b"[" + b",".join([b"1"] * 90) + b"]") == []
    assert codes(b"[" + b",".join([b"1"] * 101) + b"]") == ["document-too-large"]


def test_the_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DOCUMENT_BYTES", 100)
    assert codes(b'"' + b"x" * 98 + b'"') == []
    assert codes(b'"' + b"x" * 99 + b'"') == ["document-too-large"]


def test_many_repeated_keys_make_few_findings() -> None:
    raw = b"{" + b",".join(b'"k%d":1,"k%d":2' % (n, n) for n in range(1000)) + b"}"
    assert 1 <= len(codes(raw)) <= 20


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    findings = Findings()
    value = jsontext.parse(raw, HERE, findings)
    if value is not None:
        assert not findings.errors or findings.errors[0].code == "duplicate-key"
        json.loads(raw)
    elif raw.strip() != b"null":
        assert findings.errors


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_all_that_python_writes_is_read(value: Any) -> None:
    findings = Findings()
    assert jsontext.parse(json.dumps(value).encode(), HERE, findings) == value
    # None stands for what was reported, so a bare null is reported too.
    assert [each.code for each in findings.found] == (["wrong-type"] if value is None else [])


@pytest.mark.parametrize(
    ("raw", "first"),
    [
        (b"[1]", b"[1]"),
        (b" [1] \n", b" [1] \n"),
        (b"[1]\0\0", b"[1]"),
        (b'{"a": "\xff"} {}', b'{"a": "\xff"}'),
        (b"[1][2]", b"[1]"),
        (b"[1", b"[1"),
        (b"", b""),
        (b"\0[1]", b"\0[1]"),
        (b"[" * 100_000, b"[" * 100_000),
    ],
)
def test_the_first_value(raw: bytes, first: bytes) -> None:
    assert jsontext.first(raw) == first
