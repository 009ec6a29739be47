"""Every rule, target and field of `layout check` is in the documents."""

from __future__ import annotations

import re
from pathlib import Path

from oci_layout.targets.rules import RULES
from oci_layout.targets.target import ENGINES
from tests.targets.test_command import SCHEMA

ROOT = Path(__file__).resolve().parents[2]


def joined(path: str) -> str:
    """A document on one line."""
    return " ".join((ROOT / path).read_text(encoding="utf-8").split())


def test_every_rule_is_listed() -> None:
    text = (ROOT / "docs/check.md").read_text(encoding="utf-8")
    assert re.findall(r"^### `([a-z0-9-]+)`$", text, re.MULTILINE) == list(RULES)
    line = joined("docs/check.md")
    for rule in RULES.values():
        assert f"The engine {rule.says}." in line, rule.code
        assert f"Known by: {rule.source}." in line, rule.code


def test_every_target_and_field_is_listed() -> None:
    text = joined("docs/check.md")
    for name in ENGINES:
        assert re.search(rf"`{name}(@[0-9.+a-z-]+)?`", text), name
    schema = SCHEMA.schema["properties"]
    target = schema["targets"]["items"]["properties"]
    image = target["images"]["items"]["properties"]
    for field in (*schema, *target, *image):
        assert re.search(rf"[`.]{field}`", text), field
