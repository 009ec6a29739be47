"""What was finished elsewhere gets its place; nothing that was not seen is replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oci_layout.disk import shifting
from oci_layout.disk.folder import Folder
from oci_layout.disk.place import Place
from oci_layout.errors import DestinationError


@pytest.fixture(params=[True, False], ids=["renameat2", "rename"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system call that renames under conditions, and without."""
    if not request.param:
        monkeypatch.setattr(Folder, "rename_as", lambda *_args, **_more: False)


def looked(path: Path) -> Place:
    return Place.look("--output", str(path))


def staged(base: Path, *, folder: bool = False) -> Path:
    stage = base / "stage"
    stage.mkdir()
    if folder:
        (stage / "x").mkdir()
        (stage / "x/new").write_text("new")
    else:
        (stage / "x").write_text("new")
    return stage


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("folder", [True, False])
def test_a_free_place(folder: bool, tmp_path: Path) -> None:
    stage = staged(tmp_path, folder=folder)
    with looked(tmp_path / "y") as place:
        shifting.shift(str(stage), "x", place, replace=False)
    assert ((tmp_path / "y/new") if folder else (tmp_path / "y")).read_text() == "new"
    assert os.listdir(stage) == []


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("folder", [True, False])
def test_what_was_seen_comes_back_in_exchange(folder: bool, tmp_path: Path) -> None:
    stage = staged(tmp_path, folder=folder)
    if folder:
        (tmp_path / "y").mkdir()
    else:
        (tmp_path / "y").write_text("old")
    with looked(tmp_path / "y") as place:
        shifting.shift(str(stage), "x", place, replace=True)
    assert ((tmp_path / "y/new") if folder else (tmp_path / "y")).read_text() == "new"
    assert len(os.listdir(stage)) == 1


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("replace", [True, False])
def test_what_appeared_meanwhile_stays(replace: bool, tmp_path: Path) -> None:
    stage = staged(tmp_path)
    with looked(tmp_path / "y") as place:
        (tmp_path / "y").write_text("of somebody else")
        with pytest.raises(DestinationError, match="something else is there"):
            shifting.shift(str(stage), "x", place, replace=replace)
    assert (tmp_path / "y").read_text() == "of somebody else"
    assert (stage / "x").read_text() == "new"


@pytest.mark.usefixtures("kernel")
def test_what_changed_meanwhile_stays(tmp_path: Path) -> None:
    stage = staged(tmp_path)
    (tmp_path / "y").write_text("old")
    with looked(tmp_path / "y") as place:
        (tmp_path / "y").write_text("of somebody else")
        with pytest.raises(DestinationError, match="something else is there"):
            shifting.shift(str(stage), "x", place, replace=True)
    assert (tmp_path / "y").read_text() == "of somebody else"


def test_what_came_back_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else is quicker, between the last look and the exchange."""
    stage = staged(tmp_path)
    (tmp_path / "y").write_text("old")
    rename_as = Folder.rename_as
    calls: list[int] = []

    def late(self: Folder, old: str, new: str, flags: int, to: Folder | None = None) -> bool:
        if not calls:
            (tmp_path / "z").write_text("of somebody else")
            (tmp_path / "z").rename(tmp_path / "y")
        calls.append(flags)
        return rename_as(self, old, new, flags, to)

    monkeypatch.setattr(Folder, "rename_as", late)
    with looked(tmp_path / "y") as place, pytest.raises(DestinationError):
        shifting.shift(str(stage), "x", place, replace=True)
    assert (tmp_path / "y").read_text() == "of somebody else"
    assert len(calls) == 2


def test_clearing(tmp_path: Path) -> None:
    for name in ("a/b/c", "d"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
    (tmp_path / "link").symlink_to("/etc")
    shifting.clear(str(tmp_path), but="d")
    assert os.listdir(tmp_path) == ["d"]
    shifting.remove(str(tmp_path / "d"))
    assert os.listdir(tmp_path) == []
    shifting.clear(str(tmp_path / "absent"))
