"""The tables of docs/formats.md: what the rules of ``layout check`` say of each form."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import zstandard

from oci_layout import check
from oci_layout.targets.answer import Answer
from oci_layout.targets.target import USUAL
from tests.builders import (
    make_image,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.legacy import steps_of, write_v1
from tests.pages import read, section

PAGE = "docs/formats.md"
HOST = "linux/amd64"
FILES = {"etc/a": b"a"}, {"etc/b": b"b"}
RAW, ZSTD = (
    make_image([*FILES], compression=packed, names=("demo:1",)) for packed in ("none", "zstd")
)
OTHER = make_image([{"etc/c": b"c"}], names=("other:1",))
Make = Callable[[Path], Path]


def _outer(pack: Callable[[bytes], bytes], suffix: str) -> Make:
    def make(folder: Path) -> Path:
        path = folder / f"outer{suffix}"
        path.write_bytes(pack(write_hybrid_archive([RAW], folder / "inner.tar").read_bytes()))
        return path

    return make


FORMS: Mapping[str, Mapping[str, Make]] = {
    "Archives": {
        "docker save to 24": lambda folder: write_docker_archive([RAW], folder / "a.tar"),
        "hybrid": lambda folder: write_hybrid_archive([RAW], folder / "a.tar"),
        "hybrid, zstd": lambda folder: write_hybrid_archive([ZSTD], folder / "a.tar"),
        "OCI": lambda folder: write_oci_archive([RAW], folder / "a.tar"),
        "OCI, zstd": lambda folder: write_oci_archive([ZSTD], folder / "a.tar"),
        "V1": lambda folder: write_v1(steps_of(*FILES), folder / "a.tar", "demo:1"),
    },
    "What else an archive may be": {
        "hybrid, zstd as Docker's": lambda folder: write_hybrid_archive(
            [ZSTD], folder / "a.tar", family="docker"
        ),
        "hybrid, 2 images": lambda folder: write_hybrid_archive([RAW, OTHER], folder / "a.tar"),
        "OCI, 2 images": lambda folder: write_oci_archive([RAW, OTHER], folder / "a.tar"),
        "hybrid, .tar.gz": _outer(lambda data: gzip.compress(data, mtime=0), ".tar.gz"),
        "hybrid, .tar.zst": _outer(zstandard.ZstdCompressor().compress, ".tar.zst"),
    },
    "Folders": {
        "OCI layout": lambda folder: write_oci_layout([RAW], folder / "a"),
        "dir:": lambda folder: write_dir(RAW, folder / "a"),
    },
}


def _cell(answer: Answer) -> str:
    return "yes" if answer.loads else f"[no](check.md#{answer.reasons[0].rule.code})"


def table(forms: Mapping[str, Make], folder: Path) -> list[str]:
    """A row for each target, a column for each form; a no leads to the rule."""
    columns, targets = [], []
    for number, make in enumerate(forms.values()):
        place = folder / str(number)
        place.mkdir()
        report = check(make(place), targets=USUAL, platform=HOST)
        targets = [f"`{answer.target}`" for answer in report.answers]
        columns.append([_cell(answer) for answer in report.answers])
    rows = [("engine", *forms), ("-",) * (len(forms) + 1)]
    rows += zip(targets, *columns, strict=True)
    return [f"| {' | '.join(row)} |" for row in rows]


@pytest.mark.parametrize("heading", FORMS)
def test_the_table_is_what_check_says(heading: str, tmp_path: Path) -> None:
    made = table(FORMS[heading], tmp_path)
    shown = [line for line in section(read(PAGE), heading).splitlines() if line.startswith("|")]
    assert shown == made, "\n".join(["the rules say:", *made])
