"""Nothing of an image becomes markup, and no text is without an end."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from oci_layout.page.markup import LONGEST, Markup, bar, code, data, first, table, tag, text
from oci_layout.page.sizes import size_tree
from oci_layout.rootfs.usage import FileNode
from tests.page.made import EVIL


class Reader(HTMLParser):
    """What a page says, as an HTML parser sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.mark.parametrize("evil", EVIL)
def test_a_text_stays_a_text_as_content_and_as_attribute(evil: str) -> None:
    made = tag("p", evil, code(evil), title=evil, data_v=evil)
    found = read(made)
    assert found.tags == ["p", "code"]
    assert found.attributes == ["title", "data-v"]


@pytest.mark.parametrize("evil", EVIL)
def test_a_table_of_texts_is_a_table(evil: str) -> None:
    made = table([(evil, "num"), (evil, "")], [[evil, evil]], caption=evil, find=evil)
    assert read(made).tags.count("td") == 2
    assert {"script", "img", "style"}.isdisjoint(read(made).tags)


def test_a_cell_that_looks_like_one_is_none() -> None:
    """What begins as a cell does is one only where it was made here."""
    made = table([("a", "")], [["<td><script>"]], caption="c")
    assert "&lt;td&gt;&lt;script&gt;" in made


@pytest.mark.parametrize("evil", EVIL)
def test_data_cannot_end_its_element(evil: str) -> None:
    made = data([evil, 1], "x")
    inside = re.sub(r"^<script[^>]*>|</script>$", "", made)
    assert "<" not in inside
    assert json.loads(inside) == [evil, 1]


def test_what_is_not_seen_is_written_out() -> None:
    assert text("a\u202eb\x00\x1b[0m\ud800") == "a\\u202eb\\x00\\x1b[0m\\ud800"


def test_a_text_has_an_end() -> None:
    made = text("x" * (LONGEST + 7))
    assert made.endswith(" … and 7 characters more")
    assert len(made) < LONGEST + 40


def test_markup_is_not_escaped_twice() -> None:
    assert tag("b", tag("i", "<")) == "<b><i>&lt;</i></b>"
    assert isinstance(tag("b"), Markup)


def test_a_bar_has_no_style_of_its_own() -> None:
    made = bar(1, 4)
    assert "style" not in made
    assert 'width="25.00%"' in made
    assert 'width="0%"' in bar(0, 0)


def test_the_first_of_many() -> None:
    assert first([1, 2, 3], 2, "row") == ([1, 2], '<p class="dim">and 1 more row</p>')
    assert first([1], 2, "row") == ([1], "")


def folder_of(**children: FileNode) -> FileNode:
    node = FileNode(0, 0, folder=True)
    node.children = dict(children)
    node.size = sum(each.size for each in children.values())
    node.files = sum(each.files for each in children.values())
    return node


def file_of(size: int, layer: int = 0) -> FileNode:
    return FileNode(size, layer, folder=False)


def test_large_files_have_names_and_small_ones_a_sum() -> None:
    root = folder_of(a=folder_of(big=file_of(90, 2), small=file_of(1)), b=file_of(5), c=file_of(0))
    assert size_tree(root, 10_000) == [
        "",
        96,
        [["a", 91, [["big", 90, 2], ["small", 1, 0]], 2, 0, 0], ["b", 5, 0]],
        4,
        1,
        0,
    ]
    assert size_tree(root, 70) == ["", 96, [["a", 91, [["big", 90, 2]], 2, 1, 1]], 4, 2, 5]


@pytest.mark.parametrize("budget", [0, 100, 5_000, 40_000])
def test_a_tree_keeps_to_its_budget(budget: int) -> None:
    """Names that escape to six times their length count with all of it."""
    root = folder_of(**{f"\u202e<{n}>" * 20: file_of(n + 1) for n in range(2_000)})
    made = data(size_tree(root, budget), "x")
    assert len(made) <= budget * 2 + 200


def test_folders_without_end_are_summed_up() -> None:
    node = folder_of(f=file_of(7))
    for _ in range(2_000):
        node = folder_of(d=node)
    found = size_tree(node, 1_000_000)
    depth = 0
    while found[2]:
        depth, found = depth + 1, found[2][0]
    assert depth < 100
    assert found[5] == 7
