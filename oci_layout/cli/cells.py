"""Text by the cells it takes on a terminal: East Asian letters take two, accents none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_DOTS = "..."
_LONGEST = 16_000  # characters of one text that a person reads; --json has all of it
_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")  # they join the letter before them


def _cell(char: str) -> int:
    # Python's own tables are enough: what they do not know is not printable, and is escaped.
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    if _JAMO.match(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cells(text: str) -> int:
    """Columns that a printable text takes."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def clipped(text: str, room: int) -> str:
    """A text in so many columns: its end gives way to dots."""
    if cells(text) <= room:
        return text
    return next(_pieces(text, max(0, room - len(_DOTS)))) + _DOTS[: max(0, room)]


def _pieces(text: str, room: int) -> Iterator[str]:
    piece, taken = "", 0
    for char in text:
        size = _cell(char)
        if taken + size > room:
            yield piece
            piece, taken = "", 0
        piece += char
        taken += size
    yield piece


def folded(
    text: str, width: int, first: str, hanging: str, *, lines: int = 0, spaces: bool = False
) -> list[str]:
    """A text on lines of a width.

    A word that is too long for a line stays whole while it is ASCII, so that a digest can be
    copied; scripts that put no spaces between words are broken anywhere.

    Args:
        text: printable.
        width: columns of the terminal.
        first: what the first line begins with.
        hanging: what the others begin with.
        lines: as many at most, the last clipped; 0 for all.
        spaces: whether several spaces side by side stay so inside a line; else they are one.
    """
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + _DOTS
    made, line, empty = [], first, True
    for space, word in _words(text, spaces=spaces):
        if not empty and cells(line) + len(space) + cells(word) > width:
            made.append(line)
            line, empty = hanging, True
        room = width - cells(line)
        if empty and cells(word) > room and not word.isascii():
            *full, word = _pieces(word, max(2, width - max(cells(first), cells(hanging))))  # noqa: PLW2901
            for piece in full:
                made.append(line + piece)
                line = hanging
        line += word if empty else space + word
        empty = False
    made.append(line.rstrip())
    if lines and len(made) > lines:
        rest = " ".join(line.strip() for line in made[lines:])
        made = [*made[: lines - 1], clipped(f"{made[lines - 1]} {rest}", width)]
    return made


def _words(text: str, *, spaces: bool) -> Iterator[tuple[str, str]]:
    """Words, each with what stands before it."""
    for match in re.finditer(r"(\s*)(\S+)", text):
        yield match[1] if spaces and set(match[1]) == {" "} else " ", match[2]


def columns(rows: Iterable[tuple[str, ...]], indent: str = "") -> list[str]:
    """Rows with their cells aligned; the last one of each is left ragged."""
    table = list(rows)
    if not table:
        return []
    widths = [max(cells(row[n]) for row in table) for n in range(len(table[0]) - 1)]
    return [
        indent
        + "  ".join(
            [left(each, width) for each, width in zip(row, widths, strict=False)] + [row[-1]]
        ).rstrip()
        for row in table
    ]


def wrapped(text: str, width: int, indent: str, hanging: str) -> list[str]:
    """A text on as many lines as it takes; none for nothing. Its spaces stay as they are."""
    return folded(text, width, indent, hanging, spaces=True) if text.strip() else []


def right(text: str, width: int) -> str:
    """A text with spaces before it."""
    return " " * (width - cells(text)) + text


def left(text: str, width: int) -> str:
    """A text with spaces after it."""
    return text + " " * (width - cells(text))
