"""Ctrl-C and `kill` in the middle of work: one line, the right status, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders import write_docker_archive
from tests.builders.trees import heavy_image
from tests.command import argv_of, environment, names_in, the_line
from tests.conftest import Figure
from tests.moments import SLOW, started, stepped, steps_of, until_work
from tests.stages import INDEX_LEFTOVER, TARGETS, make_stage

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
EVERY = os.environ.get("OCI_LAYOUT_SLOW") == "1"


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("target", TARGETS)
def test_in_the_middle(number: signal.Signals, target: str, tmp_path: Path) -> None:
    """The old one stays, and the temporary file goes, with all threads at work or with one."""
    jobs = "1" if target == "new archive" else "4"
    stage = make_stage(tmp_path / "stage", target, flags=(*SLOW, "--jobs", jobs), finished=False)
    with started(stage) as process:
        until_work(stage, process)
        time.sleep(0.05)  # into the work, which takes much longer
        process.send_signal(number)
        done = process.done(60)
    line = the_line(done, SIGNALS[number])
    assert "nothing was left" in line
    assert stage.untouched()


@pytest.mark.parametrize("number", SIGNALS)
def test_while_waiting_for_standard_input(number: signal.Signals, tmp_path: Path) -> None:
    """`docker save` is slow, and the person loses patience."""
    with subprocess.Popen(
        argv_of("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar", "--tmp", tmp_path),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        source = write_docker_archive([heavy_image(3)], tmp_path / "in.tar")
        # More than a pipe holds: once it is written, the command is reading.
        process.stdin.write(source.read_bytes()[: 1 << 20])
        process.stdin.flush()
        process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read()
    the_line(subprocess.CompletedProcess([], process.returncode, b"", said), SIGNALS[number])
    assert names_in(tmp_path) == ["in.tar"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_writing_into_a_pipe(number: signal.Signals, tmp_path: Path) -> None:
    """The archive breaks off without its end marker, so that no reader takes it for whole."""
    source = write_docker_archive([heavy_image(3)], tmp_path / "in.tar")
    with subprocess.Popen(
        argv_of("repack", source, "--to", "oci", "-o", "-", "--tmp", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        first = process.stdout.read(4096)
        process.send_signal(number)
        rest, said = process.communicate(timeout=60)
    the_line(subprocess.CompletedProcess([], process.returncode, b"", said), SIGNALS[number])
    assert len(first) == 4096
    assert not rest.endswith(bytes(1024))
    assert names_in(tmp_path) == ["in.tar"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_the_caller_ignores_is_ignored(number: signal.Signals, tmp_path: Path) -> None:
    """`nohup layout ...`, and a task that a script has put into the background."""
    stage = make_stage(tmp_path / "stage", "new archive", flags=("--compression", "zstd:12"))
    before = signal.signal(number, signal.SIG_IGN)
    try:
        process = subprocess.Popen(argv_of(*stage.words), stderr=subprocess.PIPE, env=environment())
    finally:
        signal.signal(number, before)
    with process:
        until_work(stage, process)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert stage.state() == "new"


# Signals itself when a function of the main module is called, which it then calls.
_SIGNALLED_IN = """
import os, sys
from oci_layout.cli import main
name, number, *words = sys.argv[1:]
owner = main if hasattr(main, name) else main.temporary
call = getattr(owner, name)
def called(*args):
    os.kill(os.getpid(), int(number))
    return call(*args)
setattr(owner, name, called)
main.run(words)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("function", ["_tell", "remove_all", "_finish"])
def test_while_it_ends(function: str, number: signal.Signals, tmp_path: Path) -> None:
    """Between an error and the end there is no place for a traceback."""
    argv = [sys.executable, "-c", _SIGNALLED_IN, function, str(int(number))]
    done = subprocess.run(
        [*argv, "verify", tmp_path / "absent"], capture_output=True, env=environment(), check=False
    )
    assert done.returncode in (3, SIGNALS[number]), done.stderr
    assert b"Traceback" not in done.stderr


# Signals itself where Python lets no exception out: in what is called as an object goes.
_SWALLOWED = """
import os, sys, time
from oci_layout.cli import main
class Going:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass
def status(arguments, debug):
    Going()
    time.sleep(30)
    return 0
main._status = status
main.run(["verify", "x"])
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_where_no_exception_comes_out(number: signal.Signals) -> None:
    argv = [sys.executable, "-c", _SWALLOWED, str(int(number))]
    done = subprocess.run(argv, capture_output=True, env=environment(), check=False, timeout=25)
    assert "nothing was left" in the_line(done, SIGNALS[number])


@pytest.mark.parametrize(
    ("number", "target"),
    [*((signal.SIGINT, target) for target in TARGETS), (signal.SIGTERM, "force folder")],
)
def test_at_each_step(number: signal.Signals, target: str, tmp_path: Path, figure: Figure) -> None:
    """From the first file that is made to the last that is made durable, and its renaming.

    Whatever the status says, the old or the new one is there, whole, and nothing beside it.
    """
    flags = ("--compression", "keep", "--jobs", "1")
    stage = make_stage(tmp_path / "stage", target, flags=flags)
    total = steps_of(stage, number)
    chosen = sorted({*range(1, 5), *range(total - 7, total + 1)} & set(range(1, total + 1)))
    counts = {0: 0, SIGNALS[number]: 0}
    for step in chosen if not EVERY else range(1, total + 1):
        stage.reset()
        done = stepped(stage, step, number)
        assert done.returncode in counts, done.stderr
        counts[done.returncode] += 1
        assert b"Traceback" not in done.stderr
        assert done.returncode or stage.state() == "new"
        assert stage.state() in ("old", "new")
        assert stage.leftovers() == [], f"step {step} of {total}: {done.stderr.decode()}"
        assert INDEX_LEFTOVER not in (names_in(stage.dest) if stage.dest.is_dir() else [])
    assert counts[SIGNALS[number]]
    figure(f"{number.name}, {target}: at {len(chosen)} of {total} steps: {counts}")
