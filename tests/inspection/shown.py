"""What `inspect` says of a source, as a value held against its schema, and as text."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from oci_layout import inspect
from oci_layout.cli.cells import cells
from oci_layout.cli.inspected import render
from oci_layout.inspection.report import InspectReport
from oci_layout.model.reporttext import json_text
from tests.shared import ROOT


@cache
def schema() -> Draft202012Validator:
    """The schema that the documentation holds."""
    value = json.loads((ROOT / "docs" / "inspect.schema.json").read_text())
    Draft202012Validator.check_schema(value)
    return Draft202012Validator(value)


def seen(source: Path, **how: Any) -> InspectReport:
    """What is inside; with `largest`, of the layers too."""
    return inspect(str(source), **({**how, "layers": True} if "largest" in how else how))


def tree(source: Path, **how: Any) -> dict[str, Any]:
    """The value that --json prints, once it is known to be valid."""
    report = seen(source, **how)
    value: dict[str, Any] = json.loads(json_text(report))
    assert json.loads(json.dumps(report.to_json())) == value
    schema().validate(value)
    return value


def text(source: Path, width: int = 80, *, history: bool = False, **how: Any) -> str:
    """What people see, once it is known to fit."""
    lines = render(seen(source, **how), width, history=history)
    for line in lines:
        longest = max(map(cells, line.split()), default=0)
        assert cells(line) <= width or longest > width - 24, line
        assert line == line.rstrip(), line
    return "\n".join(lines) + "\n"


def nodes(value: dict[str, Any], kind: str = "image") -> list[dict[str, Any]]:
    """All nodes of a kind, in order."""
    found: list[dict[str, Any]] = []
    waiting = list(value["roots"])
    while waiting:
        node = waiting.pop(0)
        if node["type"] == kind:
            found.append(node)
        waiting = [*node.get("children", []), *waiting]
    return found
