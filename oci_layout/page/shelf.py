"""The page of a shelf: counts, and what became of each source, those that failed first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from oci_layout import limits
from oci_layout.batchlines.inside import Inside, images_in
from oci_layout.batchlines.kinds import PASSED, Status
from oci_layout.batchlines.reading import Line, Unread
from oci_layout.batchlines.values import SourceReport, Summary
from oci_layout.counting import plural
from oci_layout.page.markup import Markup, code, join, number, row, size, table_pieces, tag, text
from oci_layout.page.whole import pieces
from oci_layout.wording import size_text

_AT_ONCE = 1_000  # rows that a browser lays out: of 20,000 it is busy for seconds
_IMAGES = 4  # of one source that are named
_NAMES = 4  # of one image
_NAME = 300  # characters of a name
_ERROR = 800  # characters of an error
_HEAD = (
    ("source", "path"),
    ("became", ""),
    ("first error", "what"),
    ("images", "what"),
    ("size", "num"),
    ("time", "num"),
)
_KINDS = {Status.FAILED: "bad", Status.NO_IMAGE: "odd", Status.DONE: "good"}
_ORDER = (Status.FAILED, Status.DONE, Status.UNCHANGED, Status.NO_IMAGE)


class _Rows:
    """Rows of a table in bounded memory: where there are too many, those of failures stay."""

    def __init__(self) -> None:
        self._failed: list[bytes] = []
        self._others: list[bytes] = []
        self._bytes = 0
        self.left_out = 0

    def add(self, made: Markup, *, failed: bool) -> None:
        data = made.encode()
        while failed and self._others and not self._fits(data):
            self._bytes -= len(self._others.pop())
            self.left_out += 1
        if not self._fits(data):
            self.left_out += 1
            return
        self._bytes += len(data)
        (self._failed if failed else self._others).append(data)

    def _fits(self, data: bytes) -> bool:
        count = len(self._failed) + len(self._others)
        return count < limits.REPORT_ROWS and self._bytes + len(data) <= limits.REPORT_ROWS_BYTES

    def __len__(self) -> int:
        return len(self._failed) + len(self._others)

    def __iter__(self) -> Iterator[Markup]:
        for each in (self._failed, self._others):
            yield from (Markup(data.decode()) for data in each)


class ShelfPage:
    """The page of the lines of a batch, each of which is told of and let go.

    Args:
        path: of the file, as the user called it.
        lines: of it.
    """

    def __init__(self, path: str, lines: Iterable[Line]) -> None:
        self._path = path
        self._counts: Counter[Status] = Counter()
        self._unread: Counter[Unread] = Counter()
        self._passed: Counter[str] = Counter()
        self._verbs: set[str] = set()
        self._rows = _Rows()
        self._bytes = self._summaries = self._too_long = self._first_odd = 0
        self._seconds = 0.0
        self.images = 0
        for line in lines:
            self._take(line)

    @property
    def sources(self) -> int:
        """How many it tells of, those included that it only counts."""
        return self._counts.total()

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return self._counts[Status.FAILED]

    def _take(self, line: Line) -> None:
        said = line.said
        if isinstance(said, Unread):
            self._unread[said] += 1
            if said is not Unread.TORN and not self._first_odd:
                self._first_odd = line.number
        elif isinstance(said, Summary):
            self._summaries += 1
            self._seconds += said.seconds
            self._verbs.add(said.verb)
            self._passed.update({name: said.passed.get(name, 0) for name in PASSED})
        else:
            self._counts[said.status] += 1
            self._bytes += said.size
            self._verbs.add(said.verb)
            self._too_long += bool(said.left_out)
            self._rows.add(self._row(said, line.report), failed=said.status is Status.FAILED)

    def _row(self, said: SourceReport, report: Any) -> Markup:
        cells = (
            code(said.source),
            tag("span", str(said.status), class_=_KINDS.get(said.status, "dim")),
            text(said.error, _ERROR),
            self._images(said, report),
            number(said.size, size(said.size)),
            number(said.seconds, f"{said.seconds:.1f} s"),
        )
        return row(cells, _HEAD)

    def _images(self, said: SourceReport, report: Any) -> Markup:
        shown: list[Markup] = []
        count = 0
        for image in images_in(report):
            count += 1
            if count <= _IMAGES:
                shown.append(_image(image))
        self.images += count
        if count > _IMAGES:
            told = f"and {plural(count - _IMAGES, 'more image')}"
            shown.append(tag("div", told, class_="dim"))
        if said.left_out:
            shown.append(tag("div", f"a report of {size_text(said.left_out)}", class_="dim"))
        return join(shown)

    def pieces(self) -> Iterator[str]:
        """The page, piece by piece."""
        return pieces(self._path, self._inside())

    def _inside(self) -> Iterator[Markup]:
        verbs = " and ".join(f"layout batch {each}" for each in sorted(self._verbs))
        told = f"what became of {plural(self.sources, 'source')} of a shelf: {verbs}"
        yield tag("header", tag("h1", self._path), tag("p", told))
        yield self._tiles()
        yield join(tag("p", each) for each in self._remarks())
        yield Markup("<main>")
        if len(self._rows):
            every = _sources(len(self._rows))
            told = f"The first {_AT_ONCE} of {every}; the others take JavaScript."
            yield from table_pieces(
                _HEAD,
                self._rows,
                caption="sources",
                find="sources",
                at_once=_AT_ONCE,
                left=told,
            )
        yield Markup("</main>")

    def _tiles(self) -> Markup:
        tiles: list[tuple[str, object, str]] = [
            ("source" if self.sources == 1 else "sources", f"{self.sources:,}", "")
        ]
        for status in _ORDER:
            count = self._counts[status]
            kind = _KINDS.get(status, "") if count else ""
            tiles.append((str(status), f"{count:,}", kind))
        tiles.append(("image" if self.images == 1 else "images", f"{self.images:,}", ""))
        tiles.append(("size of all sources", size(self._bytes), ""))
        if self._summaries:
            tiles.append(("time of the run", f"{self._seconds:,.1f} s", ""))
        inside = [
            tag("div", tag("b", value, class_=kind or None), tag("span", name))
            for name, value, kind in tiles
        ]
        return tag("div", *inside, class_="tiles")

    def _remarks(self) -> Iterator[str]:
        """What people must know to trust the counts."""
        passed = [plural(count, PASSED[name]) for name, count in self._passed.items() if count]
        if passed:
            yield f"Passed over on the shelf: {', '.join(passed)}."
        if self._unread[Unread.TORN]:
            yield "The last line of the report is cut off, and passed over."
        if not self._summaries:
            yield "The report has no last line that counts: its run goes on, or was ended early."
        odd = self._unread[Unread.OTHER] + self._unread[Unread.LONG]
        if odd:
            what = f"{plural(odd, 'line')} of the report, the first of them line {self._first_odd}"
            yield f"Passed over, since no batch writes such lines: {what}."
        if self._too_long:
            yield f"Too long to be in the report: what is inside of {_sources(self._too_long)}."
        if self._rows.left_out:
            left = f"{_sources(self._rows.left_out)}; those that failed come first"
            yield f"Counted, and not in the list, which would be too long: {left}."


def _sources(count: int) -> str:
    return plural(count, "source")


def _image(image: Inside) -> Markup:
    names = [code(each, _NAME) for each in image.names[:_NAMES]]
    parts: list[object] = []
    for each in names or [text("no name")]:
        parts += [each, " "]
    more = len(image.names) - _NAMES
    if more > 0:
        parts.append(tag("span", f"and {plural(more, 'more name')} ", class_="dim"))
    parts.append(tag("span", text(image.platform, _NAME), class_="dim"))
    return tag("div", *parts)
