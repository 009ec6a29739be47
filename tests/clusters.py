"""A cluster of Dask on loopback: a scheduler and workers, processes that end with the test.

A source tells by its name what its worker is to do: `slow` takes a moment, `deadly` kills it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.command import environment

_PATIENCE = 60.0  # seconds for anything to be there
_PRELOAD = """
import os, signal, time
from oci_layout.shelf import task as tasks

done = getattr(tasks, "done", tasks._done)  # this is run twice
tasks.done = done

def slow_or_deadly(task):
    if "slow" in task.source:
        time.sleep(0.3)
    if "deadly" in task.source:
        with open(os.environ["DEATHS"], "a") as file:
            print(task.source, file=file)
        os.kill(os.getpid(), signal.SIGKILL)
    return done(task)

tasks._done = slow_or_deadly
"""


class DaskCluster:
    """A scheduler with two workers, of one thread each.

    Args:
        folder: for all that they write.
    """

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.deaths = folder / "deaths"
        self.deaths.touch()
        (folder / "preload.py").write_text(_PRELOAD)
        self._file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self._file)
        )
        self.workers: list[subprocess.Popen[bytes]] = []
        try:
            self.address = self._address()
            for _ in range(workers):
                self.worker()
        except BaseException:
            self.close()
            raise

    def worker(self) -> None:
        """Start one more."""
        more = ("--host", "127.0.0.1", "--nworkers", "1", "--nthreads", "1")
        where = (
            "--local-directory",
            str(self.folder),
            "--preload",
            str(self.folder / "preload.py"),
        )
        self.workers.append(self._start("worker", self.address, *more, *where))

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        settings = {
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2",
            "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False",
            "DEATHS": str(self.deaths),
        }
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words, "--no-dashboard"],
                env=environment(settings),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _address(self) -> str:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self.scheduler.poll() is None:
            try:
                return str(json.loads(self._file.read_text())["address"])
            except (OSError, ValueError):
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def kill_a_worker(self) -> int:
        """Kill the process that works, not the one that watches it; its number."""
        watching = self.workers[0].pid
        for path in Path("/proc").glob("[0-9]*"):
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                command = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == watching and b"spawn_main" in command:
                os.kill(int(path.name), signal.SIGKILL)
                return int(path.name)
        raise AssertionError("no process works")

    def close(self) -> None:
        """End all of it."""
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(_PATIENCE)
