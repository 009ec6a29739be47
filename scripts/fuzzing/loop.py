"""The loop: makes inputs out of a seed, runs them, keeps those that crash."""

# ruff: noqa: ARG001, ARG005, S108, S311  handlers have given arguments; chance has no secrets here
from __future__ import annotations

import gc
import logging
import mmap
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time
import traceback
from types import FrameType
from typing import Any

import attrs

from oci_layout.errors import LayoutError, ResourceError
from scripts.fuzzing import cases
from scripts.fuzzing.targets import BrokenError, Target

SECONDS = 10  # of the processor that one input may take
_WAIT = 60  # seconds of the clock
ROOM = 2 << 30  # bytes of address space: what needs more runs out of memory
_GROWTH = 300  # MB that a process may grow by: something is kept, or an input took it
SHARED = "/dev/shm"  # a file system in memory, where there is one
_PACKAGE = f"{os.sep}oci_layout{os.sep}"


class HangError(BaseException):
    """An input took too long. No Exception, so that nothing takes it for its own."""


@attrs.frozen(kw_only=True)
class Crash:
    """What came out of a run.

    Args:
        signature: exception and the line of the package that it came from.
        text: the whole traceback.
    """

    signature: str
    text: str


def _too_long(number: int, frame: FrameType | None) -> None:
    what = f"{SECONDS} s of work" if number == signal.SIGPROF else f"{_WAIT} s"
    raise HangError(f"more than {what}")


def prepare(*, room: int = ROOM) -> None:
    """Make this process fit for the loop: nothing is synced, memory has a bound, no log."""
    logging.disable(logging.CRITICAL)
    os.fsync = os.fdatasync = lambda fd: None  # type: ignore[assignment]
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, _too_long)
    if room:
        resource.setrlimit(resource.RLIMIT_AS, (room, room))


def scratch(inside: str | None = None) -> str:
    """A new folder, in memory where that can be had, or inside another."""
    where = inside or (SHARED if os.access(SHARED, os.W_OK) else None)
    return tempfile.mkdtemp(prefix="layout-fuzz-", dir=where)


def peak() -> int:
    """KiB of memory that this process took at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run_one(target: Target, value: Any, room: str) -> Crash | None:
    """Run one input in an empty folder; what it crashed with."""
    inside = f"{room}/in"
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, _WAIT)
    try:
        if target.empty:
            os.mkdir(inside)
        try:
            target.run(value, inside)
        except target.allowed as error:
            if isinstance(error, ResourceError):
                raise
            if isinstance(error, LayoutError):
                str(error)
        if len(left := os.listdir(room)) > 2:
            raise BrokenError(f"left behind: {sorted(left)}")
        if os.listdir(f"{room}/tmp"):
            raise BrokenError("left behind in the folder for temporary files")
        if threading.active_count() > 1:
            raise BrokenError("a thread is left")
    except (Exception, HangError) as error:  # noqa: BLE001  everything else is what is looked for
        return _crash(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if target.empty:
            shutil.rmtree(inside, ignore_errors=True)
            cases.clear(f"{room}/tmp")
    return None


def _crash(error: BaseException) -> Crash:
    place = "?"
    for frame in traceback.extract_tb(error.__traceback__):
        if _PACKAGE in frame.filename:
            place = f"oci_layout/{frame.filename.rpartition(_PACKAGE)[2]}:{frame.lineno}"
            if isinstance(error, RecursionError):
                break
    kind = type(error).__name__
    if isinstance(error, BrokenError):
        kind = f"{kind}: {str(error)[:40].partition(':')[0]}"
    return Crash(
        signature=f"{kind} at {place}",
        text="".join(traceback.format_exception(error))[-6000:],
    )


def chance(seed: int, number: int) -> random.Random:
    """The chance that one input is made of."""
    return random.Random(seed << 32 | number)


def loop(
    target: Target,
    *,
    seed: int,
    first: int,
    executions: int,
    seconds: float,
    save: str,
    mark: mmap.mmap | None = None,
    inside: str | None = None,
) -> dict[str, Any]:
    """Run many inputs.

    Args:
        target: what is run.
        seed: of all inputs.
        first: number of the first input.
        executions: inputs at the most.
        seconds: time at the most.
        save: folder for the inputs that crash.
        mark: is told the number of each input before it is run.
        inside: folder for the folder that inputs are run in.

    Returns:
        A value for JSON: how many were run, how fast, what crashed, and the memory it took.
    """
    room = scratch(inside)
    os.mkdir(f"{room}/tmp")
    tempfile.tempdir = f"{room}/tmp"
    crashes: dict[str, dict[str, Any]] = {}
    target.make(chance(seed, first))
    gc.freeze()
    start = base = peak()
    files = len(os.listdir("/proc/self/fd"))
    began, number = time.monotonic(), first
    cpu = time.process_time()
    try:
        while number - first < executions:
            if mark is not None:
                mark[:8] = struct.pack("<Q", number)
            value = target.make(chance(seed, number))
            crash = run_one(target, value, room)
            if crash is not None:
                keep(target, value, crash, save, crashes)
            number += 1
            if not number % 256 and len(os.listdir("/proc/self/fd")) > files + 4:
                leak = Crash(signature="file descriptors are left open", text="")
                keep(target, value, leak, save, crashes)
                files = len(os.listdir("/proc/self/fd"))
            if not number % 256 and (grown := peak() - base) > _GROWTH << 10:
                much = f"more than {_GROWTH} MB"
                keep(target, value, Crash(signature=much, text=f"{grown} KiB"), save, crashes)
                base += _GROWTH << 10
            if not number % 16 and time.monotonic() - began > seconds:
                break
    finally:
        tempfile.tempdir = None
        shutil.rmtree(room, ignore_errors=True)
    return {
        "executions": number - first,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
        "memory": peak() - start,
        "crashes": crashes,
    }


def keep(
    target: Target, value: Any, crash: Crash, save: str, crashes: dict[str, dict[str, Any]]
) -> None:
    """Count a crash; the first input of each kind is written to a file."""
    known = crashes.get(crash.signature)
    if known is not None:
        known["count"] += 1
        return
    os.makedirs(save, exist_ok=True)
    stem = "".join(char if char.isalnum() else "-" for char in crash.signature)[:100]
    path = os.path.join(save, f"{target.name}-{stem}")
    with open(path, "wb") as file:
        file.write(target.encode(value))
    with open(f"{path}.txt", "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(crash.text)
    crashes[crash.signature] = {"count": 1, "input": path}
    print(f"{target.name}: {crash.signature}: {path}", file=sys.stderr, flush=True)


def again(target: Target, path: str) -> int:
    """Run the input of a file once more; 1 if it crashes."""
    with open(path, "rb") as file:
        value = target.decode(file.read())
    prepare()
    room = scratch()
    os.mkdir(f"{room}/tmp")
    tempfile.tempdir = f"{room}/tmp"
    try:
        crash = run_one(target, value, room)
    finally:
        tempfile.tempdir = None
        shutil.rmtree(room, ignore_errors=True)
    print(f"{crash.text}\n{crash.signature}" if crash is not None else "nothing crashed")
    return int(crash is not None)
