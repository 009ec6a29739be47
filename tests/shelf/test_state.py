"""What is kept of sources, and who may touch it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import attrs
import pytest

from oci_layout.errors import DestinationError
from oci_layout.shelf.state import Planned, Row, State

ROW = Row(
    mark="m",
    status="done",
    error="a \udcff\n",
    result="/r\udcff",
    report=b"\0x",
    index=b"{}",
    names=("blobs/a", "blobs/b"),
    used=("a:1=b:1", "c/=d/"),
    seconds=0.5,
)


def planned(number: int, path: str, *, todo: bool = True, result: str = "") -> Planned:
    return Planned(
        number=number,
        path=path,
        called=path[1:],
        files=(path, f"{path}2"),
        sure=False,
        mark="m",
        size=3,
        result=result,
        todo=todo,
        error="",
    )


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    with State(str(tmp_path / "s")) as state:
        state.put("verify", [("/a\udcfe", ROW)])
        assert state.row("/a\udcfe", "verify") == ROW
        assert state.row("/a\udcfe", "repack") is None
        assert state.row("/b", "verify") is None
    with State(str(tmp_path / "s")) as state:
        assert state.row("/a\udcfe", "verify") == ROW


def test_results_without_a_place(tmp_path: Path) -> None:
    staged = Row(staged="/stage/x")
    with State(str(tmp_path / "s")) as state:
        state.put("repack", [("/a", staged), ("/b", Row())])
        assert state.unplaced("repack") == [("/a", staged)]
        state.placed("repack", ["/a"])
        assert state.unplaced("repack") == []


def test_a_plan_is_of_one_run(tmp_path: Path) -> None:
    with State(str(tmp_path / "s")) as state:
        with state.planning():
            assert state.plan(planned(0, "/a"))
            assert not state.plan(planned(1, "/a"))
            for number in range(2, 700):
                state.plan(planned(number, f"/{number}", todo=number % 2 == 0))
        assert [each.number for each in state.planned(todo=True)] == [0, *range(2, 700, 2)]
        assert [each.number for each in state.planned(todo=False)] == list(range(3, 700, 2))
        assert len(list(state.planned(todo=None))) == 699
        assert next(state.planned(todo=True)) == planned(0, "/a")
    with State(str(tmp_path / "s")) as state:
        assert list(state.planned(todo=None)) == []


def test_one_result_for_two() -> None:
    with State(None) as state:
        with state.planning():
            for number, result in enumerate(("/r", "/x", "/r", "", "")):
                state.plan(planned(number, f"/{number}", result=result))
        assert state.one_result_for_two() == ("/r", "0", "2")


def test_who_is_gone_is_forgotten() -> None:
    with State(None) as state:
        state.put("merge", [("/a", ROW), ("/b", Row(names=("blobs/c",)))])
        state.put("verify", [("/a", ROW)])
        with state.planning():
            state.plan(planned(0, "/b"))
        state.forget_unplanned("merge")
        assert state.names("merge") == {"blobs/c"}
        assert state.row("/a", "verify") == ROW


def test_one_at_a_time(tmp_path: Path) -> None:
    with State(str(tmp_path / "s")), pytest.raises(DestinationError, match="another layout batch"):
        State(str(tmp_path / "s"))
    State(str(tmp_path / "s")).close()


def test_of_what_version_2_kept_it_is_known_what_was_an_image(tmp_path: Path) -> None:
    failed = Row(status="failed")
    with State(str(tmp_path / "s")) as state:
        state.put("verify", [("/a", ROW), ("/b", failed)])
    with sqlite3.connect(tmp_path / "s") as database:
        database.execute("ALTER TABLE source DROP COLUMN was_image")
        database.execute("PRAGMA user_version = 2")
    database.close()
    for _ in range(2):
        with State(str(tmp_path / "s")) as state:
            assert state.row("/a", "verify") == attrs.evolve(ROW, was_image=True)
            assert state.row("/b", "verify") == failed


def test_what_version_1_kept_is_ours_and_done_again(tmp_path: Path) -> None:
    with State(str(tmp_path / "s")) as state:
        state.put("repack", [("/a", attrs.evolve(ROW, asked="x", used=()))])
    with sqlite3.connect(tmp_path / "s") as database:
        database.execute("ALTER TABLE source DROP COLUMN used")
        database.execute("ALTER TABLE source DROP COLUMN was_image")
        database.execute("PRAGMA user_version = 1")
    database.close()
    for _ in range(2):
        with State(str(tmp_path / "s")) as state:
            assert state.row("/a", "repack") == attrs.evolve(ROW, asked="", used=(), was_image=True)


def test_a_later_version(tmp_path: Path) -> None:
    State(str(tmp_path / "s")).close()
    database = sqlite3.connect(tmp_path / "s")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(DestinationError, match="later version"):
        State(str(tmp_path / "s"))


@pytest.mark.parametrize("kind", ["text", "database", "damaged"])
def test_what_is_no_record_is_not_touched(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    if kind == "text":
        path.write_text("hello\n" * 300)
    elif kind == "database":
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE x (a)")
        database.close()
    else:
        State(str(path)).close()
        data = bytearray(path.read_bytes())
        data[100:4096] = b"\xff" * 3996
        path.write_bytes(data)
    before = path.read_bytes()
    with pytest.raises(DestinationError, match="no record"):
        State(str(path))
    begin = 100 if kind == "damaged" else 0  # a record of ours: SQLite counts in its header
    assert path.read_bytes()[begin:] == before[begin:]
    assert os.listdir(tmp_path) == ["s"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="cannot be kept"):
        State(str(tmp_path / "absent/s"))
