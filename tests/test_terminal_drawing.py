"""The recorded terminal of the README: made by its script, up to date, and only a drawing."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.browser import browser, needs_chromium
from tests.pages import ROOT

FILE = ROOT / "docs/terminal.svg"
SVG = "{http://www.w3.org/2000/svg}"


def test_it_shows_what_the_commands_print(tmp_path: Path) -> None:
    """Where this fails, ``scripts/record-terminal`` records it anew."""
    made = tmp_path / "terminal.svg"
    subprocess.run([sys.executable, ROOT / "scripts/record-terminal", made], check=True)
    assert FILE.read_text(encoding="utf-8") == made.read_text(encoding="utf-8")


def test_it_is_small_and_asks_for_nothing() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(text) < 60_000
    used = {each.tag.removeprefix(SVG) for each in ET.fromstring(text).iter()}  # noqa: S314  ours
    assert used == {"svg", "title", "style", "g", "rect", "circle", "text"}
    assert not re.search(r"url\(|@import|@font-face|href|\bon\w+=", text)
    assert re.findall(r"https?:[^\"]*", text) == ["http://www.w3.org/2000/svg"]


def test_readme_begins_with_it() -> None:
    assert "](docs/terminal.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")[:1000]


@needs_chromium
def test_each_scene_in_a_browser(tmp_path: Path) -> None:
    """One scene at a time; without movement the first one, whole."""
    shown = (
        "[...document.querySelectorAll('text')].filter("
        "each => getComputedStyle(each).visibility === 'visible').length"
    )
    at = "for (const each of document.getAnimations()) {{ each.pause(); each.currentTime = {}; }}"
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    with browser(tmp_path) as tab:
        tab.call("Emulation.setEmulatedMedia", media="", features=[still])
        tab.open(FILE)
        assert tab.do("document.getAnimations().length") == 0
        first = tab.do(shown)
        assert first > 5
        for dark in (False, True):
            tab.see(dark=dark)
            tab.open(FILE)
            tab.do(at.format(100))
            assert tab.do(shown) == 2, "the prompt and what is being typed"
            tab.do(at.format(8000))
            assert tab.do(shown) == first
            assert tab.complaints == []
            assert tab.requests == [FILE.as_uri()]
