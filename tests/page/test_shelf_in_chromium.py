"""The page of a shelf in a real browser: sorted, filtered, at the width of a telephone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from oci_layout import report_page
from tests.browser import Browser, browser, needs_chromium
from tests.page.shelves import failed, hostile, many, shelf
from tests.page.test_in_chromium import quiet, require_readable

pytestmark = needs_chromium
ROWS = "[...document.querySelectorAll('[data-find=sources] tbody tr')]"
HEADS = "[...document.querySelectorAll('[data-find=sources] th')]"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    long = failed(3, source=f"shelf/{'deep' * 90}.tar", error="x" * 3_000)
    for name, sources in (
        ("ordinary", [*many(300), long]),
        ("hostile", list(hostile())),
        ("large", list(many(20_000))),
        ("long", list(many(1_100))),
    ):
        report_page(shelf(folder / name, sources), folder / f"{name}.html")
    return folder


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def press(tab: Browser, column: int) -> list[str]:
    """Sort by a column; the values of its cells then."""
    tab.do(f"{HEADS}[{column}].querySelector('button').click()")
    found: list[str] = tab.do(
        f"{ROWS}.map(row => row.cells[{column}].dataset.v ?? row.cells[{column}].textContent)"
    )
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", ["ordinary", "hostile", "long"])
def test_it_fits_and_can_be_read(
    tab: Browser, pages: Path, page: str, width: int, dark: bool
) -> None:
    require_readable(tab, pages / f"{page}.html", width, dark=dark)
    quiet(tab)


def test_nothing_of_a_report_becomes_markup(tab: Browser, pages: Path) -> None:
    tab.see()
    tab.open(pages / "hostile.html")
    assert tab.do("document.querySelectorAll('img, iframe, object, form').length") == 0
    assert tab.do("document.querySelectorAll('script').length") == 1
    for column in range(6):
        press(tab, column)
    quiet(tab)


def test_each_column_sorts(tab: Browser, pages: Path) -> None:
    tab.see()
    tab.open(pages / "ordinary.html")
    assert all("failed" in each for each in tab.do(f"{ROWS}.slice(0, 4).map(e => e.textContent)"))
    sources = press(tab, 0)
    numbers = [int(found[1]) for each in sources if (found := re.search(r"app-(\d+)", each))]
    assert numbers == sorted(numbers)
    assert len(numbers) == 300
    became = press(tab, 1)
    assert became == sorted(became)
    assert set(became) == {"done", "failed", "unchanged"}
    errors = press(tab, 2)
    assert errors[0] == ""
    assert press(tab, 2)[0] != ""
    assert press(tab, 3)[0] == ""
    for column in (4, 5):
        down = [float(each) for each in press(tab, column)]
        assert down == sorted(down, reverse=True)
        up = [float(each) for each in press(tab, column)]
        assert up == sorted(down)
        assert tab.do(f"{HEADS}[{column}].getAttribute('aria-sort')") == "ascending"
    quiet(tab)


def test_it_is_filtered(tab: Browser, pages: Path) -> None:
    """Twenty thousand rows, too, and what is sorted then stays filtered."""
    tab.see()
    tab.open(pages / "large.html")
    assert tab.do(f"{ROWS}.length") == 1_000
    tab.do("document.querySelector('input[name=find-sources]').focus()")
    for char in "FAILED":
        tab.press(char, ord(char), char)
    left = f"{ROWS}.filter(row => !row.hidden)"
    assert tab.do(f"{left}.length") == 200
    assert tab.do(f"{left}.every(row => row.cells[1].textContent === 'failed')")
    count = tab.do("document.querySelector('input[name=find-sources]').nextSibling.textContent")
    assert count == "200 of 20000"
    sizes = [float(each) for each in press(tab, 4)]
    assert sizes == sorted(sizes, reverse=True)
    assert tab.do(f"{left}.length") == 200
    assert shown(tab) == ("200 of 200 shown", "")
    quiet(tab)


def shown(tab: Browser) -> tuple[str, str]:
    """What is said below the table, and on the button there; empty where it is hidden."""
    words, button = tab.do(
        "(line => [line.firstChild.textContent, line.lastChild.hidden ? '' :"
        " line.lastChild.textContent])(document.querySelector('.more'))"
    )
    return words, button


def test_thousands_are_shown_when_they_are_asked_for(tab: Browser, pages: Path) -> None:
    """Sorted and filtered are all of them, whatever is shown."""
    tab.see()
    tab.open(pages / "large.html")
    assert shown(tab) == ("1,000 of 20,000 shown", "show 1,000 more")
    assert press(tab, 4)[0] == str(1_000 * 19_999 + 7)
    assert press(tab, 4)[0] == "7"
    assert tab.do(f"{ROWS}.length") == 1_000
    tab.do("document.querySelector('.more button').click()")
    assert shown(tab) == ("2,000 of 20,000 shown", "show 1,000 more")
    assert tab.do(f"{ROWS}.length") == 2_000
    sizes = [float(each) for each in press(tab, 4)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 2_000
    tab.do(
        "(input => { input.value = 'app-012'; input.dispatchEvent(new Event('input')); })"
        "(document.querySelector('input[name=find-sources]'))"
    )
    assert shown(tab) == ("100 of 100 shown", "")
    assert tab.do(f"{ROWS}.every(row => row.textContent.includes('app-012'))")
    quiet(tab)


def test_it_prints(tab: Browser, pages: Path) -> None:
    tab.see()
    tab.open(pages / "ordinary.html")
    tab.see_paper(720)
    assert tab.do("document.documentElement.scrollWidth") <= 720
    assert tab.do("document.querySelector('table').scrollWidth") <= 720
    assert tab.do("getComputedStyle(document.querySelector('.find')).display") == "none"
    assert tab.pdf().startswith(b"%PDF-")


def test_it_works_without_a_script(pages: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as tab:
        tab.without_scripts()
        tab.see()
        tab.open(pages / "ordinary.html")
        shown = str(tab.call("DOM.getDocument", depth=-1))
        assert "app-00298.tar" in shown
        assert shown.index("app-00099.tar") < shown.index("app-00000.tar")
        assert "find-sources" not in shown  # no field that would do nothing
        assert "JavaScript" not in shown
        tab.open(pages / "long.html")
        shown = str(tab.call("DOM.getDocument", depth=-1))
        assert "The first 1000 of 1100 sources; the others take JavaScript." in shown
        assert [each for each in tab.requests if not each.startswith("file:")] == []
