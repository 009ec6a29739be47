"""The pages of the project as blocks: what stands between fences, and in which language.

``console`` shows commands after ``$`` and what they print; ``...`` stands for any number of lines.
``sh`` is run and must succeed. ``pycon`` is a session of Python, with what it prints. ``text`` and
``json`` are nothing to run.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = "README.md"
PAGES = [
    README,
    "CONTRIBUTING.md",
    "SECURITY.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
]
RUN = ("console", "sh", "pycon")
LANGUAGES = (*RUN, "text", "json")
LEFT_OUT = "..."  # a line that stands for any number of lines

_SECONDS = re.compile(r"\b\d+\.\d s\b")


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Args:
        line: of the first fence, from 1.
    """

    page: str
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True)
class Shown:
    """A command, and what the page says it prints."""

    command: str
    output: tuple[str, ...]


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str, page: str = "") -> list[Block]:
    found: list[Block] = []
    inside: list[str] | None = None
    language, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if inside is None and line.startswith("```"):
            language, start, inside = line.removeprefix("```"), number, []
        elif inside is not None and line == "```":
            found.append(Block(page, start, language, tuple(inside)))
            inside = None
        elif inside is not None:
            inside.append(line)
    assert inside is None, f"{page}:{start}: a block without an end"
    return found


def prose(text: str) -> list[str]:
    """The lines that stand outside of fences."""
    kept, inside = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            kept.append(line)
    return kept


def spans(text: str) -> list[str]:
    """What stands between single backticks, outside of fences."""
    joined = "\n".join(prose(text))
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", joined)]


def section(text: str, heading: str) -> str:
    """A section of the second level, without its heading.

    Raises:
        AssertionError: there is none.
    """
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, f"there is no section {heading!r}"
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def shown(block: Block) -> list[Shown]:
    """The commands of a ``console`` block, each with the lines that follow it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.lines:
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            assert found, f"{block.page}:{block.line}: output before any command"
            found[-1][1].append(line)
    assert found, f"{block.page}:{block.line}: no command"
    return [Shown(command, _trimmed(output)) for command, output in found]


def _trimmed(lines: list[str]) -> tuple[str, ...]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return tuple(lines)


def matches(expected: tuple[str, ...], actual: tuple[str, ...]) -> bool:
    """Whether lines are the expected ones, however many seconds they tell."""
    expected = tuple(_SECONDS.sub("0.0 s", line) for line in expected)
    actual = tuple(_SECONDS.sub("0.0 s", line) for line in actual)
    if LEFT_OUT not in expected:
        return expected == actual
    pattern = "".join(
        r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(line) + "\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual)) is not None


def bash(
    command: str,
    folder: Path,
    environment: Mapping[str, str],
    options: str = "-u",
    seconds: int = 120,
) -> tuple[int, str]:
    """Run a command; its exit status, and what a terminal shows of both streams.

    Nothing that it has begun outlives it.
    """
    with subprocess.Popen(
        ["bash", options, "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as begun:
        try:
            printed, _ = begun.communicate(timeout=seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(begun.pid, signal.SIGKILL)
    return begun.returncode, printed
