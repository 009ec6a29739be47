"""The help, as lines: of the command, and of each verb."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from oci_layout.cli.asked import HELP, Command, Group, Parameter
from oci_layout.cli.parsing import bounds

_LINE = 78  # columns at most: longer lines are hard to read
_LEAST = 50  # columns, however narrow the terminal
_FIRST = 30  # columns for the names of options; what is longer has a line of its own
_GAP = 2


def paragraphs(text: str) -> list[str]:
    """A docstring as paragraphs, each without line ends."""
    parts = re.split(r"\n\s*\n", text.strip())
    return [" ".join(part.split()) for part in parts if part.strip()]


def of_all(
    summary: str, verbs: Mapping[str, str], options: Iterable[Parameter], epilog: str
) -> list[str]:
    """The help of the whole command.

    Args:
        summary: one line.
        verbs: with what each does.
        options: of the command itself.
        epilog: the last paragraph.
    """
    width = _width()
    return [
        "Usage: layout [OPTIONS] COMMAND [ARGS]...",
        *_text(summary, width),
        *_table("Options", [(_names(each), _meaning(each)) for each in (*options, HELP)], width),
        *_table("Commands", list(verbs.items()), width),
        *_text(epilog, width),
    ]


def of_verb(verb: str, command: Command, examples: Sequence[str]) -> list[str]:
    """The help of a verb.

    Args:
        verb: its name.
        command: what it is asked.
        examples: command lines.
    """
    width = _width()
    places = " ".join(["[OPTIONS]", *(each.metavar for each in command.arguments)])
    lines = [f"Usage: layout {verb} {places}"]
    for each in paragraphs(command.text):
        lines += _text(each, width)
    lines += _table("Arguments", [(a.metavar, _meaning(a)) for a in command.arguments], width)
    lines += _table("Options", [(_names(o), _meaning(o)) for o in command.options], width)
    return [*lines, "", "  Examples:", *(f"    {each}" for each in examples)]


def of_group(verb: str, group: Group, examples: Sequence[str]) -> list[str]:
    """The help of a verb that stands before others.

    Args:
        verb: its name.
        group: what may follow.
        examples: command lines.
    """
    width = _width()
    lines = [f"Usage: layout {verb} COMMAND [ARGS]..."]
    for each in paragraphs(group.text):
        lines += _text(each, width)
    lines += _table("Options", [(_names(HELP), _meaning(HELP))], width)
    lines += _table("Commands", list(group.verbs.items()), width)
    return [*lines, "", "  Examples:", *(f"    {each}" for each in examples)]


def _width() -> int:
    return max(min(shutil.get_terminal_size().columns - 2, _LINE), _LEAST)


def _text(text: str, width: int) -> list[str]:
    return ["", *textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")]


def value_of(option: Parameter) -> str:
    """What stands for the value of an option; empty for a flag."""
    if option.flag:
        return ""
    return option.metavar or f"<{'|'.join(option.words)}>"


def spellings(option: Parameter) -> list[str]:
    """All spellings of an option, the short ones first."""
    return sorted(option.flags, key=lambda each: each.startswith("--"))


def _names(option: Parameter) -> str:
    return f"{', '.join(spellings(option))} {value_of(option)}".rstrip()


def remarks(parameter: Parameter) -> list[str]:
    """What the help adds: the usual value, bounds, whether it must be given."""
    found = []
    if parameter.default not in (None, False, ""):
        found.append(f"default: {parameter.default}")
    if bounds(parameter):
        found.append(bounds(parameter))
    if parameter.required:
        found.append("required")
    return found


def _meaning(parameter: Parameter) -> str:
    added = "; ".join(remarks(parameter))
    return f"{parameter.help}  [{added}]" if added else parameter.help


def _table(title: str, rows: list[tuple[str, str]], width: int) -> list[str]:
    """Names, and beside them what they mean."""
    if not rows:
        return []
    first = min(max(len(name) for name, _ in rows), _FIRST) + _GAP
    lines = ["", f"{title}:"]
    for name, meaning in rows:
        folded = textwrap.wrap(meaning, max(width - first - 2, 10))
        if len(name) > first - _GAP:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:<{first}}{folded.pop(0)}")
        lines += [f"  {'':<{first}}{each}" for each in folded]
    return lines
