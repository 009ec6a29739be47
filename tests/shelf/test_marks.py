"""Marks change with what they stand for, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits
from oci_layout.plan.request import Format, Repack
from oci_layout.shelf import marks
from tests.builders import write_oci_layout
from tests.builders.shelves import app


def repack(**options: Any) -> str:
    return marks.of_request("repack", Repack(to=Format.OCI, **options), strict=False)


def test_a_request() -> None:
    assert repack() == repack() == repack(jobs=3, tmp="/x", force=True)
    others = [repack(pure=True), repack(images=["a"]), repack(compression="gzip:3")]
    others.append(marks.of_request("verify", Repack(to=Format.OCI), strict=False))
    others.append(marks.of_request("repack", Repack(to=Format.OCI), strict=True))
    assert len({repack(), *others}) == 6


def test_files_that_a_request_names(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text("a=b\n")
    before = repack(name_files=[str(rules)])
    assert repack(name_files=[str(rules)]) == before
    rules.write_text("a=c2\n")
    assert repack(name_files=[str(rules)]) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "index.json").write_bytes(b"{}"),
        lambda folder: os.utime(folder / "index.json", (1, 1)),
        lambda folder: (folder / "more").touch(),
        lambda folder: (folder / "oci-layout").unlink(),
        lambda folder: os.utime(next((folder / "blobs/sha256").iterdir()), (1, 1)),
    ],
)
def test_a_folder(change: object, tmp_path: Path) -> None:
    folder = write_oci_layout([app(1)], tmp_path / "x")
    before, result = marks.of_folder(str(folder)), marks.of_result(str(folder))
    assert before.size == sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    assert marks.of_folder(str(folder)) == before
    change(folder)  # type: ignore[operator]
    assert marks.of_folder(str(folder)) != before
    assert marks.of_result(str(folder)) != result


def test_a_folder_that_is_too_deep_or_too_full_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_oci_layout([app(1)], tmp_path / "x")
    assert marks.of_folder(str(folder)).mark
    monkeypatch.setattr(limits, "MARKED_FILES", 3)
    assert not marks.of_folder(str(folder)).mark
    monkeypatch.undo()
    (folder / "a/b/c/d/e").mkdir(parents=True)
    assert not marks.of_folder(str(folder)).mark


def test_what_is_no_result(tmp_path: Path) -> None:
    assert marks.of_result(str(tmp_path / "absent")) == ""
    (tmp_path / "link").symlink_to("/etc/hostname")
    assert marks.of_result(str(tmp_path / "link")) == ""


def test_renaming_changes_no_mark(tmp_path: Path) -> None:
    """A result is marked in the stage, before it has its place."""
    folder = write_oci_layout([app(1)], tmp_path / "a/x")
    (tmp_path / "b").mkdir()
    before = marks.of_result(str(folder))
    folder.rename(tmp_path / "b/y")
    assert marks.of_result(str(tmp_path / "b/y")) == before


def test_content(tmp_path: Path) -> None:
    folder = write_oci_layout([app(1)], tmp_path / "x")
    other = write_oci_layout([app(1)], tmp_path / "y")
    digest = marks.digest_of([str(folder)])
    assert marks.digest_of([str(other)]) == digest
    (other / "index.json").write_bytes(b"{}")
    assert marks.digest_of([str(other)]) != digest
    index = str(folder / "index.json")
    assert marks.digest_of([index]) != marks.digest_of([index, index])
