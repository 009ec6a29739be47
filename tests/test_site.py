"""The site of the pages: whole, in need of nothing from elsewhere, and with a search that finds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser import Browser, browser, needs_chromium
from tests.pages import PAGES, README, ROOT

pytest.importorskip("sphinx", reason="Sphinx is not installed: scripts/venv --docs")

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
ELSEWHERE = re.compile(r"(?:url\(|@import|fetch\(|import\(|\.src\s*=)\s*[\"']?(?:https?:)?//")
LINKED = ("docs", "oci_layout", "scripts", "testdata", "tests")
NARROW = 400
SHOWN = ("index", "docs/repack", "docs/formats", "docs/api", "docs/findings")
BEYOND = """[...document.querySelectorAll('article *')].filter(each =>
    !each.closest('.table-wrapper, pre') &&
    each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map(each => each.outerHTML.slice(0, 200))"""


def run(checkout: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Build the site of a checkout."""
    command = [sys.executable, *map(str, (checkout / "scripts/site", *words))]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "site"
    done = run(ROOT, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder}/index.html\n"
    return folder


class Page(HTMLParser):
    """What a page loads, where it leads, and what in it can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.anchors.add(str(found["id"]))
        if found.get(LOADED.get(tag, "")):
            self.loads.append(str(found[LOADED[tag]]))
        if tag == "a" and found.get("href"):
            self.leads.append(str(found["href"]))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {each: Page(each.read_text(encoding="utf-8")) for each in site.rglob("*.html")}


def test_every_page_is_there_and_in_the_navigation(site: Path, pages: dict[Path, Page]) -> None:
    expected = {page.removesuffix(".md") + ".html" for page in PAGES if page != README}
    expected |= {f"{path.stem}.html" for path in ROOT.glob("*.md") if path.name != README}
    assert expected <= {str(path.relative_to(site)) for path in pages}
    text = (site / "index.html").read_text(encoding="utf-8")
    navigation = text[text.index('class="sidebar-tree"') : text.index('class="main"')]
    assert expected <= set(re.findall(r'href="([^"#]+)"', navigation))


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for target in page.loads:
            assert not urlsplit(target).netloc, f"{path.name} loads {target}"
            assert not urlsplit(target).scheme, f"{path.name} loads {target}"
    for path in (*site.rglob("*.css"), *site.rglob("*.js"), *pages):
        if path.name != "searchindex.js":
            found = ELSEWHERE.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path.name}: {found}"


def test_every_link_leads_to_a_place(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for target in (*page.leads, *page.loads):
            parts = urlsplit(target)
            if parts.scheme in ("https", "mailto"):
                continue
            assert not parts.scheme, f"{path.name}: {target}"
            assert not parts.netloc, f"{path.name}: {target}"
            found = (
                Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            )
            assert found.is_file(), f"{path.name}: {target}"
            if parts.fragment and found in pages:
                assert unquote(parts.fragment) in pages[found].anchors, f"{path.name}: {target}"


def test_no_path_of_this_machine_is_in_it(site: Path) -> None:
    for path in site.rglob("*"):
        if path.is_file():
            assert os.fsencode(ROOT) not in path.read_bytes(), path


def stubs(checkout: Path) -> None:
    """A checkout with the same pages, of a title each."""
    for name in LINKED:
        (checkout / name).mkdir()
    for path in (ROOT / "LICENSE", ROOT / "pyproject.toml"):
        shutil.copy(path, checkout)
    shutil.copy(ROOT / "scripts/site", checkout / "scripts")
    shutil.copytree(ROOT / "docs/site", checkout / "docs/site")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "testdata/README.md"):
        (checkout / path.relative_to(ROOT)).write_text(f"# {path.stem}\n", encoding="utf-8")


def test_what_is_wrong_stops_it(tmp_path: Path) -> None:
    """All of it is told at once, and the site that was there before stays."""
    stubs(tmp_path)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    terms = "# Terms\n\n[one](absent.md), [other](names.md#lost)\n"
    (tmp_path / "docs/terms.md").write_text(terms, encoding="utf-8")
    (tmp_path / "docs/forgotten.md").write_text("# In no navigation\n", encoding="utf-8")
    done = run(tmp_path)
    assert done.returncode != 0
    for told in ("terms.md:3", "absent.md", "lost", "forgotten.md", "toctree"):
        assert told in done.stderr, done.stderr
    assert (tmp_path / "dist/site/index.html").is_file()


def test_the_page_of_the_api_is_up_to_date(tmp_path: Path) -> None:
    """Where this fails, ``scripts/apipage`` writes it anew."""
    made = tmp_path / "api.md"
    subprocess.run([sys.executable, ROOT / "scripts/apipage", made], check=True)
    assert made.read_text(encoding="utf-8") == (ROOT / "docs/api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def asked_of_others(tab: Browser) -> list[str]:
    return [url for url in tab.requests if not url.startswith(("file:", "data:"))]


@needs_chromium
@pytest.mark.parametrize("page", SHOWN)
def test_a_narrow_window_shows_all_of_a_page(site: Path, tab: Browser, page: str) -> None:
    tab.see(width=NARROW)
    tab.open(site / f"{page}.html")
    assert tab.do("document.documentElement.scrollWidth") <= NARROW
    assert tab.do(BEYOND) == []
    assert asked_of_others(tab) == []
    assert tab.complaints == []


@needs_chromium
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("volumes", "docs/volumes.html"),
        ("dead host", "docs/rescue.html"),
        ("needs-manifest-json", "docs/check.html"),
        ("diffid-mismatch", "docs/findings.html"),
    ],
)
def test_the_search_finds_from_a_file(site: Path, tab: Browser, words: str, page: str) -> None:
    tab.see()
    tab.open(site / "index.html")
    tab.do("document.querySelector('input[name=q]').focus()")
    tab.call("Input.insertText", text=words)
    tab.press("Enter", 13, "\r")
    until = time.monotonic() + 60
    told = ""
    while "finished" not in told and time.monotonic() < until:  # results come one by one
        time.sleep(0.05)
        told = tab.do("document.querySelector('.search-summary')?.textContent ?? ''")
    found = tab.do("[...document.querySelectorAll('ul.search a')].map(each => each.href)")
    assert any(f"/{page}" in each for each in found), found
    assert asked_of_others(tab) == []
