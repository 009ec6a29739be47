"""What the pages show is what the command prints: every command of a page is run and compared."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    # page, and the heading of the section whose commands are run; none for the whole page
    ("README.md", "## Are they the same image?"),
    ("README.md", "## Will it load?"),
    ("docs/why-digests-differ.md", ""),
    ("docs/screens.md", ""),
]
COLUMNS = {"docs/screens.md": "120"}  # of the terminal; 80 elsewhere
LEFT_OUT = "..."  # a line that stands for any number of lines


@dataclass(frozen=True)
class Shown:
    """A command, and what the page says it prints."""

    page: str
    command: str
    output: tuple[str, ...]


def section(text: str, heading: str) -> str:
    """A section up to the next heading of its level; the whole page without a heading."""
    if not heading:
        return text
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no section {heading!r}"
    return re.split(rf"^{level} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def shown(page: str, heading: str) -> list[Shown]:
    """The commands of the indented blocks: ``$ layout ...``, and the lines that follow."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    for line in section((ROOT / page).read_text(encoding="utf-8"), heading).splitlines():
        if line.startswith("    $ "):
            inside = True
            found.append((line.removeprefix("    $ "), []))
        elif inside and (line.startswith("    ") or not line):
            found[-1][1].append(line.removeprefix("    "))
        else:
            inside = False
    return [Shown(page, command, tuple(_trimmed(output))) for command, output in found]


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def matches(expected: tuple[str, ...], actual: tuple[str, ...]) -> bool:
    """Whether lines are the expected ones; ``...`` stands for any number of them."""
    if LEFT_OUT not in expected:
        return expected == actual
    pattern = "".join(
        r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(line) + "\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual)) is not None


@pytest.mark.parametrize(("page", "heading"), PAGES)
def test_a_page_shows_what_is_printed(page: str, heading: str, tmp_path: Path) -> None:
    """In order and in one folder: a command may use what one before it wrote."""
    (tmp_path / "testdata").symlink_to(ROOT / "testdata")
    commands = shown(page, heading)
    assert commands, "the page shows no command"
    environment = {**os.environ, "COLUMNS": COLUMNS.get(page, "80"), "PYTHONPATH": str(ROOT)}
    for each in commands:
        program, *arguments = shlex.split(each.command)
        assert program == "layout", each.command
        done = subprocess.run(
            [sys.executable, "-m", "oci_layout", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        actual = tuple((done.stdout + done.stderr).splitlines())
        assert matches(each.output, actual), f"{each.command} prints:\n" + "\n".join(actual)


def test_what_matches() -> None:
    assert matches(("a", "...", "c"), ("a", "b", "b", "c"))
    assert matches(("a", "..."), ("a",))
    assert not matches(("a", "...", "c"), ("a", "b"))
    assert not matches(("a",), ("a", "b"))
