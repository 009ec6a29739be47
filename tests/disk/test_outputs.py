"""What is read is never written, by whatever name; and no two outputs are one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place
from oci_layout.disk.sidefile import SideFile
from oci_layout.errors import DestinationError, LayoutError, UsageError


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "source/blobs").mkdir(parents=True)
    (tmp_path / "source/index.json").write_text("{}")
    (tmp_path / "archive.tar").write_text("tar")
    (tmp_path / "folder").mkdir()
    os.link(tmp_path / "archive.tar", tmp_path / "second.tar")
    (tmp_path / "link.tar").symlink_to("archive.tar")
    (tmp_path / "folder/link.tar").symlink_to("../archive.tar")
    (tmp_path / "way").symlink_to("source")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("archive.tar", "archive.tar"),
        ("archive.tar", "second.tar"),
        ("archive.tar", "link.tar"),
        ("link.tar", "archive.tar"),
        ("archive.tar", "folder/../archive.tar"),
        ("source", "source"),
        ("source", "way"),
        ("source", "source/index.json"),
        ("source", "way/new"),
        ("source", "source/blobs/new"),
        ("source/index.json", "source"),
        ("folder/link.tar", "folder"),
    ],
)
def test_a_source_is_refused_by_whatever_name(source: str, output: str, work: Path) -> None:
    with Outputs(str(work / source)) as outputs, pytest.raises(DestinationError) as caught:
        outputs.look("--report", str(work / output))
    assert caught.value.exit_status == 5


@pytest.mark.parametrize("output", ["other.tar", "folder", "folder/x", "sourcex"])
def test_others_are_taken(output: str, work: Path) -> None:
    with Outputs(str(work / "archive.tar"), str(work / "source"), "-", "absent") as outputs:
        assert outputs.look("-o", str(work / output)).name == Path(output).name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("new", "new"),
        ("new", "folder/../new"),
        ("archive.tar", "second.tar"),
        ("folder", "folder/x"),
    ],
)
def test_two_outputs_are_two(first: str, second: str, work: Path) -> None:
    with Outputs() as outputs:
        outputs.look("--output", str(work / first))
        with pytest.raises(UsageError, match="--output"):
            outputs.look("--report", str(work / second))


@pytest.mark.parametrize("output", ["archive.tar", "second.tar", "folder"])
def test_a_file_that_turns_out_to_be_read(output: str, work: Path) -> None:
    """The source has it under another name; or links to what is in a folder to be replaced."""
    (work / "folder/far").write_text("far")
    os.link(work / "archive.tar", work / "source/blobs/same")
    (work / "source/blobs/far").symlink_to(work / "folder/far")
    with Outputs(str(work / "source"), str(work / "absent")) as outputs:
        outputs.look("--report", str(work / "new"))
        with pytest.raises(DestinationError, match="is read"):
            outputs.look("--output", str(work / output))


def test_a_file_that_a_layout_links_to_is_read(work: Path) -> None:
    """Build tools make layouts of links to files elsewhere."""
    (work / "source/blobs/sha256").mkdir()
    (work / "source/blobs/sha256/abc").symlink_to(work / "archive.tar")
    with Outputs(str(work / "source")) as outputs:
        with pytest.raises(DestinationError, match="is read"):
            outputs.look("--report", str(work / "second.tar"))
        outputs.look("--report", str(work / "other.tar"))


def write(path: Path, data: bytes = b"new") -> None:
    with Outputs() as outputs, SideFile("--report", str(path), outputs) as file:
        file.write(data)


def test_a_side_file_is_replaced_whole(work: Path) -> None:
    shared = work / "second.tar"
    write(shared)
    assert shared.read_bytes() == b"new"
    assert (work / "archive.tar").read_bytes() == b"tar"  # the other name of the old one


def test_a_side_file_that_fails_leaves_the_old_one(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    before = sorted(os.listdir(work))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DestinationError, match="No space"):
        write(work / "archive.tar")
    assert (work / "archive.tar").read_bytes() == b"tar"
    assert sorted(os.listdir(work)) == before


def test_a_side_file_is_not_written_into_what_it_shares(work: Path) -> None:
    with Outputs() as outputs, SideFile("--report", str(work / "archive.tar"), outputs):
        pass
    assert (work / "archive.tar").read_bytes() == b"tar"


def test_a_pipe_is_written_as_it_is(work: Path) -> None:
    reader, writer = os.pipe()
    write(Path(f"/dev/fd/{writer}"), b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,  # nobody reads: opening it would wait for ever
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("absent/far"),
    ],
)
def test_no_side_file_there(make: Callable[[Path], object], work: Path) -> None:
    make(work / "report")
    with pytest.raises(LayoutError):
        write(work / "report")


def test_a_place_knows_what_was_there(work: Path) -> None:
    place = Place.look("-o", str(work / "absent"))
    assert place.identity is None
    assert place.real == str(work / "absent")
    place.close()
