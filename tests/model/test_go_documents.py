"""The encoder writes as Go does: documents that Go wrote come back to their own digest."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from oci_layout.model import gojson
from oci_layout.model.jsonedit import Edits
from tests.builders import hex_of, sha256
from tests.conftest import Figure
from tests.model.producers import documents, producers
from tests.shared import needs_shared

# Documents whose escapes are not those of `json.Marshal`, and why.
EXCEPTIONS = {
    "1e622c5f073b4f6bfad6632f2616c7f59ef256e96fe78bf6a595d1dc4376ac02": r"compact, escapes \/",
    "2dc6ef9f627c01f3f9e4f735c90f0251b5adaf6ad5685c5afb5cf638412fad67": "indented, a bare &&",
    "3f95d9ea55585c83d415edacecb41527dab2df9308e7ff49e8ea205bbd6ff52e": "by hand, a bare <",
}


def again(raw: bytes) -> bytes:
    """The document, parsed and written; fractions keep their digits."""
    return gojson.encode_bytes(json.loads(raw.decode(), parse_float=gojson.Number))


@needs_shared
@pytest.mark.parametrize("tool", producers() or ["absent"])
def test_own_digest(tool: str, figure: Figure) -> None:
    """What is compact has its own digest again; what is indented, its own tokens."""
    counts = []
    for kind in ("config", "manifest"):
        every = [document for document in documents()[tool] if document.kind == kind]
        compact = [document for document in every if document.compact]
        same = [each for each in compact if sha256(again(each.raw)) == each.digest]
        other = [each for each in every if again(each.raw) != each.without_space]
        assert [each.name for each in other if hex_of(each.digest) not in EXCEPTIONS] == []
        assert len(same) == len(compact) - len([each for each in other if each.compact])
        reasons = [EXCEPTIONS[hex_of(each.digest)] for each in other]
        spaced = f"{len(every) - len(compact)} indented" if len(every) > len(compact) else ""
        notes = "; ".join(filter(None, [spaced, *reasons]))
        if every:
            counts.append(f"{kind}s {len(same)} of {len(compact)}" + f" ({notes})" * bool(notes))
    assert counts
    figure(f"own digest: {tool}: {', '.join(counts)}")


@needs_shared
def test_exceptions_are_there_and_differ() -> None:
    """The list names nothing that would pass, so that it cannot hide a mistake."""
    every = {hex_of(each.digest): each for some in documents().values() for each in some}
    for name in EXCEPTIONS:
        assert again(every[name].raw) != every[name].without_space
        assert json.loads(again(every[name].raw)) == json.loads(every[name].raw)


@needs_shared
def test_all_together(figure: Figure) -> None:
    """So many that the proof is worth something."""
    every = {each.digest: each for some in documents().values() for each in some}
    for kind, least in (("config", 100), ("manifest", 100)):
        compact = [each for each in every.values() if each.kind == kind and each.compact]
        same = [each for each in compact if again(each.raw) == each.raw]
        assert len(same) > least
        figure(f"own digest, all producers: {len(same)} of {len(compact)} distinct {kind}s")


@needs_shared
def test_edit_of_one_field() -> None:
    """In every config of every producer: one value changes, each other byte stays."""
    count = 0
    for document in (each for some in documents().values() for each in some):
        if document.kind != "config":
            continue
        value: dict[str, Any] = json.loads(document.raw)
        key = next(iter(value))
        edits = Edits(document.raw)
        edits.set((key,), "A<B>&\u2028")
        new = edits.apply()
        want = rb'"A\u003cB\u003e\u0026\u2028"'
        head, found, tail = new.partition(want)
        assert found, document.name
        assert document.raw.startswith(head)
        assert document.raw.endswith(tail)
        assert list(json.loads(new).items()) == [(key, "A<B>&\u2028"), *list(value.items())[1:]]
        count += 1
    assert count > 100


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('<a href="x">&</a>', rb'"\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e"'),
        ("\u2028\u2029", rb'"\u2028\u2029"'),
        ("\x00\x1f\x7f\n\r\t\\/", b'"\\u0000\\u001f\x7f\\n\\r\\t\\\\/"'),
        ("ünïcode \U0001f600", '"ünïcode \U0001f600"'.encode()),
        ("2024-05-06T07:08:09.120000000+02:00", b'"2024-05-06T07:08:09.120000000+02:00"'),
        ({"b": 1, "a": {"z": None, "y": True}}, b'{"b":1,"a":{"z":null,"y":true}}'),
        ([gojson.Number("1.50"), 5000000000, -1], b"[1.50,5000000000,-1]"),
        ({}, b"{}"),
        ([], b"[]"),
    ],
)
def test_as_go_writes(value: object, written: bytes) -> None:
    """Outputs of `json.Marshal`."""
    assert gojson.encode_bytes(value) == written
    assert not re.search(rb"[<>&]|\xe2\x80[\xa8\xa9]", written)
