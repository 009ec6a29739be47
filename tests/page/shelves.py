"""Reports of shelves to look at: the lines of JSON as a batch writes them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from oci_layout.batchlines.kinds import Status, Verb
from oci_layout.batchlines.values import SourceReport, Summary
from tests.page.made import EVIL

ERROR = "cut short, before the list of its images (copy the file again)"


def inside(*images: tuple[tuple[str, ...], str]) -> dict[str, Any]:
    """What ``repack`` and ``verify`` report of names and platforms."""
    return {"images": [{"names": list(names), "platform": each} for names, each in images]}


def one(number: int, status: Status = Status.DONE, **fields: Any) -> SourceReport:
    """What became of a source."""
    report = fields.pop(
        "report", inside(((f"registry.example/team/app-{number}:1",), "linux/arm64"))
    )
    packed = zlib.compress(json.dumps(report).encode()) if report is not None else b""
    told: dict[str, Any] = {
        "source": f"shelf/2024/app-{number:05d}.tar",
        "verb": Verb.VERIFY,
        "status": status,
        "size": 1_000 * number + 7,
        "seconds": number / 8,
        "packed": packed,
    }
    return SourceReport(**{**told, **fields})


def failed(number: int, **fields: Any) -> SourceReport:
    """A source that failed."""
    said = {"error": f"shelf/2024/app-{number:05d}.tar: {ERROR}", "exit_status": 3, "report": None}
    return one(number, Status.FAILED, **{**said, **fields})


def summary(*sources: SourceReport) -> Summary:
    """The last line of a run."""
    counts = {each: sum(one.status is each for one in sources) for each in Status}
    return Summary(verb=Verb.VERIFY, counts=counts, passed={"others": 3}, bytes=9, seconds=12.5)


def shelf(path: Path, sources: Iterable[SourceReport], *, ended: bool = True) -> Path:
    """A file of the lines of a run, with the last one where it ended."""
    every = list(sources)
    lines: list[SourceReport | Summary] = [*every, summary(*every)] if ended else [*every]
    path.write_text("".join(f"{each.line()}\n" for each in lines), encoding="ascii")
    return path


def many(count: int) -> Iterator[SourceReport]:
    """A shelf as people have it: one of a hundred fails, some have not changed."""
    for number in range(count):
        if number % 100 == 99:
            yield failed(number)
        else:
            yield one(number, Status.UNCHANGED if number % 3 else Status.DONE)


def hostile() -> Iterator[SourceReport]:
    """Script wherever a line has a text."""
    for number, text in enumerate(EVIL):
        report = inside(((text, text), text))
        yield failed(number, source=text, error=text, result=text, report=report)
    yield one(90, source="shelf/\udcff.tar")
