"""Sources made to exhaust memory or time, and a run of `verify` on them that is measured."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.shared import ROOT

MEMORY = 1 << 30  # bytes of address space that any source must do with
SECONDS = 120  # of processor time: what takes so long would go on for hours

# Calls the command with some bounds lowered: the same code, without gigabytes of output.
_LAUNCH = """
import json, sys
from oci_layout import limits
lowered = json.loads(sys.argv.pop(1))
for name, value in lowered.items():
    setattr(limits, name, value)
from oci_layout.cli.main import run
run()
"""


@dataclass(frozen=True)
class Measured:
    """What a run of `layout verify --json` came to."""

    status: int
    report: dict[str, Any]
    stderr: str
    seconds: float
    peak: int  # bytes of resident memory

    @property
    def codes(self) -> set[str]:
        """Codes of errors and warnings."""
        return {
            each["code"]
            for report in self.report.get("reports", [])
            for each in report["findings"]
            if each["severity"] != "note"
        }


def measure(
    source: Path,
    *options: str,
    limits: dict[str, int] | None = None,
    memory: int = MEMORY,
    seconds: int = SECONDS,
) -> Measured:
    """Run `layout verify SOURCE --json` in a process of bounded memory.

    Args:
        limits: bounds lowered, by name.
        memory: bytes of address space.
        seconds: of processor time, after which it is killed; no test asserts on less.
    """

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    words = [sys.executable, "-c", _LAUNCH, json.dumps(limits or {})]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(
            [*words, "verify", str(source), "--json", "--jobs", "1", *options],
            stdout=out,
            stderr=err,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=bound,  # noqa: PLW1509  there are no threads here
        )
        _, ended, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(ended)
        out.seek(0)
        err.seek(0)
        text, said = out.read(), err.read().decode(errors="replace")
    if process.returncode == -signal.SIGXCPU:
        said += f"more than {seconds} seconds of processor time"
    return Measured(
        status=process.returncode,
        report=json.loads(text) if text.strip() else {},
        stderr=said,
        seconds=took,
        peak=usage.ru_maxrss * 1024,
    )


@dataclass(frozen=True)
class Bomb:
    """A hostile source.

    Args:
        name: for tables.
        build: writes it into an empty folder.
        wanted: a code that must be among the findings; empty where nothing need be, and
            "refused" where it cannot be read at all (exit status 3).
        limits: bounds lowered in tests; a benchmark leaves them as they are.
        options: of `verify`.
    """

    name: str
    build: Callable[[Path], Path]
    wanted: str
    limits: dict[str, int] | None = None
    options: tuple[str, ...] = ()
