"""Runs targets in processes of their own, in turns, and prints a table of what came of it."""

# ruff: noqa: S311  chance has no secrets here; it starts itself
from __future__ import annotations

import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from scripts.fuzzing import loop
from scripts.fuzzing.targets import Target

SLICE = 30.0  # seconds that a process works on one target, at the most
_PATIENCE = 60.0  # seconds that a process may be late: it no longer hears of its own alarm


@attrs.define(kw_only=True)
class Score:
    """What came of one target so far."""

    target: Target
    done: int = 0
    busy: bool = False
    cpu: float = 0.0
    memory: int = 0
    crashes: dict[str, dict[str, Any]] = attrs.Factory(dict)

    def add(self, found: dict[str, Any]) -> None:
        """Count what one process found."""
        self.done += found["executions"]
        self.cpu += found["cpu"]
        self.memory = max(self.memory, found["memory"])
        for signature, crash in found["crashes"].items():
            known = self.crashes.setdefault(signature, {**crash, "count": 0})
            known["count"] += crash["count"]


def run_all(
    script: str,
    targets: Sequence[Target],
    *,
    executions: int,
    jobs: int,
    seed: int | None,
    minutes: float | None,
    save: str,
) -> int:
    """Run targets until each has had its executions or the time is over; 1 if any crashed.

    Args:
        script: the command that starts a process for one target.
        targets: which.
        executions: of each.
        jobs: processes at a time; 0 for all of it in this one.
        seed: of all chance; a new one if None.
        minutes: for all of it; no end if None.
        save: folder for inputs that crash.
    """
    seed = random.randrange(1 << 31) if seed is None else seed
    print(f"seed {seed}; inputs that crash go to {save}", flush=True)
    end = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    # Every target has several turns, also where there are few minutes.
    share = (minutes or 1e9) * 60 * max(1, jobs) / len(targets)
    slice_seconds = min(SLICE, max(2.0, share / 4))
    scores = [Score(target=target) for target in targets]
    lock, turn = threading.Lock(), 0
    if not jobs:
        loop.prepare()
        for score in scores:
            left = max(1.0, end - time.monotonic())
            found = loop.loop(
                score.target, seed=seed, first=0, executions=executions, seconds=left, save=save
            )
            score.add(found)
        return report(scores)

    def next_score() -> Score | None:
        """The next in turn that is not done, and that no other process has."""
        nonlocal turn
        with lock:
            for step in range(len(scores)):
                score = scores[(turn + step) % len(scores)]
                if score.done < executions and not score.busy:
                    turn = (turn + step + 1) % len(scores)
                    score.busy = True
                    return score
            return None

    def work() -> None:
        while time.monotonic() < end and (score := next_score()) is not None:
            seconds = min(slice_seconds, max(1.0, end - time.monotonic()))
            count = executions - score.done
            found = _process(script, score.target, seed, score.done, count, seconds, save)
            with lock:
                score.add(found)
                score.busy = False

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work) for _ in range(jobs)]:
            future.result()
    return report(scores)


def _process(
    script: str, target: Target, seed: int, first: int, count: int, seconds: float, save: str
) -> dict[str, Any]:
    room = loop.scratch()  # of the child too: it may end without a chance to clean up
    marked = f"{room}/number"
    try:
        with open(marked, "wb") as file:
            file.write(bytes(8))
        words = [target.name, seed, first, count, seconds, save, room]
        command = [sys.executable, script, "slice", *map(str, words)]
        began = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
            try:
                out, _ = child.communicate(timeout=seconds + _PATIENCE)
                how = f"ended with {child.returncode}"
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                out, how = b"", "hangs, deaf to its alarm"
        if child.returncode == 0:
            found: dict[str, Any] = json.loads(out)
            return found
        with open(marked, "rb") as file:
            number = max(first, struct.unpack("<Q", file.read(8))[0])
    finally:
        shutil.rmtree(room, ignore_errors=True)
    crashes: dict[str, dict[str, Any]] = {}
    value = target.make(loop.chance(seed, number))
    loop.keep(target, value, loop.Crash(signature=f"the process {how}", text=how), save, crashes)
    return {
        "executions": number - first + 1,
        "cpu": time.monotonic() - began,
        "memory": 0,
        "crashes": crashes,
    }


def slice_of(target: Target, words: Sequence[str]) -> None:
    """The process of one slice: what came of it goes to standard output."""
    seed, first, count, seconds, save, room = words
    with open(f"{room}/number", "r+b") as file:
        mark = mmap.mmap(file.fileno(), 8)
    loop.prepare()
    found = loop.loop(
        target,
        seed=int(seed),
        first=int(first),
        executions=int(count),
        seconds=float(seconds),
        save=save,
        mark=mark,
        inside=room,
    )
    print(json.dumps(found))


def report(scores: Sequence[Score]) -> int:
    """The table; 1 if anything crashed."""
    print(f"{'target':16} {'executions':>11} {'exec/s':>8} {'crashes':>8} {'peak MB':>8}")
    for each in scores:
        rate = each.done / each.cpu if each.cpu else 0.0
        crashes = sum(crash["count"] for crash in each.crashes.values())
        print(
            f"{each.target.name:16} {each.done:11,} {rate:8,.0f} {crashes:8,} "
            f"{each.memory / 1024:8.1f}"
        )
    done, cpu = sum(each.done for each in scores), sum(each.cpu for each in scores)
    print(f"{'all':16} {done:11,} {done / cpu if cpu else 0:8,.0f} (per second of a core)")
    for each in scores:
        for signature, crash in each.crashes.items():
            print(f"{each.target.name}: {crash['count']} x {signature}: {crash['input']}")
    return int(any(each.crashes for each in scores))
