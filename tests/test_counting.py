"""Numbers of things are said as people say them, everywhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from oci_layout.counting import plural
from tests.test_architecture import EACH, parsed

_COUNTED = re.compile(r" (more )?[a-z_]+s\b")


@pytest.mark.parametrize(
    ("number", "word", "said"),
    [
        (0, "layer", "0 layers"),
        (1, "layer", "1 layer"),
        (2, "layer", "2 layers"),
        (1, "entry", "1 entry"),
        (3, "entry", "3 entries"),
        (2, "key", "2 keys"),
        (2, "index", "2 indexes"),
        (2, "opaque folder", "2 opaque folders"),
        (2, "diff_id", "2 diff_ids"),
    ],
)
def test_plural(number: int, word: str, said: str) -> None:
    assert plural(number, word) == said


@EACH
def test_no_message_counts_by_itself(path: Path) -> None:
    """A count before a word in the plural is wrong for one of them: ``1 layers``."""
    for text in ast.walk(parsed(path)):
        if not isinstance(text, ast.JoinedStr):
            continue
        for count, word in zip(text.values, text.values[1:], strict=False):
            if not isinstance(count, ast.FormattedValue) or not isinstance(word, ast.Constant):
                continue
            counts = any(
                isinstance(node, ast.Call) and ast.unparse(node.func) in ("len", "sum")
                for node in ast.walk(count.value)
            ) and not ast.unparse(count.value).startswith("plural(")
            said = str(word.value)
            assert not (counts and _COUNTED.match(said)), f"{path.name}:{text.lineno}: {said!r}"
