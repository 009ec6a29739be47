"""Findings and errors: collected or raised, with a place, and an exit status each."""

from __future__ import annotations

from typing import Any

import pytest

from oci_layout import errors
from oci_layout.errors import DamagedError, LayoutError, damage_in
from oci_layout.finding import FailFast, Finding, Findings, Severity
from oci_layout.where import Where


def test_a_collector_goes_on_after_an_error() -> None:
    findings = Findings()
    findings.error("bad-json", "first", Where(member="x"))
    findings.warning("no-end-marker", "second")
    findings.note("orphan", "third")
    assert [finding.code for finding in findings.found] == ["bad-json", "no-end-marker", "orphan"]
    assert [finding.code for finding in findings.errors] == ["bad-json"]
    assert [finding.code for finding in findings.warnings] == ["no-end-marker"]
    assert findings.found[2].severity is Severity.NOTE


def test_one_that_fails_fast_raises_the_first_error() -> None:
    findings = FailFast()
    findings.warning("no-end-marker", "only odd")
    findings.note("orphan", "only known")
    with pytest.raises(DamagedError) as caught:
        findings.error("size-mismatch", "has 3 bytes", Where(member="blob"), "copy it again")
    error = caught.value
    assert (error.code, error.exit_status) == ("size-mismatch", 3)
    assert str(error) == "blob: has 3 bytes (copy it again)"
    assert [finding.code for finding in findings.found][:2] == ["no-end-marker", "orphan"]


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (Where(), ""),
        (Where(member="index.json", field="manifests[2].size"), "index.json: manifests[2].size"),
        (Where(image="demo:1", layer=0, member="m"), "demo:1: layer 0: m"),
        (Where(member="m", offset=0), "m: offset 0"),
        (Where(file="in.tar", image="demo:1", field="os"), "in.tar: demo:1: os"),
    ],
)
def test_a_place_reads_from_the_outside_in(where: Where, text: str) -> None:
    assert str(where) == text


def test_a_place_goes_whole_from_a_finding_to_an_error_and_back() -> None:
    where = Where(image="demo:1", layer=2, member="m", field="os", offset=7)
    finding = Finding(
        code="truncated", severity=Severity.ERROR, message="is cut", where=where, hint="copy it"
    )
    with pytest.raises(DamagedError) as caught:
        FailFast().add(finding)
    assert caught.value.where is where
    findings = Findings()
    findings.damage(caught.value)
    assert findings.found == [finding]


def test_a_source_is_named_where_no_file_is() -> None:
    for given, expected in ((Where(member="m"), "in.tar: m: x"), (Where(file="y"), "y: x")):
        with pytest.raises(DamagedError) as caught, damage_in("in.tar"):
            raise DamagedError(code="truncated", what="x", where=given)
        assert str(caught.value) == expected


def test_a_finding_reads_as_one_line() -> None:
    finding = Finding(
        code="orphan",
        severity=Severity.WARNING,
        message="is odd",
        where=Where(member="m"),
        hint="do x",
    )
    assert str(finding) == "m: is odd (do x)"
    assert str(Finding(code="orphan", severity=Severity.NOTE, message="is odd")) == "is odd"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.UsageError, 2),
        (errors.NotAnImageError, 3),
        (errors.DamagedError, 3),
        (errors.SelectionError, 4),
        (errors.DestinationError, 5),
        (errors.TargetError, 6),
    ],
)
def test_each_error_knows_its_exit_status(kind: type[LayoutError], status: int) -> None:
    code: dict[str, Any] = {"code": "truncated"} if kind is errors.DamagedError else {}
    error = kind(what="it happened", where=Where(member="here"), hint="do that", **code)
    assert isinstance(error, LayoutError)
    assert error.exit_status == status
    assert str(error) == "here: it happened (do that)"
    assert str(kind(what="it happened", **code)) == "it happened"
