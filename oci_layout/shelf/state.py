"""What is known of sources from before, and the plan of this run: one SQLite database.

The main process alone touches it. A run that is killed at any moment loses what was in flight and
nothing else: whatever is told of as done was committed before.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from oci_layout.closing import Closing
from oci_layout.errors import DestinationError
from oci_layout.where import Where

_APPLICATION = 0x4F434942  # "OCIB": no other program's database is touched
_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (
    path BLOB NOT NULL, verb TEXT NOT NULL,
    mark TEXT NOT NULL, asked TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
    status TEXT NOT NULL, exit_status INTEGER NOT NULL, error BLOB NOT NULL,
    size INTEGER NOT NULL, seconds REAL NOT NULL,
    result BLOB NOT NULL, result_mark TEXT NOT NULL, old_mark TEXT NOT NULL,
    staged BLOB NOT NULL,
    report BLOB NOT NULL, index_json BLOB NOT NULL, names TEXT NOT NULL, used TEXT NOT NULL,
    was_image INTEGER NOT NULL,
    PRIMARY KEY (path, verb)
);
CREATE INDEX IF NOT EXISTS staged ON source (staged) WHERE staged != x'';
"""
# Whoever was done by version 1 is done again, and its result is still known as ours.
_FROM_1 = """
ALTER TABLE source ADD COLUMN used TEXT NOT NULL DEFAULT '';
UPDATE source SET asked = '';
"""
_FROM_2 = """
ALTER TABLE source ADD COLUMN was_image INTEGER NOT NULL DEFAULT 0;
UPDATE source SET was_image = 1 WHERE report != x'' OR result != x'' OR status = 'done';
"""
_PLAN = """
CREATE TEMP TABLE plan (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, called BLOB NOT NULL,
    files BLOB NOT NULL, sure INTEGER NOT NULL, may_hold INTEGER NOT NULL,
    mark TEXT NOT NULL, size INTEGER NOT NULL,
    result BLOB NOT NULL, todo INTEGER NOT NULL, error BLOB NOT NULL
);
"""


@attrs.frozen(kw_only=True)
class Row:
    """What is known of a source from before.

    Args:
        mark: what it looked like.
        asked: mark of what was asked for.
        version: of this package, then.
        digest: of what it held; empty where nobody asked.
        status: ``done``, ``failed`` or ``no image``.
        exit_status: exit status that the verb would have had.
        error: what went wrong; empty for nothing.
        size: bytes of it.
        seconds: that it took.
        result: where the result is; empty without one.
        result_mark: what that looked like; it is ours only while it looks so.
        old_mark: of the result that this one takes the place of; empty for none.
        staged: where the result lies until it has its place; empty once it has.
        report: of the verb, as JSON, packed.
        index: of the layout that was made of it; empty without one.
        names: of the blobs of that layout.
        used: the rules for names that had something to do in it.
        was_image: whether the verb had a report of it in any run.
    """

    mark: str = ""
    asked: str = ""
    version: str = ""
    digest: str = ""
    status: str = ""
    exit_status: int = 0
    error: str = ""
    size: int = 0
    seconds: float = 0.0
    result: str = ""
    result_mark: str = ""
    old_mark: str = ""
    staged: str = ""
    report: bytes = b""
    index: bytes = b""
    names: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    was_image: bool = False


@attrs.frozen(kw_only=True)
class Planned:
    """A source of this run.

    Args:
        number: in the order of the shelf.
        path: from the root on.
        called: as the user called it.
        files: that it is made of.
        sure: whether it must be a source.
        may_hold: whether it may be one: if not, its place is free for another.
        mark: what it looks like now.
        size: bytes of it.
        result: where its result goes; empty without one.
        todo: whether anything is to be done.
        error: why it cannot be read; empty where it can.
    """

    number: int
    path: str
    called: str
    files: tuple[str, ...]
    sure: bool
    mark: str
    size: int
    result: str
    todo: bool
    error: str
    may_hold: bool = True


_FIELDS = tuple(field.name for field in attrs.fields(Row))
_COLUMNS = tuple("index_json" if name == "index" else name for name in _FIELDS)
_TEXTS = {"result", "staged", "error", "called", "path", "files"}  # names of any bytes
_LISTS = {"files", "names", "used"}
_SEPARATOR = "\0"


class State(Closing):
    """A database of one shelf.

    Args:
        path: of the file; None for one that is gone at the end.

    Raises:
        DestinationError: another run holds it, it is none of ours, or it cannot be written.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path or ""
        try:
            self._database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        try:
            self._open()
        except BaseException:
            self._database.close()
            raise

    def _open(self) -> None:
        with self._told():
            for pragma in ("locking_mode = EXCLUSIVE", "temp_store = FILE"):
                self._database.execute(f"PRAGMA {pragma}")
            if not self._ask("PRAGMA schema_version"):
                self._database.execute("PRAGMA journal_mode = WAL")
            elif self._ask("PRAGMA application_id") != _APPLICATION:
                raise DestinationError(
                    what="is no record of layout batch, and is not touched",
                    where=Where(file=self._path),
                    hint="choose another name",
                )
            version = self._ask("PRAGMA user_version")
            if version > _VERSION:
                raise DestinationError(
                    what="was written by a later version",
                    where=Where(file=self._path),
                    hint="use that version, or remove it to begin anew",
                )
            self._database.execute("BEGIN EXCLUSIVE")  # whoever is second hears of it here
            self._database.execute(f"PRAGMA application_id = {_APPLICATION}")
            older = {1: _FROM_1 + _FROM_2, 2: _FROM_2}
            for statement in older.get(version, "").split(";"):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")
            self._database.execute("COMMIT")
            self._database.executescript(_SCHEMA + _PLAN)

    def _ask(self, question: str) -> Any:
        return self._database.execute(question).fetchone()[0]

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> DestinationError:
        where = Where(file=self._path or "temporary file")
        if str(error) == "database is locked":  # SQLITE_BUSY, in every version of Python
            return DestinationError(
                what="another layout batch works on it", where=where, hint="wait for its end"
            )
        if type(error) is sqlite3.DatabaseError:  # SQLITE_NOTADB, SQLITE_CORRUPT
            return DestinationError(
                what="is no record of layout batch, or a damaged one",
                where=where,
                hint="choose another name, or remove it to begin anew",
            )
        return DestinationError(what=f"cannot be kept: {error}", where=where)

    def row(self, path: str, verb: str) -> Row | None:
        """What is known of a source; None for nothing."""
        with self._told():
            found = self._database.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM source WHERE path = ? AND verb = ?",  # noqa: S608
                (os.fsencode(path), verb),
            ).fetchone()
        return None if found is None else Row(**_values(_FIELDS, found))

    def put(self, verb: str, rows: Iterable[tuple[str, Row]]) -> None:
        """Keep what has become of some sources, all at once."""
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        with self._told():
            self._database.execute("BEGIN")
            try:
                for path, row in rows:
                    values = [_bytes(name, getattr(row, name)) for name in _FIELDS]
                    self._database.execute(
                        f"INSERT OR REPLACE INTO source (path, verb, {', '.join(_COLUMNS)}) "  # noqa: S608
                        f"VALUES ({marks})",
                        (os.fsencode(path), verb, *values),
                    )
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def placed(self, verb: str, paths: Iterable[str]) -> None:
        """Say that the results of some sources have their places."""
        with self._told():
            self._database.executemany(
                "UPDATE source SET staged = x'' WHERE path = ? AND verb = ?",
                [(os.fsencode(path), verb) for path in paths],
            )

    def unplaced(self, verb: str) -> list[tuple[str, Row]]:
        """The sources whose results may not have their places: a run was killed just then."""
        with self._told():
            paths = self._database.execute(
                "SELECT path FROM source WHERE staged != x'' AND verb = ?", (verb,)
            ).fetchall()
        named = [os.fsdecode(path) for (path,) in paths]
        return [(path, row) for path in named if (row := self.row(path, verb)) is not None]

    @contextlib.contextmanager
    def planning(self) -> Iterator[None]:
        """Many sources are planned in one go."""
        with self._told():
            self._database.execute("BEGIN")
            try:
                yield
            finally:
                self._database.execute("COMMIT")

    def plan(self, source: Planned) -> bool:
        """Plan a source; False where it is planned already."""
        values = [_bytes(name, getattr(source, name)) for name in _PLANNED]
        marks = ", ".join("?" * len(_PLANNED))
        done = self._database.execute(
            f"INSERT OR IGNORE INTO plan ({', '.join(_PLANNED)}) VALUES ({marks})",  # noqa: S608
            values,
        )
        return done.rowcount == 1

    def planned(self, *, todo: bool | None) -> Iterator[Planned]:
        """The sources of this run in order.

        Args:
            todo: those with something to do, or those without; None for all.
        """
        number = -1
        while True:
            with self._told():
                found = self._database.execute(
                    f"SELECT {', '.join(_PLANNED)} FROM plan "  # noqa: S608
                    "WHERE number > ? AND todo = coalesce(?, todo) ORDER BY number LIMIT 200",
                    (number, todo),
                ).fetchall()
            if not found:
                return
            for values in found:
                yield Planned(**_values(_PLANNED, values))
            number = found[-1][0]

    def one_result_for_two(self) -> tuple[str, str, str] | None:
        """A result that two sources would have, and the first two of them; None for none."""
        with self._told():
            found = self._database.execute(
                "SELECT result, min(called), max(called) FROM plan "
                "WHERE result != x'' AND may_hold "
                "GROUP BY result HAVING count(*) > 1 ORDER BY result LIMIT 1"
            ).fetchone()
        return None if found is None else tuple(map(os.fsdecode, found))  # type: ignore[return-value]

    def rows(self, verb: str) -> dict[str, Row]:
        """All that is known of what there is little of: results of many sources."""
        with self._told():
            paths = self._database.execute(
                "SELECT path FROM source WHERE verb = ? ORDER BY path", (verb,)
            ).fetchall()
        named = [os.fsdecode(path) for (path,) in paths]
        return {path: row for path in named if (row := self.row(path, verb)) is not None}

    def forget_unplanned(self, verb: str) -> None:
        """Forget the sources that are not on the shelves of this run."""
        with self._told():
            self._database.execute(
                "DELETE FROM source WHERE verb = ? AND path NOT IN (SELECT path FROM plan)", (verb,)
            )

    def names(self, verb: str) -> set[str]:
        """The names of blobs that any source has."""
        with self._told():
            found = self._database.execute("SELECT names FROM source WHERE verb = ?", (verb,))
            return {name for (names,) in found for name in names.split(_SEPARATOR)}

    def used(self, verb: str) -> set[str]:
        """The rules for names that had something to do in a source of this run."""
        with self._told():
            found = self._database.execute(
                "SELECT used FROM source JOIN plan USING (path) "
                "WHERE verb = ? AND status = 'done' AND used != ''",
                (verb,),
            )
            return {rule for (rules,) in found for rule in rules.split(_SEPARATOR)}

    def close(self) -> None:
        """Let go of it: another run may have it."""
        with contextlib.suppress(sqlite3.Error):
            self._database.close()


_PLANNED = tuple(field.name for field in attrs.fields(Planned))


def _bytes(name: str, value: Any) -> Any:
    if name in _LISTS:
        value = _SEPARATOR.join(value)
    return os.fsencode(value) if name in _TEXTS else value


def _values(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: _text(name, each) for name, each in zip(names, values, strict=True)}


def _text(name: str, value: Any) -> Any:
    if name in _TEXTS:
        value = os.fsdecode(value)
    if name in _LISTS:
        return tuple(value.split(_SEPARATOR)) if value else ()
    return bool(value) if name in ("sure", "todo", "may_hold", "was_image") else value
