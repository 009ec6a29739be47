"""Before a commit, before a push and in CI the same scripts run, and all of them are here."""

from __future__ import annotations

import os
import re

from tests.pages import ROOT, read

CONFIG = read(".pre-commit-config.yaml")


def test_nothing_is_fetched() -> None:
    assert re.findall(r"\brepo: (\S+)", CONFIG) == ["local"]
    assert set(re.findall(r"\blanguage: (\S+)", CONFIG)) == {"system"}


def test_hooks_are_the_scripts_of_ci() -> None:
    entries = re.findall(r"\bentry: (.+)", CONFIG)
    assert entries == ["scripts/lint", "scripts/test"]
    assert all(os.access(ROOT / each, os.X_OK) for each in entries)
    assert "\nscripts/lint\n" in read("scripts/test")
    assert "scripts/test" in read(".ci/run")
