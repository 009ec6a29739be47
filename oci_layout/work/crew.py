"""The crew: blobs side by side, the largest first, stopped together."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager

from oci_layout import limits
from oci_layout.closing import Closing
from oci_layout.mediatype import Compression
from oci_layout.plan.jobs import Fact, Job
from oci_layout.streams.growth import Growth
from oci_layout.streams.lanes import Lanes

Do = Callable[[Job], Fact]

# What a blob at work may hold in memory, by what packs it (measured, with room to spare).
_COST = {Compression.ZSTD: 20 << 20, Compression.GZIP: 5 << 20}
_COST_KEPT = 4 << 20
_COST_ZSTD = ((16, 160 << 20), (10, 60 << 20))  # from a level on: its tables, for each lane
_COST_WIDE = 20 << 20  # one that has lanes, with all that is on its way between stages
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


class Crew(Closing):
    """Threads for the work on blobs. A context manager.

    Threads are enough: hashing, packing and reading let go of the interpreter. Blobs are done side
    by side; one that is larger than its fair share is also split into stages, so that no worker
    stands idle while it is done. What is written never depends on either.

    Args:
        workers: cores to use, at least 1.
        advance: told of bytes read, from any thread.
        limit: bytes that blobs may grow to beyond a ratio of 200, all together.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        advance: Callable[[int], None] | None = None,
        limit: int = limits.BOMB_BYTES,
    ) -> None:
        self._workers = workers
        self.meter, self.growth = Meter(advance), Growth(limit)
        self._lanes: dict[str, int] = {}
        self._blocks: ThreadPoolExecutor | None = None

    def lanes(self, job: Job) -> Lanes | None:
        """Threads that a job may use beside its own; None where others keep them busy."""
        count = self._lanes.get(job.key)
        if count is None:
            return None
        if self._blocks is None:
            self._blocks = ThreadPoolExecutor(self._workers, thread_name_prefix="layout-block")
        return Lanes(executor=self._blocks, count=count)

    def one_by_one(self, jobs: Sequence[Job]) -> None:
        """Say that these jobs will be done one after the other: each may use all lanes."""
        if self._workers > 1:
            large = [job for job in jobs if job.member.size > _SMALL]
            self._lanes = {job.key: min(self._workers, _room(job)) for job in large}

    def do_all(self, jobs: Sequence[Job], do: Do) -> Mapping[str, Fact]:
        """Do every job.

        Args:
            jobs: what to do.
            do: does one; called from several threads.

        Raises:
            LayoutError: what the first failing job raised.
        """
        if not jobs:
            return {}
        ordered = sorted(jobs, key=lambda job: job.member.size, reverse=True)
        side_by_side = self._share(ordered)
        # Also a single worker is a thread of its own: this one stays free to hear of signals.
        pool = ThreadPoolExecutor(side_by_side, thread_name_prefix="layout")
        try:
            with _signals_held():
                futures = {pool.submit(do, job): job for job in ordered}
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [error for future in done if (error := future.exception()) is not None]
            if failed:
                real = [error for error in failed if not isinstance(error, Cancelled)]
                raise (real or failed)[0]
        except BaseException:
            self.meter.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        facts = {job.key: future.result() for future, job in futures.items()}
        return {job.key: facts[job.key] for job in jobs}

    def _share(self, ordered: Sequence[Job]) -> int:
        """Give lanes to the largest jobs; how many jobs then fit side by side into the memory.

        Args:
            ordered: the jobs, the largest first.
        """
        fair = max(sum(job.member.size for job in ordered) / self._workers, _SMALL)
        wide = [job for job in ordered if job.member.size > fair] if self._workers > 1 else []
        cost_wide = max([_COST_WIDE, *(_cost(job) for job in wide)])
        wide = wide[: max(1, limits.WORK_BYTES // cost_wide)]
        self._lanes = {job.key: max(1, min(self._workers, _room(job)) // len(wide)) for job in wide}
        left = max(0, limits.WORK_BYTES - len(wide) * cost_wide)
        fits = len(wide) + left // max(_cost(job) for job in ordered)
        return max(1, min(self._workers, len(ordered), fits))

    def close(self) -> None:
        """End the threads that blocks are packed in."""
        if self._blocks is not None:
            self._blocks.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let signals wait: an exception in the middle of starting a thread would lose the thread.

    Threads inherit the mask, so that signals reach the thread that waits for them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _room(job: Job) -> int:
    """How many of a job's kind stay within the memory for all."""
    return max(1, limits.WORK_BYTES // _cost(job))


def _cost(job: Job) -> int:
    if job.encoding is None:
        return _COST_KEPT
    if job.result is Compression.ZSTD:
        for level, cost in _COST_ZSTD:
            if (job.encoding.level or 0) >= level:
                return cost
    return _COST.get(job.result, _COST_KEPT)
