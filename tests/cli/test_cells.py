"""Text by the cells of a terminal."""

from __future__ import annotations

import pytest

from oci_layout.cli.cells import cells, clipped, columns, folded, left, right, wrapped


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("\u00fc", 1),
        ("u\u0308", 1),
        ("\u6f22\u5b57", 4),
        ("\uff21", 2),
        ("\u20e3", 0),
        ("\U0001f433", 2),  # an emoji
        ("\u1112\u1161\u11ab", 2),  # one Hangul syllable out of three letters
        ("\ud55c", 2),
    ],
)
def test_cells(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "lo..."),
        ("\u6f22\u5b57\u6f22\u5b57", 8, "\u6f22\u5b57\u6f22\u5b57"),
        ("\u6f22\u5b57\u6f22\u5b57", 7, "\u6f22\u5b57..."),
        ("\u6f22\u5b57\u6f22\u5b57", 6, "\u6f22..."),
        ("longer", 2, ".."),
        ("longer", 0, ""),
    ],
)
def test_clipped(text: str, room: int, expected: str) -> None:
    assert clipped(text, room) == expected
    assert cells(clipped(text, room)) <= room


def test_folded() -> None:
    assert folded("one two  three\nfour", 10, "- ", "  ") == ["- one two", "  three", "  four"]
    assert folded("", 10, "x ", "  ") == ["x"]
    assert folded("a" * 30, 10, "", "  ") == ["a" * 30]  # a digest stays whole
    assert folded("x " + "a" * 30, 10, "", "  ") == ["x", "  " + "a" * 30]
    assert folded("\u6f22" * 7, 10, "  ", "    ") == [
        "  \u6f22\u6f22\u6f22",
        "    \u6f22\u6f22\u6f22",
        "    \u6f22",
    ]
    assert folded("one two three four five", 10, "", "", lines=2) == ["one two", "three f..."]


def test_beside_each_other() -> None:
    assert right("\u6f22", 4) == "  \u6f22"
    assert left("\u6f22", 4) == "\u6f22  "
    assert right("long", 2) == "long"


def test_a_text_that_nobody_reads_is_cut() -> None:
    for letter in ("x", "\u6f22", "e\u0301", "x "):
        made = folded(letter * 1_000_000, 80, "", "  ")
        assert sum(map(len, made)) < 20_000
        assert made[-1].endswith("...")


WIDE = ("\u6f22\u5b57", "e\u0301", "\U0001f433\u1112\u1161\u11ab", "plain")


def test_columns_line_up_whatever_is_in_them() -> None:
    lines = columns([(word, f"{word}/app", "end") for word in WIDE], "  ")
    assert len({cells(line) for line in lines}) == 1
    starts = [line.partition(f"{word}/app")[0] for word, line in zip(WIDE, lines, strict=True)]
    assert len({cells(start) for start in starts}) == 1
    assert columns([]) == []
    assert columns([("a", ""), ("bbb", "c")]) == ["a", "bbb  c"]


@pytest.mark.parametrize("word", WIDE)
def test_no_line_is_wider_than_it_may_be(word: str) -> None:
    for line in wrapped(" ".join([word] * 60), 40, "  ", "    "):
        assert cells(line) <= 40
    for line in wrapped(word * 60, 40, "  ", "    ") if word != "plain" else ():
        assert cells(line) <= 40


def test_spaces_that_set_things_apart_stay() -> None:
    assert wrapped("app:1  linux/amd64", 40, "", "") == ["app:1  linux/amd64"]
    assert wrapped("app:1  linux/amd64", 12, "", "  ") == ["app:1", "  linux/amd64"]
    assert wrapped("", 40, "  ", "") == []
