"""Tasks on any executor: a bounded number at a time, and what is done about workers that die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)

import attrs

from oci_layout.batchlines.kinds import Status
from oci_layout.errors import ResourceError
from oci_layout.shelf.cluster import deaths_of
from oci_layout.shelf.task import Outcome, Task, do
from oci_layout.temporary import signals_held

_DEATHS = 3  # of workers, until their source is given up
_LOSSES = 3  # of what came of a task, until its executor is held to be broken
_TICK = 0.2  # seconds between two looks
_KILLED = 7  # exit status of a source that nobody can do

Done = tuple[Task, Outcome]


@attrs.frozen(kw_only=True)
class Running:
    """How tasks are run.

    Args:
        make: an executor; called again when all workers of the last one are gone.
        end: lets go of an executor at once, whatever it is at; told what is not done.
        window: tells how many tasks may be given to it at a time.
        done: told of what is done, several at once where they came together.
        tick: called now and then.
    """

    make: Callable[[], Executor]
    end: Callable[[Executor, Sequence[Future[Outcome]]], None]
    window: Callable[[], int]
    done: Callable[[Sequence[Done]], None]
    tick: Callable[[], object] = lambda: None

    def run(self, tasks: Iterator[Task]) -> None:
        """Do all tasks. No executor is made before the first one.

        Whose worker dies is tried again alone, so that nobody else is blamed.

        Args:
            tasks: taken one by one, as there is room.

        Raises:
            ResourceError: no worker lives long enough to do anything.
        """
        state = _State(self)
        try:
            while state.go_on(tasks):
                self.tick()
        finally:
            state.end()


class _State:
    """A run."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._executor: Executor | None = None
        self._pending: dict[Future[Outcome], Task] = {}
        self._suspects: deque[Task] = deque()  # who are given out alone
        self._alone = False
        self._deaths: Counter[int] = Counter()
        self._lost: Counter[int] = Counter()
        self._given_up = 0
        self._any_done = False

    def go_on(self, tasks: Iterator[Task]) -> bool:
        """One step; whether there is anything left."""
        while self._may_give() and (task := self._next(tasks)) is not None:
            self._give(task)
        if not self._pending:
            return bool(self._suspects)
        finished, _ = wait(self._pending, timeout=_TICK, return_when=FIRST_COMPLETED)
        done: list[Done] = []
        lost: list[Task] = []
        for future in finished:
            self._take(future, done, lost)
        self._any_done = self._any_done or bool(done)
        if lost:  # none that was given out comes back, except with what it had done already
            for future in list(self._pending):
                if future.done():
                    self._take(future, done, lost)
            done += self._bury(lost)
        if done:
            self._running.done(sorted(done, key=lambda each: each[0].number))
        return True

    def _may_give(self) -> bool:
        """Whether there is room: beside a suspect there is none."""
        if self._suspects or self._alone:
            return not self._pending
        return len(self._pending) < self._running.window()

    def _next(self, tasks: Iterator[Task]) -> Task | None:
        self._alone = bool(self._suspects)
        if self._suspects:
            return self._suspects.popleft()
        return next(tasks, None)

    def _give(self, task: Task) -> None:
        if self._executor is None:
            self._executor = self._running.make()
        try:
            with signals_held():  # a process that is started takes the mask over, and hears none
                future = self._executor.submit(do, task)
        except BrokenExecutor:  # what was given to it before says the same
            self._suspects.appendleft(task)
            if not self._pending:
                self.end()
            return
        self._pending[future] = task

    def _take(self, future: Future[Outcome], done: list[Done], lost: list[Task]) -> None:
        task = self._pending.pop(future)
        try:
            done.append((task, future.result()))
        except (BrokenExecutor, CancelledError):
            lost.append(task)
        except Exception as error:
            deaths = deaths_of(error)  # the executor itself goes on
            if deaths and self._alone:
                done.append(self._given_up_on(task, deaths))
                return
            if not deaths:  # a task raises nothing: the executor lost what came of it
                self._lost[task.number] += 1
                if self._lost[task.number] == _LOSSES:
                    raise
            self._suspects.append(task)

    def _bury(self, lost: list[Task]) -> list[Done]:
        """The workers are gone: all that was given out is to be done again, one by one."""
        lost += self._pending.values()
        self._pending.clear()
        self.end()
        if len(lost) > 1:
            self._suspects.extendleft(sorted(lost, key=lambda task: -task.number))
            return []
        (task,) = lost
        self._deaths[task.number] += 1
        if self._deaths[task.number] < _DEATHS:
            self._suspects.appendleft(task)
            return []
        return [self._given_up_on(task, _DEATHS)]

    def _given_up_on(self, task: Task, deaths: int) -> Done:
        """A task that is not tried again.

        Raises:
            ResourceError: nothing was done yet, and it is not the first such one.
        """
        self._given_up += 1
        if not self._any_done and self._given_up == _DEATHS:
            raise ResourceError(
                what="workers die before they do anything",
                hint="fewer --jobs, or more memory; a script that calls this needs "
                "if __name__ == '__main__'",
            )
        error = f"{task.source}: {deaths} workers died of it: out of memory, or killed"
        return task, Outcome(status=Status.FAILED, exit_status=_KILLED, error=error)

    def end(self) -> None:
        """Let go of the workers."""
        executor, self._executor = self._executor, None
        if executor is not None:
            self._running.end(executor, list(self._pending))
