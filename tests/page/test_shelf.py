"""The page of a shelf as a file: what is on it, and what of a report is passed over."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oci_layout import DestinationError, NotAnImageError, UsageError, batch, limits, report_page
from oci_layout.batchlines.kinds import Status
from oci_layout.batchlines.reading import are_lines
from oci_layout.batchlines.values import SourceReport
from oci_layout.page.values import PageReport
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.command import environment
from tests.page.made import EVIL
from tests.page.shelves import ERROR, failed, hostile, inside, many, one, shelf
from tests.page.test_markup import read


def page_of(path: Path) -> tuple[PageReport, str]:
    page = path.with_suffix(".html")
    done = report_page(path, page, force=True)
    text = page.read_text(encoding="utf-8")
    assert done.size == len(text.encode())
    return done, text


def told(page: str) -> str:
    return " ".join("".join(f"{each} " for each in read(page).words).split())


def rows(page: str) -> list[str]:
    body = re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    return [" ".join(read(each).words) for each in re.findall(r"<tr>.*?</tr>", "".join(body))]


def test_what_a_batch_wrote_is_told(tmp_path: Path) -> None:
    """Of each verb, the lines that it writes."""
    (tmp_path / "shelf").mkdir()
    write_docker_archive([make_image()], tmp_path / "shelf/a.tar")
    write_oci_layout([make_image(names=("b:2",), architecture="arm64")], tmp_path / "shelf/b")
    (tmp_path / "shelf/cut.tar").write_bytes((tmp_path / "shelf/a.tar").read_bytes()[:3000])
    for verb in ("verify", "repack", "inspect"):
        lines = tmp_path / f"{verb}.jsonl"
        more = {"dest": tmp_path / "out", "to": "oci"} if verb == "repack" else {}
        batch(verb, tmp_path / "shelf", report=lines, **more)  # type: ignore[arg-type]
        done, page = page_of(lines)
        assert (done.shelved, done.failed, done.images) == (3, 1, 2)
        assert (done.sound, done.verdict) == (None, None)
        first, *others = rows(page)
        assert "cut.tar" in first
        assert "failed" in first
        (layout,) = [each for each in others if "shelf/b" in each]
        assert "b:2" in layout
        assert "linux/arm64" in layout
        assert f"layout batch {verb}" in told(page)
        assert "passed over" not in told(page)
        assert "no last line" not in page


def test_counts_and_order(tmp_path: Path) -> None:
    every = [
        one(1),
        one(2, Status.UNCHANGED),
        failed(3),
        one(4, Status.NO_IMAGE, report=None),
        failed(5),
    ]
    done, page = page_of(shelf(tmp_path / "lines", every))
    assert (done.shelved, done.failed, done.images) == (5, 2, 2)
    found = re.findall(r"app-0000(\d)", " ".join(each.split()[0] for each in rows(page)))
    assert found == ["3", "5", "1", "2", "4"]
    words = told(page)
    for text in ("5 sources", "2 failed", "1 done", "1 unchanged", "1 no image", "2 images"):
        assert text in words, text
    assert "15.0 kB size of all sources" in words
    assert "12.5 s time of the run" in words
    assert "Passed over on the shelf: 3 other files." in words
    assert ERROR in words


def test_script_in_a_report_is_text(tmp_path: Path) -> None:
    _, page = page_of(shelf(tmp_path / "lines", hostile()))
    found = read(page)
    assert found.tags.count("script") == 1
    assert {"img", "iframe"}.isdisjoint(found.tags)
    assert {"onmouseover", "onfocus", "onerror", "autofocus", "style"}.isdisjoint(found.attributes)
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "shelf/\\udcff.tar" in page
    assert len(rows(page)) == len(EVIL) + 1


def test_many_images_of_a_source_are_counted(tmp_path: Path) -> None:
    names = tuple(f"name:{n}" for n in range(9))
    report = inside(*([(names, "linux/amd64")] * 7), ((), "windows/amd64"))
    done, page = page_of(shelf(tmp_path / "lines", [one(1, report=report)]))
    assert done.images == 8
    (row,) = rows(page)
    assert row.count("and 5 more names") == 4
    assert "and 4 more images" in row


def test_platforms_below_an_index(tmp_path: Path) -> None:
    image: dict[str, Any] = {"type": "image", "platform": None, "config_platform": "linux/s390x"}
    index = {"type": "index", "names": ["multi:1"], "children": [image, {"type": "artifact"}]}
    deep: dict[str, Any] = {"type": "index", "names": ["deep:1"], "children": []}
    at = deep
    for _ in range(40):
        at["children"] = [{"type": "index", "children": []}]
        at = at["children"][0]
    at["children"] = [image]
    done, page = page_of(shelf(tmp_path / "lines", [one(1, report={"roots": [index, deep]})]))
    assert done.images == 1
    assert "multi:1" in rows(page)[0]
    assert "linux/s390x" in rows(page)[0]


@pytest.mark.parametrize(
    "report", [[], 7, {"images": 3}, {"images": [3, {"names": 4, "platform": []}]}, {"roots": [[]]}]
)
def test_a_report_of_another_form_names_nothing(tmp_path: Path, report: object) -> None:
    done, page = page_of(shelf(tmp_path / "lines", [one(1, report=report)]))
    assert done.shelved == 1
    assert len(rows(page)) == 1


def test_a_report_that_was_too_long(tmp_path: Path) -> None:
    _, page = page_of(shelf(tmp_path / "lines", [one(1, report=None, left_out=3_000_000)]))
    assert "Too long to be in the report: what is inside of 1 source." in page
    assert "a report of 3.0 MB" in page


def test_a_last_line_that_is_cut_off(tmp_path: Path) -> None:
    path = shelf(tmp_path / "lines", [one(1), one(2), failed(3)], ended=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    done, page = page_of(path)
    assert (done.shelved, done.failed) == (2, 0)
    assert "The last line of the report is cut off" in page
    assert "no last line that counts" in page
    path.write_bytes(whole[:-1])  # all of it but its end
    done, page = page_of(path)
    assert done.shelved == 3
    assert "cut off" not in page


def test_lines_that_no_batch_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REPORT_LINE_BYTES", 5_000)
    good = json.loads(one(1).line())
    bad: Sequence[object] = [
        {**good, "status": "odd"},
        {**good, "verb": None},
        {**good, "source": 3},
        {**good, "bytes": -1},
        {**good, "bytes": True},
        {**good, "bytes": 1 << 70},
        {**good, "seconds": float("nan")},
        {**good, "seconds": float("inf")},
        {**good, "seconds": "1"},
        {**good, "error": "x" * 5_000},
        {"summary": "verify", "sources": []},
        [],
        None,
    ]
    lines = [one(1).line(), *map(json.dumps, bad), "", "{", "[" * 4_000, '{"a":' * 900, "\0" * 9]
    lines += [one(2).line(), '{"source":' + "9" * 4_500 + "}", '"é"']
    path = tmp_path / "lines"
    path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    done, page = page_of(path)
    assert done.shelved == 2
    odd = len(lines) - 2
    assert f"{odd} lines of the report, the first of them line 2." in page


def test_more_than_a_page_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that failed have the room of others, however late they come."""
    monkeypatch.setattr(limits, "REPORT_ROWS", 5)
    every = [*map(one, range(7)), *map(failed, range(7, 10))]
    done, page = page_of(shelf(tmp_path / "lines", every))
    assert (done.shelved, done.failed, done.images) == (10, 3, 7)
    found = re.findall(r"app-0000(\d)\.tar ", " ".join(rows(page)))
    assert [each.split()[0][-5] for each in rows(page)] == ["7", "8", "9", "0", "1"], found
    assert "Counted, and not in the list, which would be too long: 5 sources" in page
    monkeypatch.setattr(limits, "REPORT_ROWS_BYTES", 1_000)
    _, page = page_of(tmp_path / "lines")
    assert 0 < len("".join(re.findall(r"<tbody>(.*)</tbody>", page))) <= 1_000
    assert all("failed" in each for each in rows(page))


def test_a_shelf_of_nothing(tmp_path: Path) -> None:
    done, page = page_of(shelf(tmp_path / "lines", []))
    assert (done.shelved, done.failed) == (0, 0)
    assert "0 sources" in told(page)
    assert "<table" not in page


@pytest.mark.parametrize("text", ["{}\n", '{"source": "a"}\n', "{", '{"summary": "verify"}'])
def test_another_document_is_a_source(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.jsonl").write_text(text)
    done, page = page_of(tmp_path / "x.jsonl")
    assert done.shelved is None
    assert "Is it whole?" in page


def test_lines_that_begin_with_another_are_no_source(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(f"hello\n{one(1).line()}\n")
    with pytest.raises(NotAnImageError):
        report_page(tmp_path / "x.jsonl", tmp_path / "x.html")


def test_what_is_no_file_has_no_lines(tmp_path: Path) -> None:
    """And nobody waits for the other end of a pipe."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "absent", "", "a\0b"):
        assert not are_lines(str(tmp_path / name))


def test_what_is_refused(tmp_path: Path) -> None:
    lines = shelf(tmp_path / "lines", [one(1)])
    image = write_docker_archive([make_image()], tmp_path / "a.tar")
    for pair in ((lines, image), (image, lines), (lines, lines)):
        with pytest.raises(UsageError, match="not compared") as caught:
            report_page(pair[0], tmp_path / "x.html", against=pair[1])
        assert caught.value.where.file == str(lines)
    with pytest.raises(UsageError, match="no image is read") as caught:
        report_page(lines, tmp_path / "x.html", images=["a"], quick=True)
    assert caught.value.hint.endswith(": images, quick")
    before = lines.read_bytes()
    with pytest.raises(DestinationError, match="is the source itself"):
        report_page(lines, lines, force=True)
    assert lines.read_bytes() == before
    assert not (tmp_path / "x.html").exists()


_MEASURED = """
import resource, sys
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before = peak()
from oci_layout import report_page
done = report_page(*sys.argv[1:])
print(done.shelved, done.failed, done.size, peak() - before)
"""


def measured(lines: Path, page: Path) -> list[int]:
    """Sources, failures, bytes of the page, and bytes of memory over the interpreter alone."""
    command = [sys.executable, "-c", _MEASURED, str(lines), str(page)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return [int(each) for each in done.stdout.split()]


def test_twenty_thousand_lines(tmp_path: Path) -> None:
    lines = shelf(tmp_path / "lines", many(20_000))
    sources, bad, size, memory = measured(lines, tmp_path / "x.html")
    assert (sources, bad) == (20_000, 200)
    assert size < 10_000_000
    assert memory < 100_000_000


@pytest.mark.parametrize("piece", ["{}", "[0]", '{"":{}}', "[[]]", '"\\ud83d\\ude00"'])
def test_lines_that_are_made_to_take_memory(tmp_path: Path, piece: str) -> None:
    report = "[" + ",".join([piece] * ((1 << 20) // (len(piece) + 1))) + "]"
    line = one(1, report=None).line()[: -len("null}")] + report + "}\n"
    assert len(line) < limits.REPORT_LINE_BYTES
    (tmp_path / "lines").write_text(line * 3)
    sources, _, size, memory = measured(tmp_path / "lines", tmp_path / "x.html")
    assert sources == 3
    assert size < 100_000
    assert memory < 100_000_000


def test_a_line_says_what_was_told(tmp_path: Path) -> None:
    """Written and read again, each field."""
    said = failed(3, result="out/ä", source="\udcff\x7f", left_out=5)
    assert SourceReport.of(json.loads(said.line())) == said
    path = shelf(tmp_path / "lines", [said])
    assert all(32 <= each < 127 or each == 10 for each in path.read_bytes())


def test_of_thousands_the_first_are_shown(tmp_path: Path) -> None:
    """Those that failed among them; the others are on the page, for its script."""
    _, page = page_of(shelf(tmp_path / "lines", many(1_200)))
    listed, rest = (
        rows(page),
        re.findall(r'<template class="rest">(.*?)</template>', page, re.DOTALL),
    )
    assert len(listed) == 1_000
    assert sum("failed" in each for each in listed) == 12
    assert "".join(rest).count("<tr>") == 200
    assert "The first 1000 of 1200 sources; the others take JavaScript." in told(page)
    _, page = page_of(shelf(tmp_path / "fewer", many(1_000)))
    assert "<template" not in page
