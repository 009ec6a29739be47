"""A place that is looked at twice: what was not seen before the work is never touched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from oci_layout import temporary
from oci_layout.disk.draft import AppearedError, Draft
from oci_layout.disk.folder import Folder
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError
from oci_layout.where import Where

EXCHANGE_OR_NOT = pytest.mark.usefixtures("exchange")
BOTH = pytest.mark.parametrize("directory", [True, False])


def a_folder(path: Path, text: str = "old") -> None:
    path.mkdir()
    (path / "index.json").write_text(text)


def draft_of(path: Path, *, directory: bool, replace: bool = False) -> Draft:
    return Draft(Place.look("-o", str(path)), directory=directory, replace=replace)


def filled(draft: Draft) -> None:
    fd = draft.folder.create("index.json") if draft._directory else draft.fd
    os.write(fd, b"new")


def names_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(path: Path) -> str:
    return (path / "index.json" if path.is_dir() else path).read_text()


@pytest.fixture(params=[True, False], ids=["exchange", "two renames"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system with renameat2(2), and one, or a kernel, without."""
    if not request.param:
        monkeypatch.setattr(Folder, "rename_as", lambda *_, **__: False)


@pytest.fixture
def old(directory: bool, tmp_path: Path) -> Path:
    """What is there before."""
    path = tmp_path / "out"
    (a_folder if directory else APPEARS["file"])(path)
    return path


APPEARS: dict[str, Callable[[Path], object]] = {
    "file": lambda path: path.write_text("mine"),
    "folder": a_folder,
    "link": lambda path: path.symlink_to("elsewhere"),
}


@BOTH
@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("what", APPEARS)
@EXCHANGE_OR_NOT
def test_what_appears_meanwhile_stays(
    what: str,
    replace: bool,
    directory: bool,
    tmp_path: Path,
) -> None:
    path = tmp_path / "out"
    with draft_of(path, directory=directory, replace=replace) as draft:
        filled(draft)
        APPEARS[what](path)
        with pytest.raises(AppearedError):
            draft.appear()
    assert names_of(tmp_path) == ["out"]
    assert path.is_symlink() or content(path) in ("mine", "old")


@BOTH
@EXCHANGE_OR_NOT
def test_another_one_in_its_place_is_not_replaced(
    old: Path, directory: bool, tmp_path: Path
) -> None:
    with draft_of(old, directory=directory, replace=True) as draft:
        filled(draft)
        old.rename(tmp_path / "kept")
        a_folder(old, "another") if directory else old.write_text("another")
        with pytest.raises(DestinationError, match="not what was there"):
            draft.appear()
    assert names_of(tmp_path) == ["kept", "out"]
    assert content(old) == "another"


def rewritten(path: Path) -> None:
    """In place, or by another file with the name: as somebody does who adds to a layout."""
    path.write_text("more than was seen")


def renamed(path: Path) -> None:
    (path.parent / "next").write_text("more than was seen")
    (path.parent / "next").rename(path)


@BOTH
@pytest.mark.parametrize("change", [rewritten, renamed])
@EXCHANGE_OR_NOT
def test_what_changed_meanwhile_is_not_replaced(
    change: Callable[[Path], object],
    old: Path,
    directory: bool,
    tmp_path: Path,
) -> None:
    with draft_of(old, directory=directory, replace=True) as draft:
        filled(draft)
        change(old / "index.json" if directory else old)
        with pytest.raises(DestinationError, match="not what was there"):
            draft.appear()
    assert names_of(tmp_path) == ["out"]
    assert content(old) == "more than was seen"


def test_a_folder_that_gained_a_blob_is_not_replaced(tmp_path: Path) -> None:
    """Somebody is about to add to it, and has not come to the index yet."""
    path = tmp_path / "out"
    a_folder(path)
    (path / "blobs/sha256").mkdir(parents=True)
    with draft_of(path, directory=True, replace=True) as draft:
        filled(draft)
        (path / "blobs/sha256/abc").write_text("a blob")
        with pytest.raises(DestinationError, match="not what was there"):
            draft.appear()
    assert (path / "blobs/sha256/abc").exists()


@BOTH
@EXCHANGE_OR_NOT
def test_what_was_seen_is_replaced_whole(old: Path, directory: bool, tmp_path: Path) -> None:
    with draft_of(old, directory=directory, replace=True) as draft:
        filled(draft)
        draft.appear()
    assert names_of(tmp_path) == ["out"]
    assert content(old) == "new"


@BOTH
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
@EXCHANGE_OR_NOT
def test_whoever_could_not_read_the_old_one_cannot_read_the_new_one(
    mode: int,
    directory: bool,
    tmp_path: Path,
) -> None:
    path = tmp_path / "out"
    (a_folder if directory else APPEARS["file"])(path)
    path.chmod(mode)
    with draft_of(path, directory=directory, replace=True) as draft:
        while_written = (tmp_path / draft.name).stat().st_mode & 0o077
        filled(draft)
        draft.appear()
    assert while_written == 0
    assert path.stat().st_mode & 0o777 == mode
    assert content(path) == "new"


def test_an_empty_private_folder_stays_private(tmp_path: Path) -> None:
    """As `mktemp -d` makes one."""
    (tmp_path / "out").mkdir(mode=0o700)
    with draft_of(tmp_path / "out", directory=True) as draft:
        filled(draft)
        draft.appear()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_what_came_into_the_old_folder_at_the_last_moment_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "out"
    a_folder(path)

    def unfit(folder: Folder) -> str | None:
        return "it holds 'thesis'" if folder.status("thesis") else None

    place = Place.look("-o", str(path))
    with Draft(place, directory=True, replace=True, unfit=unfit) as draft:
        filled(draft)
        (path / "thesis").mkdir()
        with pytest.raises(DestinationError, match="thesis"):
            draft.appear()
    assert (path / "thesis").is_dir()
    assert content(path) == "old"


def test_an_old_folder_between_two_renames_gets_its_name_back(tmp_path: Path) -> None:
    a_folder(tmp_path / ".out.layout-00000000-old.tmp")
    a_folder(tmp_path / ".out.layout-00000000.tmp", "never whole")
    place = Place.look("-o", str(tmp_path / "out"))
    assert place.kind is PlaceKind.FOLDER
    assert content(tmp_path / "out") == "old"
    with Draft(place, directory=True, replace=False):
        pass
    assert names_of(tmp_path) == ["out"]


def test_an_old_folder_stays_where_somebody_took_its_name(tmp_path: Path) -> None:
    """Killed between two renames; then the user makes another of that name."""
    a_folder(tmp_path / ".out.layout-00000000-old.tmp")
    a_folder(tmp_path / ".out.layout-00000000.tmp", "never whole")
    a_folder(tmp_path / "out", "another")
    with draft_of(tmp_path / "out", directory=True, replace=True) as draft:
        filled(draft)
        draft.appear()
    assert content(tmp_path / ".out.layout-00000000-old.tmp") == "old"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("x")])
def test_a_leftover_that_is_none_of_ours_is_left_alone(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / ".out.layout-00000000.tmp")
    make(tmp_path / ".out.layout-00000000-old.tmp")
    with draft_of(tmp_path / "out", directory=False) as draft:
        draft.appear()
    assert len(names_of(tmp_path)) == 3


def test_a_link_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "other").write_text("mine")
    with draft_of(tmp_path / "link", directory=False, replace=True) as draft:
        filled(draft)
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("other")
        draft.appear()
    assert content(tmp_path / "other") == "mine"
    assert content(tmp_path / "real") == "new"


def test_what_is_not_let_appear_is_removed(tmp_path: Path) -> None:
    draft = draft_of(tmp_path / "out", directory=True).__enter__()
    filled(draft)
    temporary.remove_all()
    temporary.remove_all()
    assert names_of(tmp_path) == []


def test_an_undivided_step_is_not_interrupted() -> None:
    done: list[str] = []

    def stop() -> None:
        done.append("stopped")

    with temporary.undivided(), temporary.undivided():
        temporary.interrupt(stop)
        done.append("step")
    assert done == ["step", "stopped"]
    temporary.interrupt(lambda: None)


def test_no_error_tells_a_name_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails inside of a draft is told by the name that the user gave."""
    monkeypatch.chdir(tmp_path)
    draft = Draft(Place.look("-o", "out"), directory=True, replace=False)
    with pytest.raises(DestinationError) as told, draft:
        raise DestinationError(what="is full", where=Where(file=f"{draft.folder.path}/blobs"))
    assert told.value.where.file == "out/blobs"
