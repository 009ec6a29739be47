"""What is signed, and what only stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import write_files
from tests.builders.legacy import schema1, schema1_dir, steps_of
from tests.builders.signing import b64, key, signature, signed, with_signatures
from tests.command import layout
from tests.converting import refused, verified

STEPS = steps_of({"a": b"1"}, {"b": b"2"})
PAYLOAD = schema1(STEPS)
CUT = PAYLOAD.rindex(b"\n}")


def stops(raw: bytes, code: str, tmp_path: Path) -> str:
    source = write_files(schema1_dir(STEPS, raw), tmp_path / "in")
    return refused(source, tmp_path / "to", code)


def test_more_than_is_signed(tmp_path: Path) -> None:
    """A field after the signed part: some readers would take it."""
    raw = signed(PAYLOAD)
    extra = raw[:-2] + b',\n   "extra": "unsigned"\n}'
    stops(extra, "unsigned-content", tmp_path)


def test_other_layers_than_are_signed(tmp_path: Path) -> None:
    """The signature holds, of layers that the file around it does not list."""
    other = schema1(STEPS[:1])
    made = signature(PAYLOAD, key(), protected={"formatLength": 0, "formatTail": b64(PAYLOAD)})
    raw = with_signatures(other, [made])
    status, found = verified(_lone(raw, tmp_path))
    assert status == 1
    assert ("note", "signature-valid") in found
    stops(raw, "unsigned-content", tmp_path)


def _lone(raw: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "manifest"
    path.write_bytes(raw)
    return path


def test_another_tail(tmp_path: Path) -> None:
    """A tail that says more than the file does."""
    payload = PAYLOAD[:CUT] + b',\n   "x": 1\n}'
    made_of = {"formatLength": CUT, "formatTail": b64(payload[CUT:])}
    made = signature(payload, key(), protected=made_of)
    stops(with_signatures(PAYLOAD, [made]), "unsigned-content", tmp_path)


def test_signatures_first(tmp_path: Path) -> None:
    """Where the signatures stand does not matter, if the payload comes out the same."""
    sign = signature(PAYLOAD, key(), protected={"formatLength": 0, "formatTail": b64(PAYLOAD)})
    value = {"signatures": [sign], **json.loads(PAYLOAD)}
    raw = json.dumps(value).encode()
    assert verified(_lone(raw, tmp_path))[0] == 0


@pytest.mark.parametrize(
    "protected",
    [
        {"formatLength": None},
        {"formatLength": -1},
        {"formatLength": 1 << 40},
        {"formatLength": "12"},
        {"formatLength": True},
        {"formatLength": 12.5},
        {"formatTail": None},
        {"formatTail": 7},
        {"formatTail": "Cn0="},
        {"formatTail": "\u00e9"},
        {"formatTail": "A"},
    ],
)
def test_protected_header(protected: Mapping[str, Any], tmp_path: Path) -> None:
    """A payload that cannot be put together is no payload."""
    made = signature(PAYLOAD, key(), protected=protected)
    path = _lone(with_signatures(PAYLOAD, [made]), tmp_path)
    status, found = verified(path)
    assert status == 1
    assert {code for severity, code in found if severity == "error"} & {"bad-signature", "bad-json"}
    done = layout("repack", path, "--to", "oci", "-o", tmp_path / "out")
    assert done.returncode == 3


@pytest.mark.parametrize(
    "text", ["", "e30", "W10", "bnVsbA", "Ing", "\u00e9", "====", "e30=", b64(b'{"a":1,"a":2}')]
)
def test_protected_that_is_none(text: str, tmp_path: Path) -> None:
    made = {**signature(PAYLOAD, key()), "protected": text}
    status, found = verified(_lone(with_signatures(PAYLOAD, [made]), tmp_path))
    assert status == 1
    assert "signature-valid" not in {code for _, code in found}


@pytest.mark.parametrize("field", ["header", "signature", "protected"])
@pytest.mark.parametrize("value", [None, 7, [], "\u00e9", "x"])
def test_signature_that_is_none(field: str, value: object, tmp_path: Path) -> None:
    """Fields of no use, or none at all."""
    made = {**signature(PAYLOAD, key()), field: value}
    kept = {name: each for name, each in made.items() if each is not None}
    for raw in (with_signatures(PAYLOAD, [made]), with_signatures(PAYLOAD, [kept])):
        status, found = verified(_lone(raw, tmp_path))
        assert status == 1
        assert "signature-valid" not in {code for _, code in found}


def test_two_payloads(tmp_path: Path) -> None:
    """Every signature must be of the same payload (libtrust: Payload of signatures)."""
    other = PAYLOAD.replace(b'"1"', b'"2"')
    second = signature(other, key(), protected={"formatLength": 0, "formatTail": b64(other)})
    raw = with_signatures(PAYLOAD, [signature(PAYLOAD, key()), second])
    stops(raw, "bad-signature", tmp_path)


def test_a_signature_that_is_no_object(tmp_path: Path) -> None:
    raw = PAYLOAD[:CUT] + b',\n   "signatures": ["x"]\n}'
    status, found = verified(_lone(raw, tmp_path))
    assert status == 1
    assert "signature-valid" not in {code for _, code in found}


def test_time_is_optional(tmp_path: Path) -> None:
    """It is told where it is a text, and missed nowhere."""
    for time in (None, 7):
        made = signature(PAYLOAD, key(), protected={"time": time})
        assert verified(_lone(with_signatures(PAYLOAD, [made]), tmp_path))[0] == 0


def test_a_nul_in_the_tail(tmp_path: Path) -> None:
    """A signed payload that is no JSON is an error, though the signature holds."""
    made_of = {"formatLength": CUT, "formatTail": b64(b"\n}\0")}
    payload = PAYLOAD[:CUT] + b"\n}\0"
    made = signature(payload, key(), protected=made_of)
    status, found = verified(_lone(with_signatures(PAYLOAD, [made]), tmp_path))
    assert status == 1
    assert ("error", "bad-json") in found
