"""Workers that are processes of this machine.

They are started by ``spawn``: a fork of a process with threads may hang, and would inherit what the
main process holds. Two of them are there after some 0.2 s.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import connection, resource_tracker
from typing import Any

from oci_layout.temporary import signals_held

_PATIENCE = 0.2  # seconds for a killed process to be gone


class Processes:
    """Makes pools of processes, and ends them at once.

    Args:
        count: of processes.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def make(self) -> Executor:
        """A new pool. Its processes start as they are needed."""
        with signals_held():  # what cleans up behind processes must outlive a hangup
            resource_tracker.ensure_running()
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.count, mp_context=context, initializer=begin)

    def end(self, executor: Executor, pending: Sequence[Future[Any]]) -> None:
        """Kill the processes of a pool: what they were at was staged, and goes with the stage."""
        del pending
        workers = list((getattr(executor, "_processes", None) or {}).values())
        for worker in workers:
            worker.kill()
        executor.shutdown(wait=True, cancel_futures=True)
        for worker in workers:
            worker.join(_PATIENCE)


def begin() -> None:
    """The first that a worker does: signals are for the main process, whose end is its own."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
