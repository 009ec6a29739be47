"""The page in a real browser: driven, looked at for what it complains of, and for what it asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oci_layout import report_page
from tests.browser import Browser, browser, needs_chromium
from tests.page.made import hostile, ordinary

pytestmark = needs_chromium
SIZES = "[...document.querySelectorAll('[data-find=files] tbody tr')]"
WIDER = """[...document.querySelectorAll('body *')].filter(each =>
    !each.closest('.wide, .map') && each.scrollWidth > document.documentElement.clientWidth + 1
).map(each => each.outerHTML.slice(0, 200))"""
CONTRAST = """(() => {
    const light = (text) => {
        const parts = text.match(/[\\d.]+/g).map(Number);
        const [r, g, b] = parts.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92
            : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const behind = (each) => {
        for (let at = each; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!colour.endsWith(', 0)') && colour !== 'transparent') return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const bad = [];
    for (const each of document.querySelectorAll('p, td, th, dt, dd, span, b, code, a, summary')) {
        if (!each.textContent.trim() || !each.getClientRects().length) continue;
        const a = light(getComputedStyle(each).color), b = light(behind(each));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) bad.push(each.outerHTML.slice(0, 150) + ' ' + ratio.toFixed(2));
    }
    return bad.slice(0, 5);
})()"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    image, evil = ordinary(folder / "image"), hostile(folder / "hostile")
    report_page(image, folder / "ordinary.html")
    report_page(evil, folder / "hostile.html")
    report_page(image, folder / "diff.html", against=evil)
    return folder


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def quiet(tab: Browser) -> None:
    """Nothing was complained of, and nothing but the page was asked for."""
    tab.do("new Promise(done => setTimeout(done, 50))")
    assert tab.complaints == []
    assert all(each.startswith(("file:", "data:,")) for each in tab.requests), tab.requests


def require_readable(tab: Browser, page: Path, width: int, *, dark: bool) -> None:
    """A page opens, nothing of it is wider than the window, and all its text stands out."""
    tab.see(width=width, dark=dark)
    tab.open(page)
    assert tab.do("document.documentElement.scrollWidth") <= width
    assert tab.do(WIDER) == []
    assert tab.do(CONTRAST) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", ["ordinary", "hostile", "diff"])
def test_a_page_fits_and_can_be_read(
    tab: Browser, pages: Path, page: str, width: int, dark: bool
) -> None:
    require_readable(tab, pages / f"{page}.html", width, dark=dark)
    background = tab.do("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    quiet(tab)


def test_nothing_of_a_hostile_image_becomes_markup(tab: Browser, pages: Path) -> None:
    tab.see()
    tab.open(pages / "hostile.html")
    assert tab.do("document.querySelectorAll('img, iframe, object, form').length") == 0
    assert tab.do("document.querySelectorAll('script').length") == 2
    assert tab.do("document.querySelector('.map').textContent.includes('<img src=')")
    assert tab.do("document.body.textContent.includes('</script><script>alert(1)')")
    tab.do("[...document.querySelectorAll('th button')].forEach(each => each.click())")
    for _ in range(4):
        tab.do("document.querySelector('.map button')?.click()")
    quiet(tab)


def test_a_script_that_comes_in_does_not_run(tab: Browser, pages: Path, tmp_path: Path) -> None:
    """The policy stands behind the escaping: what would get past it does not run, nor ask."""
    page = (pages / "ordinary.html").read_text()
    worse = "<script>window.ran = 1</script><img src=https://evil.example/x onerror='ran = 2'>"
    (tmp_path / "page.html").write_text(page.replace("<main>", f"<main>{worse}"))
    tab.open(tmp_path / "page.html")
    assert tab.do("window.ran") is None
    assert any("Content Security Policy" in each for each in tab.complaints)
    assert [each for each in tab.requests if "evil" in each] == tab.blocked


def test_tables_are_sorted_by_number_and_by_text(tab: Browser, pages: Path) -> None:
    tab.see()
    tab.open(pages / "ordinary.html")
    values = f"{SIZES}.map(row => Number(row.cells[1].dataset.v))"
    head = "document.querySelectorAll('[data-find=files] th')"
    tab.do(f"{head}[1].querySelector('button').click()")
    down = tab.do(values)
    assert down == sorted(down, reverse=True)
    tab.do(f"{head}[1].querySelector('button').click()")
    assert tab.do(values) == sorted(down)
    assert tab.do(f"{head}[1].getAttribute('aria-sort')") == "ascending"
    tab.do(f"{head}[0].querySelector('button').click()")
    assert tab.do(f"{head}[1].getAttribute('aria-sort')") is None
    first = tab.do(f"{SIZES}[0].cells[0].textContent")
    assert first.startswith("/etc/")
    quiet(tab)


def test_tables_are_filtered(tab: Browser, pages: Path) -> None:
    tab.open(pages / "ordinary.html")
    tab.do("document.querySelector('input[name=find-files]').focus()")
    for char in "SRV/":
        tab.press(char, ord(char), char)
    left = tab.do(f"{SIZES}.filter(row => !row.hidden).map(row => row.cells[0].textContent)")
    assert left
    assert all(each.startswith("/srv/") for each in left)
    count = tab.do("document.querySelector('input[name=find-files]').nextSibling.textContent")
    assert count == f"{len(left)} of 100"
    quiet(tab)


def test_the_treemap_opens_folders_and_goes_back(tab: Browser, pages: Path) -> None:
    """By click, and by keys alone."""
    tab.see()
    tab.open(pages / "ordinary.html")
    where = "[...document.querySelectorAll('.crumbs > :not(.dim)')].map(e => e.textContent)"
    assert tab.do(where) == ["/"]
    assert tab.do("document.querySelectorAll('.map .cell').length") > 20
    tab.do(
        "[...document.querySelectorAll('.map button')].find(e => "
        "e.textContent.startsWith('srv/')).click()"
    )
    assert tab.do(where) == ["/", "srv"]
    tab.press("Tab", 9)  # the heading has the focus: the next is what the map begins with
    assert tab.do("document.activeElement.className").startswith("cell")
    tab.press("Enter", 13, "\r")
    assert tab.do(where) == ["/", "srv", "app"]
    tab.do("document.querySelector('.crumbs button').click()")
    assert tab.do(where) == ["/"]
    quiet(tab)


def test_the_treemap_shows_sizes_as_areas(tab: Browser, pages: Path) -> None:
    tab.see()
    tab.open(pages / "ordinary.html")
    found = tab.do(
        "[...document.querySelectorAll('.map > .cell')].map(e => "
        "[e.offsetLeft, e.offsetTop, e.offsetWidth, e.offsetHeight])"
    )
    whole = tab.do("(e => [e.clientWidth, e.clientHeight])(document.querySelector('.map'))")
    areas = sum(w * h for _, _, w, h in found)
    assert abs(areas - whole[0] * whole[1]) < whole[0] * whole[1] * 0.02
    for x, y, w, h in found:
        assert x >= 0
        assert y >= 0
        assert x + w <= whole[0] + 1
        assert y + h <= whole[1] + 1


@pytest.mark.parametrize("page", ["ordinary", "hostile", "diff"])
def test_a_page_prints(tab: Browser, pages: Path, page: str) -> None:
    """On paper nothing scrolls: all of it has to fit."""
    tab.see()
    tab.open(pages / f"{page}.html")
    tab.see_paper(720)
    assert tab.do("document.documentElement.scrollWidth") <= 720
    tables = "[...document.querySelectorAll('table')].map(each => each.scrollWidth)"
    assert max(tab.do(tables)) <= 720
    assert tab.do(
        "document.querySelectorAll('.find').length && "
        "getComputedStyle(document.querySelector('.find')).display"
    ) in (0, "none")
    assert tab.pdf().startswith(b"%PDF-")


def test_a_page_works_without_a_script(pages: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as tab:
        tab.without_scripts()
        tab.see()
        tab.open(pages / "ordinary.html")
        shown = tab.call("DOM.getDocument", depth=-1)
        assert "/var/cache/apt/archives/big.deb" in str(shown)
        assert "find-files" not in str(shown)  # no field that would do nothing
        quiet_requests = [each for each in tab.requests if not each.startswith("file:")]
        assert quiet_requests == []
