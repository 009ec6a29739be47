"""Workers: blobs side by side, the largest first, stopped together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from oci_layout.plan.jobs import Fact, Job
from oci_layout.work.blob import Cancelled, Meter

Do = Callable[[Job], Fact]


def run_all(jobs: Sequence[Job], do: Do, meter: Meter, workers: int) -> Mapping[str, Fact]:
    """Do every job.

    Threads are enough: hashing, packing and reading let go of the interpreter.

    Args:
        jobs: what to do.
        do: does one; called from several threads.
        meter: stops the rest when one fails.
        workers: how many at a time, at least 1.

    Raises:
        LayoutError: what the first failing job raised.
    """
    if workers <= 1 or len(jobs) <= 1:
        return {job.key: do(job) for job in jobs}
    ordered = sorted(jobs, key=lambda job: job.member.size, reverse=True)
    with ThreadPoolExecutor(workers, thread_name_prefix="layout") as pool:
        futures = {pool.submit(do, job): job for job in ordered}
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            meter.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        failed = [future.exception() for future in done if future.exception() is not None]
        if failed:
            meter.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            real = [error for error in failed if not isinstance(error, Cancelled)]
            raise (real or failed)[0] or Cancelled()
        facts = {job.key: future.result() for future, job in futures.items()}
    return {job.key: facts[job.key] for job in jobs}
