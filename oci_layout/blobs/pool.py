"""The pool: blobs side by side, the largest first, stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from oci_layout import limits
from oci_layout.blobs.task import Task
from oci_layout.closing import Closing
from oci_layout.streams.growth import Growth
from oci_layout.streams.pipeline import Pipeline
from oci_layout.temporary import signals_held

_Done = TypeVar("_Done")

_COST_KEPT = 4 << 20  # what a blob at work may hold in memory, measured, with room to spare
_COST_WIDE = 20 << 20  # one with a pipeline, with all that is on its way between stages
_SMALL = 8 << 20  # a blob of less is not worth a thread for each of its stages


class Cancelled(BaseException):
    """Work was asked to stop."""


class Meter:
    """Counts the bytes read by all workers, and stops them when asked to.

    Args:
        advance: told of each piece of work done, in bytes, from any thread.
    """

    def __init__(self, advance: Callable[[int], None] | None = None) -> None:
        self._advance = advance
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask every worker to stop at its next piece."""
        self._stop.set()

    def resume(self) -> None:
        """Work again after a stop."""
        self._stop.clear()

    def count(self, size: int) -> None:
        """Count bytes.

        Raises:
            Cancelled: somebody asked to stop.
        """
        if self._stop.is_set():
            raise Cancelled
        if self._advance is not None:
            self._advance(size)


class Pool(Closing):
    """Threads for the work on blobs. A context manager.

    Threads are enough: hashing, packing and reading let go of the interpreter. Blobs are done side
    by side; one that is larger than its fair share is also split into stages, so that no worker
    stands idle while it is done. What is written never depends on either.

    Args:
        workers: cores to use, at least 1.
        advance: told of bytes read, from any thread.
        limit: bytes that blobs may grow to beyond a ratio of 200, all together.
        memory: bytes of memory that unpacking one blob may take; None for the common bound.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        advance: Callable[[int], None] | None = None,
        limit: int = limits.BOMB_BYTES,
        memory: int | None = None,
    ) -> None:
        self._workers = workers
        self.meter, self.growth = Meter(advance), Growth(limit, memory)
        self._pipelines: dict[str, int] = {}
        self._blocks: ThreadPoolExecutor | None = None

    def pipeline(self, task: Task) -> Pipeline | None:
        """Threads that a task may use beside its own; None where others keep them busy."""
        count = self._pipelines.get(task.key)
        if count is None:
            return None
        if self._blocks is None:
            self._blocks = ThreadPoolExecutor(self._workers, thread_name_prefix="layout-block")
        return Pipeline(executor=self._blocks, count=count)

    def one_by_one(self, tasks: Sequence[Task]) -> None:
        """Say that these tasks will be done one after the other: each may use all threads."""
        if self._workers > 1:
            large = [task for task in tasks if task.member.size > _SMALL]
            self._pipelines = {task.key: min(self._workers, _room(task)) for task in large}

    def do_all(self, tasks: Sequence[Task], do: Callable[[Task], _Done]) -> Mapping[str, _Done]:
        """Do every task.

        Args:
            tasks: what to do.
            do: does one; called from several threads.

        Raises:
            LayoutError: what the first failing task raised.
        """
        if not tasks:
            return {}
        ordered = sorted(tasks, key=lambda task: task.member.size, reverse=True)
        side_by_side = self._share(ordered)
        # Also a single worker is a thread of its own: this one stays free to hear of signals.
        executor = ThreadPoolExecutor(side_by_side, thread_name_prefix="layout")
        try:
            with signals_held():
                futures = {executor.submit(do, task): task for task in ordered}
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [error for future in done if (error := future.exception()) is not None]
            if failed:
                real = [error for error in failed if not isinstance(error, Cancelled)]
                raise (real or failed)[0]
        except BaseException:
            self.meter.stop()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
        facts = {task.key: future.result() for future, task in futures.items()}
        return {task.key: facts[task.key] for task in tasks}

    def _share(self, ordered: Sequence[Task]) -> int:
        """Give threads to the largest tasks; how many tasks then fit side by side into the memory.

        Args:
            ordered: the tasks, the largest first.
        """
        fair = max(sum(task.member.size for task in ordered) / self._workers, _SMALL)
        wide = [task for task in ordered if task.member.size > fair] if self._workers > 1 else []
        cost_wide = max([_COST_WIDE, *(_cost(task) for task in wide)])
        wide = wide[: max(1, limits.WORK_BYTES // cost_wide)]
        self._pipelines = {
            task.key: max(1, min(self._workers, _room(task)) // len(wide)) for task in wide
        }
        left = max(0, limits.WORK_BYTES - len(wide) * cost_wide)
        fits = len(wide) + left // max(_cost(task) for task in ordered)
        return max(1, min(self._workers, len(ordered), fits))

    def close(self) -> None:
        """End the threads that blocks are packed in."""
        if self._blocks is not None:
            self._blocks.shutdown(wait=True, cancel_futures=True)


def _room(task: Task) -> int:
    """How many of a task's kind stay within the memory for all."""
    return max(1, limits.WORK_BYTES // _cost(task))


def _cost(task: Task) -> int:
    packing = 0 if task.encoding is None else task.encoding.cost
    return max(_COST_KEPT, packing) + max(0, task.memory - limits.ZSTD_WINDOW)
