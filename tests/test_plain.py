"""Reports as JSON: every value is told by its type, one level at a time or whole."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding, Severity
from oci_layout.mediatype import Compression
from oci_layout.model.reporttext import json_text
from oci_layout.plain import plain, shallow
from oci_layout.platform import Platform
from oci_layout.where import Where

DIGEST = Digest.of(b"x")
FINDING = Finding(
    code="orphan", severity=Severity.NOTE, message="is odd", where=Where(member="m", offset=3)
)


@attrs.frozen
class Inner:
    digest: Digest | None


@attrs.frozen
class Named:
    inner: Inner

    def told(self) -> dict[str, Any]:
        return {"name": "n", "inner": self.inner}


@attrs.frozen(kw_only=True)
class Outer:
    parts: tuple[Inner | Named, ...] = (Inner(DIGEST), Inner(None), Named(Inner(None)))
    platform: Platform = Platform("linux", "amd64")  # noqa: RUF009  frozen
    packed: Compression = Compression.GZIP
    notes: MappingProxyType[str, str] = MappingProxyType({"a": "b"})
    findings: tuple[Finding, ...] = (FINDING,)
    size: int = 3
    whole: bool = True
    none: None = None


EXPECTED = {
    "parts": [{"digest": str(DIGEST)}, {"digest": None}, {"name": "n", "inner": {"digest": None}}],
    "platform": "linux/amd64",
    "packed": "gzip",
    "notes": {"a": "b"},
    "findings": [FINDING.to_json()],
    "size": 3,
    "whole": True,
    "none": None,
}


def test_a_value_with_all_that_is_inside() -> None:
    value = plain(Outer())
    assert value == EXPECTED
    assert list(value) == list(EXPECTED)
    assert type(value["packed"]) is str
    assert json.loads(json_text(Outer())) == EXPECTED


def test_one_level_leaves_what_is_inside() -> None:
    outer = Outer()
    value = shallow(outer)
    assert value["parts"] is outer.parts
    assert value["platform"] is outer.platform
    assert shallow(outer.parts) is outer.parts
