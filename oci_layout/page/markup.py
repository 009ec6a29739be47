"""HTML as values: a text becomes part of a page through ``text`` alone, which escapes it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from oci_layout.counting import plural
from oci_layout.model import gojson
from oci_layout.plain import shallow
from oci_layout.wording import shown, size_text

LONGEST = 2_000  # characters of one text on a page: those of hostile images have no end


class Markup(str):
    """A piece of HTML, made here."""

    __slots__ = ()


def text(value: object, most: int = LONGEST) -> Markup:
    """A text as HTML shows it: nothing in it is a tag, ends an attribute or is invisible.

    Args:
        value: from an image or anywhere.
        most: characters; what is beyond is counted.
    """
    if isinstance(value, Markup):
        return value
    whole = str(value)
    cut = whole[:most]
    more = f" … and {plural(len(whole) - most, 'character')} more" if len(whole) > most else ""
    return Markup(html.escape(shown(cut) + more, quote=True))


def join(parts: Iterable[object]) -> Markup:
    """Pieces one after the other; texts among them are escaped."""
    return Markup("".join(map(text, parts)))


_VOID = {"meta", "link", "rect", "input"}


def tag(name: str, /, *inside: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: of it.
        inside: elements and texts.
        attributes: ``class_`` stands for class, ``data_v`` for data-v; None for an absent one, True
            for one without a value.
    """
    start = _start(name, **attributes)
    return start if name in _VOID else Markup(f"{start}{join(inside)}</{name}>")


def _start(name: str, /, **attributes: object) -> Markup:
    told = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        word = key.rstrip("_").replace("_", "-")
        told += f" {word}" if value is True else f' {word}="{text(value)}"'
    return Markup(f"<{name}{told}>" if name != "rect" else f"<{name}{told}/>")


def size(value: int | None) -> Markup:
    """A size as people read it, with the number of bytes behind it."""
    if value is None:
        return tag("span", "not known", class_="dim")
    return tag("span", size_text(value), title=f"{value:,} bytes")


def bar(value: int, most: int, kind: str = "", part: int = 0) -> Markup:
    """A bar, without a style of its own: a page allows none.

    Args:
        value: what it stands for.
        most: what the longest stands for.
        kind: a word for its colour.
        part: of the value, drawn over it.
    """
    drawn = [tag("rect", class_="whole", width=_share(value, most), height="10")]
    if part:
        drawn.append(tag("rect", class_="part", width=_share(part, most), height="10"))
    return tag("svg", *drawn, class_=f"bar {kind}".strip(), height="10", aria_hidden="true")


def _share(value: int, most: int) -> str:
    return f"{100 * value / most:.2f}%" if most else "0%"


def pairs(rows: Iterable[tuple[str, object]]) -> Markup:
    """A list of names and what stands for each; rows that say nothing are left out."""
    parts: list[Markup] = []
    for name, value in rows:
        if value not in (None, ""):
            parts += [tag("dt", name), tag("dd", value)]
    return tag("dl", *parts) if parts else Markup("")


def table(
    head: Iterable[tuple[str, str]],
    rows: Iterable[Iterable[object]],
    *,
    caption: str,
    sort: bool = True,
    find: str = "",
) -> Markup:
    """A table, which scrolls by itself where it is too wide.

    Args:
        head: title and class of each column; of class ``num`` those of numbers.
        rows: of cells; one that is no ``td`` becomes one.
        caption: what it is, for those who cannot see it.
        sort: whether a script may sort it.
        find: what a script may let people filter it for.
    """
    columns = list(head)
    body = (row(each, columns) for each in rows)
    return Markup("".join(table_pieces(columns, body, caption=caption, sort=sort, find=find)))


def row(cells: Iterable[object], head: Iterable[tuple[str, str]]) -> Markup:
    """A row of a table.

    Args:
        cells: one for each column; one that is no ``td`` becomes one.
        head: title and class of each column.
    """
    return tag("tr", *(_cell(cell, kind) for cell, (_, kind) in zip(cells, head, strict=True)))


def table_pieces(
    head: Iterable[tuple[str, str]],
    rows: Iterable[Markup],
    *,
    caption: str,
    sort: bool = True,
    find: str = "",
    at_once: int | None = None,
    left: str = "",
) -> Iterator[Markup]:
    """The same table piece by piece, of rows that need not be in memory at once.

    Args:
        head: title and class of each column; of class ``num`` those of numbers.
        rows: as ``row`` makes them.
        caption: what it is, for those who cannot see it.
        sort: whether a script may sort it.
        find: what a script may let people filter it for.
        at_once: rows that are shown; a script shows others when it is asked to. None for all.
        left: what is said below a table with others.
    """
    titles = [tag("th", title, scope="col", class_=kind or None) for title, kind in head]
    box = _start("div", class_="wide", tabindex="0", role="region", aria_label=caption)
    yield box
    yield _start("table", class_="sorts" if sort else None, data_find=find or None)
    yield tag("caption", caption, class_="unseen")
    yield tag("thead", tag("tr", *titles))
    yield Markup("<tbody>")
    every = iter(rows)
    yield from islice(every, at_once)
    yield Markup("</tbody></table></div>")
    first_left = next(every, None)
    if first_left is not None:
        yield _start("template", class_="rest")
        yield first_left
        yield from every
        yield Markup("</template>")
        yield tag("p", left, class_="dim")


def _cell(value: object, kind: str) -> Markup:
    if isinstance(value, Markup) and value.startswith("<td"):
        return value
    return tag("td", "" if value is None else value, class_=kind or None)


def number(value: float, *inside: object) -> Markup:
    """A cell that is sorted by a number; the number itself where nothing else is shown."""
    return tag("td", *(inside or (f"{value:,}",)), class_="num", data_v=value)


def code(value: object, most: int = LONGEST) -> Markup:
    """A text as it stands in a document."""
    return tag("code", text(value, most))


def document(value: Any) -> Markup:
    """A JSON value on one line."""
    lines = gojson.show(value, told=shallow).splitlines()  # none is within a text
    return code(" ".join(line.strip() for line in lines))


def data(value: Any, name: str) -> Markup:
    """A value for the script of the page, as JSON in which nothing ends the element."""
    told = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    for char in "<>&":
        told = told.replace(char, f"\\u{ord(char):04x}")
    return Markup(f'<script type="application/json" id="{text(name)}">{told}</script>')


def first(values: Iterable[object], most: int, what: str) -> tuple[list[Any], Markup]:
    """The first of many, and a line that says how many more there are.

    Args:
        values: all.
        most: how many are shown.
        what: a word for one.
    """
    every = list(values)
    left = len(every) - most
    more = tag("p", f"and {plural(left, f'more {what}')}", class_="dim") if left > 0 else Markup("")
    return every[:most], more
