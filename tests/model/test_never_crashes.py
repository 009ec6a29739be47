"""No bytes make a document's parser raise anything but this package's own errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oci_layout.errors import DamagedError
from oci_layout.finding import FailFast, Findings
from oci_layout.mediatype import Kind
from oci_layout.model import dockersave, layout
from oci_layout.model.config import Config
from oci_layout.model.manifest import read_document
from oci_layout.where import Where
from tests.builders import go_json, make_image, sha256

IMAGE = make_image()
HERE = Where(member="m")
INDEX = {"schemaVersion": 2, "manifests": [{**IMAGE.descriptor(), "platform": IMAGE.platform}]}
SAVED = [{"Config": "c.json", "RepoTags": ["demo:1"], "Layers": ["l.tar"]}]

Parser = Callable[[bytes, Findings], object]
PARSERS: list[tuple[str, Parser, Any]] = [
    ("manifest", lambda raw, f: read_document(raw, HERE, f), IMAGE.manifest()),
    ("index", lambda raw, f: read_document(raw, HERE, f, default=Kind.INDEX), INDEX),
    ("config", lambda raw, f: Config.from_bytes(raw, HERE, f), IMAGE.config),
    ("manifest.json", dockersave.read_saved, SAVED),
    ("repositories", dockersave.read_repositories, {"demo": {"1": "x"}}),
    ("oci-layout", layout.check_marker, json.loads(layout.MARKER_BYTES)),
]
EACH = pytest.mark.parametrize(
    ("parser", "valid"), [pytest.param(p, v, id=name) for name, p, v in PARSERS]
)


def survives(parser: Parser, raw: bytes) -> None:
    """Collecting, nothing is raised; failing fast, our own error, if and only if one is found."""
    findings = Findings()
    parser(raw, findings)
    try:
        parser(raw, FailFast())
    except DamagedError:
        assert findings.errors
    else:
        assert not findings.errors


@EACH
def test_the_valid_one_is_valid(parser: Parser, valid: Any) -> None:
    findings = Findings()
    parser(go_json(valid), findings)
    assert not findings.errors


ODD: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just([])
    | st.just({})
    | st.just([{}])
    | st.just({"a": {}})
    | st.just(sha256(b""))
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        found.append((value, key))
        if isinstance(item, dict | list):
            found += places(item)
    return found


@EACH
@settings(deadline=None, max_examples=100)
@given(odd=ODD, data=st.data())
def test_anything_in_any_place(parser: Parser, valid: Any, odd: Any, data: st.DataObject) -> None:
    value = json.loads(json.dumps(valid))
    container, key = data.draw(st.sampled_from(places(value)))
    container[key] = odd
    survives(parser, json.dumps(value).encode("utf-8", "surrogatepass"))


@EACH
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_field_that_is_missing_or_spelled_otherwise(
    parser: Parser, valid: Any, data: st.DataObject
) -> None:
    value = json.loads(json.dumps(valid))
    container, key = data.draw(st.sampled_from(places(value)))
    gone = container.pop(key)
    if isinstance(key, str) and data.draw(st.booleans()):
        container[key.upper()] = gone
    survives(parser, go_json(value))


@EACH
@settings(deadline=None, max_examples=100)
@given(raw=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes(parser: Parser, valid: Any, raw: bytes) -> None:
    survives(parser, raw)


@EACH
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_valid_one_damaged(parser: Parser, valid: Any, data: st.DataObject) -> None:
    raw = go_json(valid)
    at = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 3))
    new = data.draw(st.binary(max_size=3))
    survives(parser, raw[:at] + new + raw[at + cut :])


@EACH
@pytest.mark.parametrize("raw", [b"null", b"0", b'""', b"true", b"1.5"])
def test_a_document_that_is_a_scalar_is_an_error(parser: Parser, valid: Any, raw: bytes) -> None:
    findings = Findings()
    parser(raw, findings)
    # Go reads null as an empty map: no names in repositories.
    assert findings.errors or (raw == b"null" and "demo" in valid)
