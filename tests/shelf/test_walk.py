"""What is found on a shelf, in which order, and what is passed over and counted."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack
from oci_layout.disk.folder import identity
from oci_layout.errors import NotAnImageError, UsageError
from oci_layout.shelf import marks
from oci_layout.shelf.state import Row
from oci_layout.shelf.walk import Found, Walk
from tests.builders import write_docker_archive
from tests.builders.artifacts import of_image
from tests.builders.files import write_files
from tests.builders.legacy import ids_of, steps_of
from tests.builders.registry import registry_files
from tests.builders.shelves import app, cut, put, write_shelf

EVERY = ["a/deep/app1.tar", "a/deep/app3.tar", "a/packed.tar.gz", "b/app0.tar", "b/app2.tar"]


def walked(*shelves: Path | str, **how: Any) -> tuple[list[Found], Walk]:
    walk = Walk([str(each) for each in shelves], **how)
    return list(walk), walk


def belows(*shelves: Path | str, **how: Any) -> list[str]:
    return [each.below for each in walked(*shelves, **how)[0]]


def test_sources_come_in_order_and_the_rest_is_counted(tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    found, walk = walked(shelf)
    assert [each.below for each in found] == [*EVERY, "b/layout"]
    assert [each.path for each in found] == [str(shelf / each.below) for each in found]
    assert {name: count for name, count in walk.passed.items() if count} == {
        "links": 1,
        "others": 1,
    }
    assert all(each.marked.mark and each.marked.size for each in found)


def test_what_is_a_source_its_bytes_tell(tmp_path: Path) -> None:
    archive = put(1, tmp_path / "shelf/no-suffix.bin")
    (tmp_path / "shelf/empty.tar").touch()
    (tmp_path / "shelf/text.tar").write_text("hello\n" * 200)
    (tmp_path / "shelf/zeros.tar").write_bytes(bytes(10240))
    (tmp_path / "shelf/empty.bin").touch()
    found, walk = walked(tmp_path / "shelf")
    assert [(each.below, each.sure) for each in found] == [
        ("empty.tar", True),  # called like an archive, it must be one
        (archive.name, False),
        ("text.tar", True),
        ("zeros.tar", True),
    ]
    assert walk.passed["others"] == 1


def test_an_archive_that_is_packed_and_cut_is_one(tmp_path: Path) -> None:
    """It fails when it is read; passed over, nobody would hear of it."""
    shelf = write_shelf(tmp_path / "shelf")
    packed = shelf / "a/packed.tar.gz"
    packed.write_bytes(packed.read_bytes()[:60])
    (shelf / "a/log.gz").write_bytes(packed.read_bytes())
    assert "a/packed.tar.gz" in belows(shelf)
    assert "a/log.gz" not in belows(shelf)


def test_an_archive_packed_twice(tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    twice = shelf / "a/twice.gz"
    twice.write_bytes(gzip.compress((shelf / "a/packed.tar.gz").read_bytes()))
    assert "a/twice.gz" in belows(shelf)


def test_a_folder_that_is_a_source_is_not_entered(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    write_files(registry_files([("app:1", of_image(app(1)))]), shelf / "registry")
    repack(put(2, tmp_path / "in.tar"), shelf / "dir", to="dir")
    steps = steps_of({"a": b"1"})
    (name,) = ids_of(steps)
    for file, data in (("json", b"{}"), ("layer.tar", steps[0].layer), ("VERSION", b"1.0")):
        (shelf / "v1" / name).mkdir(parents=True, exist_ok=True)
        (shelf / "v1" / name / file).write_bytes(data)
    found, _ = walked(shelf)
    assert [each.below for each in found] == ["dir", "registry", "v1"]
    marks = {each.below: each.marked.mark for each in found}
    assert marks["dir"]
    assert not marks["registry"]  # who owns it may write deep inside


def test_folders_of_other_people_are_entered(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    write_files({"manifest.json": b'{"name": "an app", "icons": []}'}, shelf / "web")
    put(1, shelf / "web/app.tar")
    assert belows(shelf) == ["web/app.tar"]


def test_a_folder_named_itself_may_be_a_source(tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    (found,), _ = walked(shelf / "b/layout")
    assert (found.below, found.sure) == ("layout", True)
    (found,), _ = walked(shelf / "b/app0.tar")
    assert (found.below, found.sure) == ("app0.tar", True)


def test_parts_of_a_file_are_one_source(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    archive = put(1, shelf / "app.tar")
    data = archive.read_bytes()
    archive.unlink()
    for number, start in enumerate(range(0, len(data), 4096)):
        (shelf / f"app.tar.{number:02}").write_bytes(data[start : start + 4096])
    (found,), _ = walked(shelf)
    assert found.below == "app.tar.00"
    assert len(found.files) == -(-len(data) // 4096)
    assert found.marked.size == len(data)
    (shelf / "app.tar.01").unlink()
    found, *_ = walked(shelf)[0]
    assert (found.below, found.sure) == ("app.tar.00", True)


def test_volumes_are_one_source(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    source = write_docker_archive([app(1), app(2)], tmp_path / "in.tar")
    repack(source, shelf / "app.tar", to="oci", volume_size="24K")
    (found,), _ = walked(shelf)
    assert found.below == "app.volumes.json"
    assert len(found.files) == len(os.listdir(shelf))
    assert found.sure


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"include": ["*.gz"]}, ["a/packed.tar.gz"]),
        ({"include": ["b/*"]}, ["b/app0.tar", "b/app2.tar", "b/layout"]),
        ({"include": ["b/*"], "exclude": ["layout"]}, ["b/app0.tar", "b/app2.tar"]),
        ({"exclude": ["a", "b"]}, []),
        ({"exclude": ["a/deep/", "layout"]}, ["a/packed.tar.gz", "b/app0.tar", "b/app2.tar"]),
        ({"include": ["app[0-1].tar"]}, ["a/deep/app1.tar", "b/app0.tar"]),
    ],
)
def test_globs(how: dict[str, list[str]], expected: list[str], tmp_path: Path) -> None:
    found, walk = walked(write_shelf(tmp_path / "shelf"), **how)
    assert [each.below for each in found] == expected
    assert walk.passed["excluded"]


def test_a_glob_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fits nothing"):
        Walk([str(tmp_path)], include=["./"])


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"])
def test_a_file_of_paths(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    monkeypatch.chdir(tmp_path)
    listed = ["shelf/b/app0.tar", str(shelf / "a"), "shelf/absent.tar", "shelf/README.md"]
    (tmp_path / "list").write_text(end.join(listed) + end)
    found, _ = walked("list")
    below = str(shelf / "a").lstrip("/")
    assert [each.below for each in found] == [
        "shelf/b/app0.tar",
        *(f"{below}/{name}" for name in ("deep/app1.tar", "deep/app3.tar", "packed.tar.gz")),
        "shelf/absent.tar",
        "shelf/README.md",
    ]
    assert found[-2].error == "shelf/absent.tar: No such file or directory"
    assert found[-1].sure  # it was named: that it is no image is a failure


def test_nothing_leads_out_of_a_destination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(1, tmp_path / "x/app.tar")
    (tmp_path / "y").mkdir()
    monkeypatch.chdir(tmp_path / "y")
    (tmp_path / "y/list").write_text("../x/app.tar\n")
    assert belows("list") == [str(tmp_path / "x/app.tar").lstrip("/")]


@pytest.mark.parametrize("data", [b"\x01\x02\x03\n", b"x" * 5000 + b"\n"])
def test_what_is_no_list_of_paths(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(NotAnImageError):
        walked(tmp_path / "list")


def test_a_shelf_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotAnImageError, match="No such file"):
        walked(tmp_path / "absent")


def test_what_cannot_be_read_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    scandir = os.scandir

    def refused(path: str) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    found, _ = walked(shelf)
    assert {each.below: each.error for each in found if each.error} == {
        "a/deep": f"{shelf}/a/deep: Permission denied"
    }
    assert len(found) == 5


def test_what_is_ours_is_left_out(tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    put(7, shelf / ".x.tar.layout-0123abcd.tmp")
    put(7, shelf / ".out.layout-batch/staged/1/x.tar")
    put(7, shelf / "out/x.tar")
    own = [identity(os.stat(shelf / "out"))]
    found, walk = walked(shelf, ours=own)
    assert [each.below for each in found] == [*EVERY, "b/layout"]
    assert walk.passed["ours"] == 3


@pytest.mark.parametrize(
    ("row", "sure"),
    [
        (Row(was_image=True), True),
        (Row(status="failed"), None),  # named in a list once; no image by any sign
        (Row(status="no image", mark="that of then"), None),
    ],
)
def test_what_was_an_image_must_be_one(row: Row, sure: bool | None, tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    files, _ = walked(shelf, known=lambda path: row if path.endswith("README.md") else None)
    assert {each.below: each.sure for each in files}.get("README.md") is sure


def test_what_was_no_image_is_not_looked_into_again(tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    mark = marks.of_status(os.stat(shelf / "README.md"))
    assert "README.md" in belows(shelf, known=lambda _: Row(status="no image", mark=mark))


def test_a_folder_that_was_an_image_and_is_none(tmp_path: Path) -> None:
    """What is in it now is found as well."""
    shelf = write_shelf(tmp_path / "shelf")
    found, _ = walked(shelf, known=lambda path: Row(was_image=path == str(shelf / "a")))
    assert [(each.below, bool(each.error)) for each in found[:2]] == [
        ("a", True),
        ("a/deep/app1.tar", False),
    ]
    assert "was an image before" in found[0].error


@pytest.mark.parametrize(("name", "count"), [("empty.tar", 1), ("empty", 0)])
def test_an_empty_file_that_is_named(name: str, count: int, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert len(belows(tmp_path / name)) == count


def test_an_archive_of_other_things_may_hold_one(tmp_path: Path) -> None:
    """Its first bytes do not tell; who reads it says that it is none."""
    (tmp_path / "shelf").mkdir()
    with tarfile.open(tmp_path / "shelf/home.tar", "w") as tar:
        tar.add(__file__, "file.py")
    (found,), _ = walked(tmp_path / "shelf")
    assert not found.sure


def test_a_cut_archive_is_a_source(tmp_path: Path) -> None:
    shelf = write_shelf(tmp_path / "shelf")
    cut(shelf / "b/app0.tar")
    assert "b/app0.tar" in belows(shelf)


def test_names_of_any_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"app\xff\n.tar")
    put(1, tmp_path / "shelf" / name)
    assert belows(tmp_path / "shelf") == [name]
