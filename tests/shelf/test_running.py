"""Tasks on executors whose workers die: who is blamed, who is tried again, who is given up."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from oci_layout import batch
from oci_layout.batchlines.kinds import Status
from oci_layout.errors import ResourceError
from oci_layout.shelf import task as tasks
from oci_layout.shelf.processes import Processes
from oci_layout.shelf.running import Done, Running
from oci_layout.shelf.task import Outcome, Task
from oci_layout.verification.request import Verify
from tests.builders.shelves import put


class Workers(Executor):
    """Some workers that do nothing, and all die of some tasks, as a pool of processes does.

    Args:
        deadly: whether a task kills, by its number.
        log: takes the numbers of tasks that are given out.
    """

    def __init__(self, deadly: Callable[[int], bool], log: list[int]) -> None:
        self._deadly, self._log, self._broken = deadly, log, False
        self._given: list[tuple[Future[Any], Task]] = []

    def submit(self, do: Any, /, *given: Any, **options: Any) -> Future[Any]:
        (task,) = given
        if self._broken:
            raise BrokenProcessPool
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self._log.append(task.number)
        self._given.append((future, task))
        if len(self._given) == 1:
            threading.Timer(0.02, self.work).start()
        return future

    def work(self) -> None:
        given, self._given = self._given, []
        self._broken = any(self._deadly(task.number) for _, task in given)
        for future, _task in given:
            if self._broken:
                future.set_exception(BrokenProcessPool())
            else:
                future.set_result(Outcome(status=Status.DONE))


def task(number: int) -> Task:
    return Task(number=number, source=f"s{number}", request=Verify(), files=())


def run_all(count: int, deadly: Callable[[int], bool]) -> tuple[dict[int, Outcome], Counter[int]]:
    log: list[int] = []
    done: dict[int, Outcome] = {}

    def told(some: Sequence[Done]) -> None:
        for each, outcome in some:
            assert each.number not in done
            done[each.number] = outcome

    running = Running(
        make=lambda: Workers(deadly, log), end=lambda *_: None, window=lambda: 2, done=told
    )
    running.run(iter(map(task, range(count))))
    return done, Counter(log)


def test_without_a_death_each_is_given_out_once() -> None:
    done, log = run_all(7, lambda _: False)
    assert sorted(done) == list(range(7))
    assert set(log.values()) == {1}


def test_nothing_to_do_makes_no_executor() -> None:
    def make() -> Executor:
        raise AssertionError

    Running(make=make, end=lambda *_: None, window=lambda: 2, done=lambda _: None).run(iter(()))


def test_one_that_kills_is_given_up_and_nobody_else_is_blamed() -> None:
    done, log = run_all(7, lambda number: number == 3)
    assert sorted(done) == list(range(7))
    failed = [number for number, outcome in done.items() if outcome.status is Status.FAILED]
    assert failed == [3]
    assert "3 workers died of it" in done[3].error
    assert done[3].exit_status == 7
    assert log[3] == 4  # once beside another, then alone until it is given up
    assert sum(log.values()) <= 7 + 3 + 1


def test_a_worker_that_died_by_chance_costs_nothing() -> None:
    died: list[int] = []

    def once(number: int) -> bool:
        if number == 2 and not died:
            died.append(number)
            return True
        return False

    done, _ = run_all(5, once)
    assert {outcome.status for outcome in done.values()} == {Status.DONE}


def test_workers_that_cannot_begin() -> None:
    with pytest.raises(ResourceError, match="workers die"):
        run_all(9, lambda _: True)


class Losing(Workers):
    """Workers that do everything, and lose what came of some tasks."""

    def work(self) -> None:
        given, self._given = self._given, []
        for future, task in given:
            if self._deadly(task.number):  # as Dask, if a worker dies right after its answer
                future.set_exception(TypeError("cannot unpack"))
            else:
                future.set_result(Outcome(status=Status.DONE))


@pytest.mark.parametrize("losses", [1, 2])
def test_what_an_executor_lost_is_done_again(losses: int) -> None:
    log: list[int] = []
    done: list[int] = []
    Running(
        make=lambda: Losing(lambda number: number == 2 and log.count(2) <= losses, log),
        end=lambda *_: None,
        window=lambda: 2,
        done=lambda some: done.extend(each.number for each, _ in some),
    ).run(iter(map(task, range(6))))
    assert sorted(done) == list(range(6))
    assert Counter(log) == {**dict.fromkeys(range(6), 1), 2: losses + 1}


def test_an_executor_that_loses_everything() -> None:
    executor = Losing(lambda _: True, [])
    with pytest.raises(TypeError, match="cannot unpack"):
        Running(
            make=lambda: executor, end=lambda *_: None, window=lambda: 2, done=lambda _: None
        ).run(iter(map(task, range(6))))


def suicide(number: int) -> None:
    os.kill(os.getpid(), number)


def test_a_process_that_is_killed_takes_nobody_along() -> None:
    """Real processes: one kills itself, and those beside it are done all the same."""
    workers = Processes(2)
    executor = workers.make()
    dead = executor.submit(suicide, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool):
        dead.result(30)
    workers.end(executor, [])


def test_a_given_executor_that_ends(tmp_path: Path) -> None:
    for number in range(8):
        put(number, tmp_path / f"shelf/{number}.tar")

    class Ending(Executor):
        def submit(self, do: Any, /, *more: Any, **options: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool())
            return future

    with pytest.raises(ResourceError, match="executor that was given has ended"):
        batch("verify", tmp_path / "shelf", executor=Ending())


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (MemoryError(), 7, "out of memory"),
        (OSError(28, "No space left on device"), 5, "No space left"),
        (ValueError("x"), 8, "internal failure: ValueError: x"),
    ],
)
def test_what_a_worker_did_not_expect(
    error: BaseException, status: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def done(_task: Task) -> Outcome:
        raise error

    monkeypatch.setattr(tasks, "_done", done)
    outcome = tasks.do(task(1))
    assert (outcome.status, outcome.exit_status) == (Status.FAILED, status)
    assert text in outcome.error
