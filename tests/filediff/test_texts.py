"""Small texts line by line: what comes out is what Python's own ``difflib`` makes of them."""

from __future__ import annotations

import difflib
import random

import pytest

from oci_layout import limits
from oci_layout.filediff.aligning import STEPS, align
from oci_layout.filediff.report import Room
from oci_layout.filediff.texts import unified


def ours(a: str, b: str) -> list[str]:
    one, other = (text.splitlines(keepends=True) for text in (a, b))
    return list(unified(one, other, align(one, other, rare=True)))


def applied(text: str, lines: list[str]) -> str:
    """What a patch makes of a text, read without the code under test."""
    old, at, sign = text.splitlines(keepends=True), 0, ""
    new: list[str] = []
    for line in lines:
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            begin = int(start) - (0 if count == "0" else 1)
            new += old[at:begin]
            at = begin
        elif line.startswith("\\"):
            new[-1:] = [new[-1].removesuffix("\n")] if sign != "-" else new[-1:]
        elif line[0] in " -":
            assert old[at].removesuffix("\n") == line[1:]
            new += [old[at]] if line[0] == " " else []
            at += 1
        else:
            new.append(f"{line[1:]}\n")
        sign = line[0]
    return "".join(new + old[at:])


def random_text(chance: random.Random, lines: int) -> list[str]:
    return [f"{chance.choice(['', 'a', 'b', str(chance.random())])}\n" for _ in range(lines)]


@pytest.mark.parametrize("seed", range(40))
def test_a_patch_makes_the_second_of_the_first(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  the same texts each time
    old = random_text(chance, chance.randrange(0, 300))
    new = list(old)
    for _ in range(chance.randrange(0, 12)):
        at = chance.randrange(0, len(new) + 1)
        new[at : at + chance.randrange(0, 4)] = random_text(chance, chance.randrange(0, 4))
    a, b = "".join(old), "".join(new)
    if seed % 2:
        a, b = a.removesuffix("\n"), b + "end"
    assert applied(a, ours(a, b)) == b


@pytest.mark.parametrize("seed", range(20))
def test_hunks_are_those_of_difflib(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  the same texts each time
    old = [f"{number}\n" for number in range(60)]
    new = list(old)
    for _ in range(chance.randrange(1, 6)):
        del new[chance.randrange(0, len(new))]
        new.insert(chance.randrange(0, len(new)), f"new {chance.random()}\n")
    theirs = [line.removesuffix("\n") for line in difflib.unified_diff(old, new)][2:]
    assert ours("".join(old), "".join(new)) == theirs


@pytest.mark.parametrize(
    ("a", "b", "lines"),
    [
        ("", "x\n", ["@@ -0,0 +1 @@", "+x"]),
        ("x\n", "", ["@@ -1 +0,0 @@", "-x"]),
        ("x", "x\n", ["@@ -1 +1 @@", "-x", "\\ No newline at end of file", "+x"]),
        ("a\n", "a\n", []),
    ],
)
def test_ends(a: str, b: str, lines: list[str]) -> None:
    assert ours(a, b) == lines


def test_lines_that_repeat_cost_no_time_and_no_sense() -> None:
    """Of 4,000 empty lines and a change at either end, two changes are told."""
    text = [line for number in range(2000) for line in (f"{number}\n", "\n")]
    new = ["first\n", *text[1:-2], "last\n", "\n"]
    found = ours("".join(text), "".join(new))
    assert [line for line in found if line[0] in "+-"] == ["-0", "+first", "-1999", "+last"]


def test_searches_of_one_comparison_are_bounded_together() -> None:
    room = Room()
    assert not room.spends(STEPS + 1)
    assert sum(room.spends(STEPS) for _ in range(100)) == 8
    assert align("ab", "ba", spend=lambda steps: False)[0][0] == "replace"
    assert align("ab", "ba")[0][0] == "insert"


def test_bounds_fit_each_other() -> None:
    assert limits.TEXTS_LINES >= limits.TEXT_FILES * limits.TEXT_LINES
