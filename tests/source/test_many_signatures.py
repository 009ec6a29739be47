"""A schema 1 manifest with many signatures: bounded, and each payload made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits
from oci_layout.finding import Findings
from oci_layout.model import jws
from oci_layout.model import schema1 as reading
from oci_layout.model.schema1 import Schema1
from oci_layout.source.signatures import report_signatures
from oci_layout.where import Where
from tests.builders import write_files
from tests.builders.legacy import schema1, schema1_dir, steps_of
from tests.builders.signing import key, signature, with_signatures
from tests.source.opened import collected

STEPS = steps_of({"a": b""}, {"b": b"x"})
PLAIN = schema1(STEPS)
ONE = signature(PLAIN, key("ES256"), "ES256")


def test_more_than_any_tool_writes_are_refused(tmp_path: Path) -> None:
    raw = with_signatures(PLAIN, [ONE] * (limits.SIGNATURES + 1))
    findings = collected(write_files(schema1_dir(STEPS, raw), tmp_path / "dir"))
    assert {each.code for each in findings.errors} == {"bad-signature"}


def test_what_repeats_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    checked: list[Any] = []
    payload, verify = reading._payload, jws._verify

    def counted(raw: bytes, protected: str, fields: Any) -> Any:
        made.append(protected)
        return payload(raw, protected, fields)

    def verified(*what: Any) -> None:
        checked.append(what)
        verify(*what)

    monkeypatch.setattr(reading, "_payload", counted)
    monkeypatch.setattr(jws, "_verify", verified)
    findings = Findings()
    raw = with_signatures(PLAIN, [ONE] * limits.SIGNATURES)
    document = Schema1.from_bytes(raw, Where(), findings)
    assert document is not None
    report_signatures(document, Where(), findings, ())
    assert not findings.errors
    assert len(made) == len(checked) == 1
