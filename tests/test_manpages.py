"""The manual pages: made of the commands, up to date, and read by those who show them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oci_layout.cli.verbs import VERBS, commands_of
from tests.pages import ROOT

PAGES = ("layout", *(f"layout-{verb}" for verb in VERBS))
EACH = pytest.mark.parametrize("page", PAGES)
NO_DATE = "missing date"  # a date would change pages that say the same


def test_they_say_what_the_commands_are_asked(tmp_path: Path) -> None:
    """Where this fails, ``scripts/manpages`` writes them anew."""
    subprocess.run([sys.executable, ROOT / "scripts/manpages", tmp_path], check=True)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert made.keys() == {f"{page}.1" for page in PAGES}
    there = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "man").iterdir()}
    assert there == made


def test_pages_of_verbs_that_are_gone_go(tmp_path: Path) -> None:
    for name in ("layout-mend.1", "other.1"):
        (tmp_path / name).touch()
    subprocess.run([sys.executable, ROOT / "scripts/manpages", tmp_path], check=True)
    assert not (tmp_path / "layout-mend.1").exists()
    assert (tmp_path / "other.1").exists()


@EACH
def test_mandoc_has_nothing_against_it(page: str) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "style", ROOT / f"man/{page}.1"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if NO_DATE not in line]
    assert told == []


@EACH
def test_man_shows_it(page: str) -> None:
    """Every option, as it is typed."""
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    done = subprocess.run(
        ["man", "--warnings", "-l", ROOT / f"man/{page}.1"],
        env={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "MANWIDTH": "200",
            "MAN_KEEP_FORMATTING": "",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    shown = re.sub(".\b", "", done.stdout)
    verb = page.removeprefix("layout").removeprefix("-")
    every = [option for each in commands_of(verb) for option in each.options] if verb else []
    for option in every:
        for flag in option.flags:
            assert re.search(rf"^ +(-\w, )?{flag}\b", shown, re.MULTILINE), flag
