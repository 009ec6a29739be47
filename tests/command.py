"""The command under test: called in this process, or as one of its own where that is the point.

A process of its own takes 0.2 s to start. What needs one: signals, limits of the system, rights,
terminals, streams that are closed or end early, and the start and end of the interpreter.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from oci_layout.cli.main import SIGNALS, run

Done = subprocess.CompletedProcess[bytes]

REPOSITORY = Path(__file__).resolve().parents[1]
LEFTOVER = re.compile(r"\..+\.layout-[0-9a-f]{8}(-old)?\.tmp")


def argv_of(*words: object) -> list[str]:
    """Give the command line of `layout` with the given words."""
    return [sys.executable, "-m", "oci_layout", *map(str, words)]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Find the package of this checkout from any folder."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **(extra or {})}


def process(
    *words: object,
    stdin: bytes = b"",
    stdout: int = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
    unprivileged: bool = False,
) -> Done:
    """Run `layout` as a process of its own, to its end.

    Args:
        stdin: goes in through a pipe.
        stdout: a descriptor instead of a pipe.
        unprivileged: heed permissions, which root would not.
    """
    heed = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    return subprocess.run(
        [*(heed if unprivileged and os.geteuid() == 0 else []), *argv_of(*words)],
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(env),
        timeout=120,
        check=False,
    )


@contextlib.contextmanager
def _inside(folder: Path | None) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)


def layout(
    *words: object,
    stdin: bytes | None = None,
    columns: int = 80,
    cwd: Path | None = None,
) -> Done:
    """Call `layout` in this process, its three standard streams replaced as a shell would.

    Args:
        stdin: goes in through a pipe; /dev/null by default.
        columns: of the terminal.
    """
    status: object = 0
    with (
        _inside(cwd),
        mock.patch.dict(os.environ, COLUMNS=str(columns)),
        _handlers(),
        _streams(stdin) as (out, err),
    ):
        try:
            run([str(word) for word in words])
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(["layout", *map(str, words)], status, bytes(out), bytes(err))


@contextmanager
def _handlers() -> Iterator[None]:
    """Keep this process's own handlers of signals, and of errors that nobody can catch."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    unraisable = sys.unraisablehook
    try:
        yield
    finally:
        sys.unraisablehook = unraisable
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _streams(stdin: bytes | None) -> Iterator[tuple[bytearray, bytearray]]:
    """Put others in the place of descriptors 0 to 2, and give what comes out of the last two.

    By descriptors, since archives pass there, beside `sys.stdin` and `sys.stdout`. The first two
    are pipes, and standard error is a file in memory, for which no thread is needed.
    """
    out, err = bytearray(), bytearray()
    with contextlib.ExitStack() as stack:
        replaced = {1: _collected(out, stack), 2: os.memfd_create("standard error")}
        said = stack.enter_context(open(os.dup(replaced[2]), "rb"))
        replaced[0] = os.open(os.devnull, os.O_RDONLY) if stdin is None else _fed(stdin, stack)
        # Threads end when our end of their pipe is closed, so they are joined after that.
        inner = stack.enter_context(contextlib.ExitStack())
        for number, by in replaced.items():
            inner.callback(os.close, kept := os.dup(number))
            inner.callback(os.dup2, kept, number)
            os.dup2(by, number)
            os.close(by)
        standard = [io.FileIO(number, "wb", closefd=False) for number in (1, 2)]
        texts = [io.TextIOWrapper(io.BufferedWriter(each), encoding="utf-8") for each in standard]
        texts[1].reconfigure(errors="backslashreplace", line_buffering=True)
        with contextlib.redirect_stdout(texts[0]), contextlib.redirect_stderr(texts[1]):
            yield out, err
            sys.stdout.flush()  # as the end of the interpreter does
            sys.stderr.flush()
        said.seek(0)
        err.extend(said.read())


def _collected(into: bytearray, stack: contextlib.ExitStack) -> int:
    """The end to write to of a pipe, whose other end is read to its end."""
    read, write = os.pipe()

    def collect() -> None:
        with open(read, "rb") as file:
            into.extend(file.read())

    _begun(collect, stack)
    return write


def _fed(data: bytes, stack: contextlib.ExitStack) -> int:
    """The end to read from of a pipe, into whose other end data goes."""
    read, write = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), open(write, "wb", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]

    _begun(feed, stack)
    return read


def _begun(work: Callable[[], None], stack: contextlib.ExitStack) -> None:
    thread = threading.Thread(target=work)
    stack.callback(thread.join)
    thread.start()


def succeed(*words: object, columns: int = 80) -> bytes:
    """Call `layout`, which must succeed, and give its standard output."""
    done = layout(*words, columns=columns)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def printed(*words: object) -> dict[str, Any]:
    """The one JSON document that the command prints with --json."""
    value: dict[str, Any] = json.loads(succeed(*words, "--json"))
    return value


def changes_of(part: dict[str, Any], key: str = "changes") -> list[str]:
    """What a report, or an image in one, says was done, each as it is printed."""
    return [f"{each['kind']}: {each['text']}" for each in part[key]]


def report(*words: object) -> dict[str, Any]:
    """Call `layout repack ... --json`, which must succeed, and give the report."""
    value = printed("repack", *words)
    assert value["version"] == 1
    return value


def refuse(status: int, *words: object) -> str:
    """Call `layout repack`, which must fail with a status, and give its one line."""
    return the_line(layout("repack", *words), status)


def codes(value: Mapping[str, Any]) -> set[str]:
    """Give the codes of the warnings of a report."""
    return {warning["code"] for warning in value["warnings"]}


def the_line(done: Done, status: int) -> str:
    """The one line that a failed run must say, with its exit status."""
    text = done.stderr.decode()
    assert done.returncode == status, f"exit {done.returncode}: {text}"
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if not line.startswith(("warning: ", "note: "))]
    assert len(lines) == 1, text
    assert lines[0].startswith("layout: ")
    return lines[0]


def names_in(folder: Path) -> list[str]:
    """What is in a folder, hidden or not."""
    return sorted(os.listdir(folder))
