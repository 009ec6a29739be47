"""What results are called, and which names are ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oci_layout.plan.request import Format
from oci_layout.shelf.names import is_ours, result_of, state_beside


@pytest.mark.parametrize(
    ("below", "parts", "archive", "folder"),
    [
        ("a/x.tar", 1, "a/x.tar", "a/x"),
        ("x.tar.gz", 1, "x.tar", "x"),
        ("x.TGZ", 1, "x.tar", "x"),
        ("x.gz", 1, "x.tar", "x"),
        ("layout", 1, "layout.tar", "layout"),
        ("v1.2", 1, "v1.2.tar", "v1.2"),
        ("image.bin", 1, "image.bin.tar", "image.bin"),
        (".tar", 1, ".tar.tar", ".tar"),
        ("x.volumes.json", 3, "x.tar", "x"),
        ("x.tar.partaa", 2, "x.tar", "x"),
        ("x.tar.00", 2, "x.tar", "x"),
        ("x.tar.gz.part-aa", 2, "x.tar", "x"),
        ("x.tar.00", 1, "x.tar.00.tar", "x.tar.00"),
    ],
)
def test_results(below: str, parts: int, archive: str, folder: str) -> None:
    assert result_of(below, parts, Format.OCI) == archive
    assert result_of(below, parts, Format.DOCKER) == archive
    assert result_of(below, parts, Format.DIR) == folder
    assert result_of(below, parts, Format.REGISTRY) == folder


@pytest.mark.parametrize(
    "name", [".x.layout-batch", ".x.tar.layout-0123abcd.tmp", ".x\n.layout-batch"]
)
def test_ours(name: str) -> None:
    assert is_ours(name)


@pytest.mark.parametrize("name", ["x.layout-batch", ".layout-batch", ".x.layout-0123.tmp", ".x"])
def test_not_ours(name: str) -> None:
    assert not is_ours(name)


def test_where_the_record_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_beside(f"{tmp_path}/out/") == f"{tmp_path}/.out.layout-batch"
    long = state_beside(str(tmp_path / ("x" * 255)))
    assert len(os.path.basename(long)) <= 255
    assert is_ours(os.path.basename(long))
    monkeypatch.setattr(os.path, "ismount", lambda _path: True)
    inside = state_beside(str(tmp_path))
    assert os.path.dirname(inside) == str(tmp_path)
    assert is_ours(os.path.basename(inside))
