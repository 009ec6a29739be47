"""A batch: the sources of shelves planned, done, kept, and told of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import attrs

from oci_layout.api.words import Progress, made
from oci_layout.api.work import Work
from oci_layout.batchlines.kinds import Verb
from oci_layout.batchlines.values import SourceReport
from oci_layout.disk.folder import identity
from oci_layout.disk.linefile import LineFile
from oci_layout.disk.names import require_name
from oci_layout.disk.outputs import STANDARD_STREAM, Outputs
from oci_layout.disk.shifting import make_folder
from oci_layout.disk.sidefile import is_stream
from oci_layout.errors import (
    DestinationError,
    LayoutError,
    NameConflict,
    NameConflictError,
    ResourceError,
    UsageError,
)
from oci_layout.inspection.request import Inspect
from oci_layout.option import path_text
from oci_layout.plan.namerules import Renames
from oci_layout.plan.request import Format, Repack
from oci_layout.shelf import cluster, marks, names, staging
from oci_layout.shelf.planning import Planner
from oci_layout.shelf.processes import Processes
from oci_layout.shelf.report import BatchReport
from oci_layout.shelf.request import WITHOUT, Batch, Reading, Repacking, Verifying
from oci_layout.shelf.results import Mirrored, Nothing, Registered, Results, of_registry
from oci_layout.shelf.running import Done, Running
from oci_layout.shelf.settling import Settler
from oci_layout.shelf.staging import Stage
from oci_layout.shelf.state import Planned, State
from oci_layout.shelf.task import Task
from oci_layout.shelf.walk import Walk, status_of
from oci_layout.source.glancing import file_may_hold
from oci_layout.verification.request import Verify
from oci_layout.where import Where

if TYPE_CHECKING:
    from oci_layout.shelf.merged import Merged

REQUESTS: dict[Verb, tuple[type[Any], type[Batch]]] = {
    Verb.VERIFY: (Verify, Verifying),
    Verb.REPACK: (Repack, Repacking),
    Verb.INSPECT: (Inspect, Reading),
}
_NONE: tuple[tuple[NameConflict, ...], int] = ((), 0)
_AHEAD = 2  # sources given out for each worker, so that none waits


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Told:
    """Told how far a batch is, from the calling thread alone.

    Args:
        planned: called once the shelves were walked, with the sources there are, those of them
            with something to do, and the bytes of these.
        source: called with what became of each.
        tick: called now and then.
        merging: called before all is put into one result; what it gives is told how far that is,
            from any thread.
    """

    planned: Callable[[int, int, int], object] = lambda _all, _todo, _size: None
    source: Callable[[SourceReport], object] = lambda _report: None
    tick: Callable[[], object] = lambda: None
    merging: Callable[[], Progress | None] = lambda: None


def batch(
    verb: str,
    shelves: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    dest: str | os.PathLike[str] | None = None,
    request: Any = None,
    how: Batch | None = None,
    *,
    report: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    told: Told | None = None,
    **options: Any,
) -> BatchReport:
    """Verify, repack or inspect every source on some shelves. The failure of one stops no other.

    Without an executor, processes of this machine do the work; a program that calls this must then
    be guarded by ``if __name__ == "__main__":``, as for ``multiprocessing``.

    Args:
        verb: ``verify``, ``repack`` or ``inspect``.
        shelves: folders, which are walked; files of paths; sources; ``-`` for paths on standard
            input.
        dest: folder that takes the results of ``repack``, called as their sources.
        request: what is asked of each source; or else its fields as keywords.
        how: what is asked of the batch; or else its fields as keywords.
        report: file for a line of JSON for each source; what is done is kept beside it.
        executor: runs the work instead; it is not shut down.
        told: told how far it is.
        options: the fields of the verb's request and of ``Batch``.

    Raises:
        LayoutError: nothing could be begun, or the report or the record cannot be kept.
    """
    try:
        wanted = Verb(verb)
    except ValueError:
        raise UsageError(what=f"{verb!r} is none of {', '.join(Verb)}") from None
    asked, kind = REQUESTS[wanted]
    own = {each.name for each in attrs.fields(kind)}
    how = made(kind, how, {name: value for name, value in options.items() if name in own})
    rest = {name: value for name, value in options.items() if name not in own}
    for name in sorted(WITHOUT & rest.keys()):
        raise UsageError(what=f"batch has no option {name!r}: it is of one source")
    request = made(asked, request, rest)
    every = [shelves] if isinstance(shelves, str | os.PathLike) else list(shelves)
    if not every:
        raise UsageError(what="no shelf is named", hint="SHELF is a folder")
    if (wanted is Verb.REPACK) is (dest is None):
        need = "repack needs a destination" if dest is None else f"{wanted} has no destination"
        raise UsageError(what=need, hint="-o DEST")
    if how.cluster is not None:
        if executor is not None:
            raise UsageError(what="cluster and executor: one of them does the work")
        cluster.require(how.cluster)
        request = cluster.from_root(request)
    if dest is not None and path_text(dest) == STANDARD_STREAM:
        raise UsageError(what="-o - is no place for results of a shelf", hint="-o FOLDER")
    for shelf in (path_text(each) for each in every):  # before anything is made
        if shelf != STANDARD_STREAM:
            status_of(shelf)
    with ExitStack() as stack:
        run = _Run(
            verb=wanted,
            request=request,
            how=how,
            dest=None if dest is None else path_text(dest),
            report=None if report is None else path_text(report),
            told=told or Told(),
            stack=stack,
        )
        return run.done([path_text(each) for each in every], executor)


class _Run:
    """One run over some shelves. It is made with all that it writes looked at.

    Args:
        verb: that is done.
        request: of it.
        how: what is asked of the batch.
        dest: folder for results; None without.
        report: file for the lines; None for none.
        told: told how far it is.
        stack: closes what is opened.
    """

    def __init__(
        self,
        *,
        verb: Verb,
        request: Any,
        how: Batch,
        dest: str | None,
        report: str | None,
        told: Told,
        stack: ExitStack,
    ) -> None:
        self._began = time.monotonic()
        self._verb, self._request, self._how, self._told = verb, request, how, told
        self._strict = isinstance(how, Verifying) and how.strict
        outputs = stack.enter_context(Outputs())
        self._dest = dest or ""
        merging = isinstance(how, Repacking) and how.merge
        adding = merging and request.to is Format.REGISTRY
        if merging:
            self._request = _of_each(request, self._dest)
        elif self._dest:
            _require_of_each(request)
            staging.destination(self._dest, outputs)
        folder = self._folder(report)
        file = how.state if isinstance(how, Reading) else None
        if folder and file is None:
            make_folder(folder)
            file = os.path.join(folder, "state.sqlite")
        self._state = stack.enter_context(State(None if file is None else os.path.abspath(file)))
        self._packed = os.path.join(folder, "packed") if folder else None
        self._kind = "merge" if merging else str(verb)
        self._renames = Renames.parse(
            getattr(self._request, "names", ()), getattr(self._request, "name_files", ())
        )
        self._asked = marks.of_request(verb, self._request, strict=self._strict)
        self._results: Results = Nothing()
        self._merged: Merged | None = None
        if self._dest:
            stage = Stage(folder, force=request.force)
            stack.callback(stage.close)
            if adding:
                self._results = Registered(self._dest)
            elif merging:
                from oci_layout.shelf.merged import Merged  # noqa: PLC0415  seldom needed

                self._merged = Merged(self._dest, request, stage, folder, self._state)
                self._results = self._merged
            else:
                self._results = Mirrored(self._dest, request.to, stage, self._state)
        self._lines: LineFile | None = None
        if report is not None:
            _require_no_archive(report)
            self._lines = LineFile("--report", report, outputs)
            stack.callback(self._lines.close)
        named = (self._dest, report, file)
        every = (*named, *(() if self._merged is None else self._merged.files))
        written = [path for path in every if path and os.path.lexists(path)]
        self._ours = [identity(os.stat(path)) for path in written]
        self._planner = Planner(
            state=self._state,
            kind=self._kind,
            asked=self._asked,
            results=self._results,
            rehash=how.rehash,
        )
        self._settler = Settler(
            verb=verb,
            kind=self._kind,
            asked=self._asked,
            state=self._state,
            results=self._results,
            tell=self._tell,
        )
        self._given: dict[int, Planned] = {}

    def _folder(self, report: str | None) -> str:
        """Where what is known is kept; empty for nowhere."""
        if self._dest:
            return names.state_beside(self._dest)
        return "" if report is None or is_stream(report) else names.state_beside(report)

    def done(self, shelves: Sequence[str], executor: Executor | None) -> BatchReport:
        """Do all of it.

        Args:
            shelves: what is walked.
            executor: does the work; None for processes.
        """
        walk = Walk(
            shelves,
            include=self._how.include,
            exclude=self._how.exclude,
            ours=self._ours,
            known=self._planner.known,
        )
        self._require_apart(shelves)
        every, todo, size = self._planner.plan(walk, self._told.tick)
        self._told.planned(every, todo, size)
        for planned in self._state.planned(todo=False):
            self._settler.leave(planned)
        if todo and self._how.cluster is not None:
            self._work_far(self._how.cluster, shelves)
        elif todo:
            self._work(todo, executor)
        idle = self._idle()
        merged, conflicts = None, _NONE
        if self._merged is not None and not idle:
            try:
                merged = self._merged.finish(self._told.merging, self._asked)
            except NameConflictError as error:
                conflicts = (error.conflicts, error.count)
        report = BatchReport(
            verb=self._verb,
            counts=dict(self._settler.counts),
            passed={name: count for name, count in walk.passed.items() if count},
            bytes=self._settler.bytes,
            seconds=time.monotonic() - self._began,
            failures=tuple(self._settler.failures),
            warned=self._settler.warned.most_first(),
            idle=idle,
            conflicts=conflicts[0],
            conflicting=conflicts[1],
            merged=merged,
        )
        self._write(report.line())
        return report

    def _idle(self) -> tuple[str, ...]:
        """The rules for names that had nothing to do in any source."""
        if not self._renames.rules:
            return ()
        used = self._state.used(self._kind)
        return tuple(text for text in map(str, self._renames.rules) if text not in used)

    def _require_apart(self, shelves: Sequence[str]) -> None:
        """Results among their sources would be sources of the next run.

        Raises:
            DestinationError: the destination is a shelf.
        """
        for shelf in shelves if self._dest and os.path.exists(self._dest) else ():
            if os.path.isdir(shelf) and os.path.samefile(shelf, self._dest):
                raise DestinationError(
                    what="is a shelf itself", where=Where(file=self._dest), hint="a new folder"
                )

    def _work(self, todo: int, executor: Executor | None) -> None:
        cores = Work.of(jobs=self._how.jobs, limit=None, progress=None).jobs
        count = min(cores, todo)
        if hasattr(self._request, "jobs"):
            self._request = attrs.evolve(self._request, jobs=max(1, cores // count))
        if executor is None:
            workers = Processes(count)
            make, end = workers.make, workers.end
        else:
            make, end = _Given(executor).make, _let_go
        self._running(make, end, lambda: _AHEAD * count).run(self._tasks())

    def _work_far(self, address: str, shelves: Sequence[str]) -> None:
        """Let a cluster do it, a thread of a worker for each source."""
        if hasattr(self._request, "jobs"):
            self._request = attrs.evolve(self._request, jobs=1)
        seen = [path for path in (*shelves, self._results.stage) if os.path.isdir(path)]
        with cluster.Cluster(
            address, ahead=_AHEAD, most=self._how.jobs, seen=map(os.path.abspath, seen)
        ) as far:
            running = self._running(far.make, far.end, far.window)
            running.run(task.from_root() for task in self._tasks())

    def _running(
        self,
        make: Callable[[], Executor],
        end: Callable[[Executor, Sequence[Future[Any]]], None],
        window: Callable[[], int],
    ) -> Running:
        return Running(make=make, end=end, window=window, done=self._finish, tick=self._told.tick)

    def _tasks(self) -> Iterator[Task]:
        """What is to be done, one by one; what cannot be begun is settled at once."""
        for planned in self._state.planned(todo=True):
            known = self._state.row(planned.path, self._kind)
            try:
                self._results.require_free(planned, known)
            except DestinationError as error:
                self._settler.refused(planned, error)
                continue
            self._given[planned.number] = planned
            digest = None
            if self._how.rehash:
                fits = known is not None and self._planner.holds(known, planned, by_mark=False)
                digest = known.digest if known is not None and fits else ""
            yield Task(
                number=planned.number,
                source=planned.called,
                request=self._request,
                files=planned.files,
                sure=planned.sure,
                strict=self._strict,
                stage=self._results.stage,
                stage_name=self._results.name_of(planned),
                result=self._results.called(planned),
                packed_index=self._packed,
                placed=self._results.ends_at(planned),
                digest=digest,
            )

    def _finish(self, done: Sequence[Done]) -> None:
        self._settler.settle([(self._given.pop(task.number), outcome) for task, outcome in done])

    def _tell(self, report: SourceReport) -> None:
        if self._lines is not None:
            self._write(report.line())
        self._told.source(report)

    def _write(self, line: str) -> None:
        if self._lines is not None:
            self._lines.write(f"{line}\n".encode("ascii"))


def _of_each(request: Repack, dest: str) -> Repack:
    """What is asked of each source, where all go into one result.

    Args:
        request: what is asked for.
        dest: where the one result goes.

    Raises:
        UsageError: what makes no one result.
    """
    require_name("--output", dest)
    if request.to is Format.REGISTRY:
        return of_registry(request)
    from oci_layout.shelf.merged import of_each  # noqa: PLC0415  seldom needed

    return of_each(request, dest)


def _require_of_each(request: Repack) -> None:
    """Refuse what is of one result alone.

    Raises:
        UsageError: that is asked for.
    """
    if request.volume_size is not None:
        raise UsageError(what="--volume-size cuts one result of all", hint="--merge")


class _Given:
    """An executor of the caller's, which is not made again.

    Args:
        executor: it.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor, self._used = executor, False

    def make(self) -> Executor:
        """It, once.

        Raises:
            ResourceError: all its workers are gone.
        """
        if self._used:
            raise ResourceError(what="the executor that was given has ended", hint="a new one")
        self._used = True
        return self._executor


def _let_go(executor: Executor, pending: Sequence[Future[Any]]) -> None:
    """An executor of the caller's goes on; what was not begun is not begun."""
    del executor
    for future in pending:
        future.cancel()


def _require_no_archive(path: str) -> None:
    """Refuse to replace what somebody would miss.

    Raises:
        DestinationError: the report would take the place of an archive.
    """
    if not os.path.isfile(path):
        return
    try:
        archive = file_may_hold(path)
    except LayoutError:
        archive = True
    if archive:
        raise DestinationError(
            what="is an archive, and not replaced by a report", where=Where(file=f"--report {path}")
        )
