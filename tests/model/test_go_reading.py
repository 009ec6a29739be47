"""Documents are read as Go's encoding/json reads them, or refused.

``go_reading.json`` holds what ``json.Unmarshal`` of Go 1.19 made of each text, in a struct of these
fields; null where it refused.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.model.fields import Fields
from oci_layout.where import Where

TABLE = json.loads(Path(__file__).with_name("go_reading.json").read_text())
KNOWN = frozenset({"mediaType", "digest", "size", "annotations", "platform", "ask"})
PLATFORM = frozenset({"os", "architecture"})


def read(raw: bytes) -> tuple[dict[str, Any] | None, set[str]]:
    """What is made of a text in the same struct, and the codes of its errors."""
    findings = Findings()
    value = jsontext.parse(raw, Where(), findings)
    if not isinstance(value, dict):
        return None, {each.code for each in findings.errors}
    fields = Fields(value, Where(), findings, KNOWN)
    platform = fields.object("platform", PLATFORM)
    result = {
        "mediaType": fields.text("mediaType") or "",
        "digest": fields.text("digest") or "",
        "size": fields.integer("size") or 0,
        "annotations": dict(fields.mapping("annotations")) or None,
        "platform": platform and {key: platform.text(key) or "" for key in ("os", "architecture")},
        "ask": fields.text("ask") or "",
    }
    return result, {each.code for each in findings.errors}


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["shown"][:60])
def test_read_as_go_reads_it(case: dict[str, Any]) -> None:
    raw = base64.b64decode(case["raw"])
    value, errors = read(raw)
    if case["go"] is None:
        assert errors
    elif errors == {"bad-json"}:
        with pytest.raises(UnicodeDecodeError):  # the one thing in which this is stricter
            raw.decode()
    else:
        assert value == case["go"]
        assert errors <= {"duplicate-key"}
