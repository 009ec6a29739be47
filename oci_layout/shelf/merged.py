"""All sources of a shelf as one result: their blobs are pooled, and merged in the end.

Workers put each source into a layout of its own; its blobs move into the pool, where one of each
stays, and its index is kept with what is known of it. In the end the indexes are merged in the
order of the sources, by the rules of ``merge``, over the one pool. So the result does not depend on
who was done first, and of what is unchanged nothing is read again but what goes into the result.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing

import attrs

from oci_layout.api.conversion import Job, convert_sources
from oci_layout.api.words import Progress
from oci_layout.batchlines.kinds import Status
from oci_layout.blobs.compress import Compress
from oci_layout.disk import shifting
from oci_layout.disk.outputs import Outputs
from oci_layout.errors import UsageError
from oci_layout.finding import Finding
from oci_layout.model import layout
from oci_layout.plan.options import Options
from oci_layout.plan.report import Report
from oci_layout.plan.request import Depth, Format, OnConflict, Repack, Sparse
from oci_layout.shelf import marks
from oci_layout.shelf.staging import Stage
from oci_layout.shelf.state import Planned, Row, State
from oci_layout.shelf.task import Outcome
from oci_layout.shelf.walk import Found
from oci_layout.sink.destination import Destination
from oci_layout.sink.volumes import of_another_set
from oci_layout.source.opening import Source, source_of
from oci_layout.source.store import DirectoryStore
from oci_layout.source.transports import located
from oci_layout.streams.member import BytesMember, Member

KIND = "merge"  # of the rows of its sources
_RESULT = "merged"  # of the row of its result
_POOL = "merged"


def destination(dest: str, request: Repack) -> Destination:
    """Where the one result goes.

    Raises:
        UsageError: a name that the format does not have, or that cannot be cut.
    """
    return Destination.at(located(dest), request.to).cut(request.volume_size, append=False)


def of_each(request: Repack, dest: str) -> Repack:
    """What is asked of each source, of all that is asked: what is of the result alone is left out.

    Args:
        request: all that is asked.
        dest: where the one result goes.

    Raises:
        UsageError: what makes no one result.
    """
    if request.to is Format.DIR:
        raise UsageError(what="--merge: a dir: directory holds one image", hint="--to oci")
    if request.have or request.delta or request.legacy or request.link:
        raise UsageError(what="--merge goes not with --have, --delta, --legacy and --link")
    destination(dest, request)
    return attrs.evolve(
        request, on_conflict=OnConflict.ERROR, pure=False, force=False, volume_size=None
    )


class PooledStore:
    """What one source has in the pool.

    Args:
        pool: all blobs.
        label: the source.
        row: what is known of it.
    """

    def __init__(self, pool: DirectoryStore, label: str, row: Row) -> None:
        self.label, self._pool = label, pool
        self._names = frozenset(row.names)
        self._made = {layout.INDEX: row.index, layout.MARKER: layout.MARKER_BYTES}

    def find(self, name: str) -> Member | None:
        """A document of the layout, or a blob."""
        made = self._made.get(name)
        if made is not None:
            return BytesMember.of(name, made)
        return self._pool.find(name) if name in self._names else None

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names below a folder, sorted."""
        start = f"{prefix}/" if prefix else ""
        return iter(sorted(each for each in {*self._names, *self._made} if each.startswith(start)))

    def close(self) -> None:
        """The pool goes on."""


class Merged:
    """One result of all sources.

    Args:
        dest: where it goes.
        request: what is asked for.
        stage: where layouts of sources lie until their blobs are pooled, and the result until it
            has its place.
        folder: of what is known; the pool is in it.
        state: what is known.
    """

    def __init__(self, dest: str, request: Repack, stage: Stage, folder: str, state: State) -> None:
        self._dest, self._request, self._stage, self._state = dest, request, stage, state
        self._destination = destination(dest, request)
        self._pool = os.path.join(folder, _POOL)
        self._key = os.path.abspath(self._destination.label)  # of volumes, that of their list
        self.stage = stage.folder
        stage.recover(state, _RESULT)
        for path, row in state.unplaced(KIND):
            self._take(row)
            state.placed(KIND, [path])
        stage.clear()
        stage.require_free(self._key, self._known())

    @property
    def files(self) -> list[str]:
        """What was written before: a result, or volumes and their list."""
        return list(self._state.rows(_RESULT))

    def _known(self) -> Row | None:
        return self._state.row(self._key, _RESULT)

    def name_of(self, planned: Planned) -> str:
        """Something that is the name of a folder."""
        del planned
        return "layout"

    def place_of(self, found: Found) -> str:
        """Nowhere of its own."""
        del found
        return ""

    def called(self, planned: Planned) -> str:
        """All have one."""
        del planned
        return self._dest

    def ends_at(self, planned: Planned) -> str:
        """The pool: a layout of all."""
        del planned
        return self._pool

    def hold(self, row: Row, planned: Planned) -> bool:
        """Whether all blobs are in the pool."""
        del planned
        there = (os.path.isfile(os.path.join(self._pool, name)) for name in row.names)
        return row.index != b"" and all(there)

    def require_free(self, planned: Planned, known: Row | None) -> None:
        """The one place was looked at before."""

    def told(self, row: Row, planned: Planned, outcome: Outcome) -> Row:
        """The index of its layout, and the names of its blobs."""
        del planned
        with closing(DirectoryStore(outcome.staged)) as store:
            index = store.find(layout.INDEX)
            raw = b"" if index is None else index.read(index.size)
            names = tuple(store.names("blobs"))
        return attrs.evolve(row, index=raw, names=names, staged=outcome.staged)

    def place(self, row: Row, known: Row | None) -> None:
        """Let the pool have the blobs.

        Raises:
            DestinationError: the disk refuses.
        """
        del known
        self._take(row)
        shifting.remove(os.path.dirname(row.staged))

    def _take(self, row: Row) -> None:
        if os.path.isdir(row.staged):
            shifting.move_missing(row.staged, self._pool, row.names)

    def finish(self, begin: Callable[[], Progress | None], asked: str) -> Report | None:
        """Write the result, where it is not there already.

        Args:
            begin: called before that; gives what is told how far it is.
            asked: mark of what is asked for.

        Returns:
            What was written; None for nothing.

        Raises:
            LayoutError: the sources do not go together, or the result cannot be written.
        """
        mark, count = self._mark(asked)
        if not count or self._stands(mark):
            return None
        folder = shifting.new_stage(self.stage, "merged")
        staged = os.path.join(folder, os.path.basename(self._destination.path))
        report = self._written(staged, begin())
        self._place(folder, mark)
        self._sweep()
        warnings = (*report.warnings, *self._others(report))
        return attrs.evolve(report, destination=self._destination.label, warnings=warnings)

    def _stands(self, mark: str) -> bool:
        """Whether what was written of the same is there, each file as it was."""
        rows = {path: row for path, row in self._state.rows(_RESULT).items() if row.mark == mark}
        return self._key in rows and all(
            row.result_mark == marks.of_result(path) != "" for path, row in rows.items()
        )

    def _place(self, folder: str, mark: str) -> None:
        """Give all that was written its places: of volumes the list has its own last.

        Args:
            folder: of the stage, with nothing else in it.
            mark: of what it depends on.

        Raises:
            DestinationError: something stands there that must not be replaced, or the disk refuses.
        """
        beside, last = os.path.split(self._key)
        names = sorted(os.listdir(folder), key=lambda name: (name == last, name))
        results = [os.path.join(beside, name) for name in names]
        known = {result: self._state.row(result, _RESULT) for result in results}
        rows: dict[str, Row] = {}
        for name, result in zip(names, results, strict=True):
            before, staged = known[result], os.path.join(folder, name)
            self._stage.require_free(result, before)
            rows[result] = Row(
                mark=mark,
                status=str(Status.DONE),
                result=result,
                result_mark=marks.of_result(staged),
                old_mark="" if before is None else before.result_mark,
                staged=staged,
            )
        self._state.put(_RESULT, rows.items())
        for result, row in rows.items():
            self._stage.give(row.staged, result, known[result])
        self._state.placed(_RESULT, results)
        shifting.remove(folder)

    def _others(self, report: Report) -> list[Finding]:
        """Volumes beside those of this result that are of another set."""
        if not report.volumes:
            return []
        there = os.listdir(os.path.dirname(self._key))
        found = of_another_set(
            self._destination.path, there, [each.file for each in report.volumes]
        )
        return [] if found is None else [found]

    def _rows(self) -> Iterator[tuple[Planned, Row]]:
        """The sources that go into the result, in order."""
        for planned in self._state.planned(todo=None):
            row = self._state.row(planned.path, KIND)
            if row is not None and row.status == Status.DONE and row.index and not planned.error:
                yield planned, row

    def _mark(self, asked: str) -> tuple[str, int]:
        """What the result depends on, and how many sources there are."""
        request = self._request
        told = f"{asked} {request.on_conflict} {request.pure} {request.volume_size}"
        total = hashlib.sha256(told.encode())
        count = 0
        for _, row in self._rows():
            total.update(hashlib.sha256(row.index).digest())
            count += 1
        return total.hexdigest()[:32], count

    def _written(self, staged: str, progress: Progress | None) -> Report:
        pool = DirectoryStore(self._pool)
        sources = [self._opened(pool, planned, row) for planned, row in self._rows()]
        asked = Repack(
            to=self._request.to,
            compression=Compress.parse("keep"),
            pure=self._request.pure,
            on_conflict=self._request.on_conflict,
            sparse=Sparse.KEEP,
            jobs=self._request.jobs,
            tmp=self._request.tmp,
            check=Depth.DIGESTS,
            link=self._destination.directory,
        )
        with Outputs() as outputs:
            destination = attrs.evolve(self._destination, path=staged)
            job = Job.look(asked, destination, outputs, progress)
            view = not asked.pure and (asked.to is Format.DOCKER or not destination.directory)
            return convert_sources(sources, job, Options.of(asked, docker_view=view))

    @staticmethod
    def _opened(pool: DirectoryStore, planned: Planned, row: Row) -> Source:
        source = source_of(PooledStore(pool, planned.called, row), archive=False)
        for finding in source.findings.errors:
            raise finding.error()
        return source

    def _sweep(self) -> None:
        """Let go of what no source has any more."""
        self._state.forget_unplanned(KIND)
        shifting.keep_only(os.path.join(self._pool, "blobs"), self._state.names(KIND))
