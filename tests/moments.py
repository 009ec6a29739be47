"""Moments of a run: after a time that is measured first, or at a step that is counted."""

from __future__ import annotations

import signal
import subprocess
import time

from tests.command import names_in
from tests.forking import Forked
from tests.stages import Stage

SLOW = ("--compression", "zstd:19")


def started(stage: Stage) -> Forked:
    return Forked(*stage.words)


def until_work(stage: Stage, process: Forked | subprocess.Popen[bytes]) -> None:
    """Wait until the temporary file or folder is there, or the run is over."""
    before = {stage.dest.name}
    while process.poll() is None and not set(names_in(stage.folder)) - before:
        time.sleep(0.0005)


def length_of_work(stage: Stage) -> float:
    """Processor time from the first thing written to what makes it visible; of three, the middle.

    A machine that is busy with something else makes no run longer by this clock.
    """
    lengths = []
    for _ in range(3):
        stage.reset()
        before = stage.probe()
        with started(stage) as process:
            until_work(stage, process)
            began = process.used()
            while process.poll() is None and stage.probe() == before:
                time.sleep(0.0005)
                process.used()
            lengths.append(process.used() - began)
    return sorted(lengths)[1]


def until(process: Forked, moment: float) -> None:
    """Wait until a run has used so many seconds of processor time, or is over."""
    while process.poll() is None and process.used() < moment:
        time.sleep(0.0005)


# Runs the command, and signals it at the n-th step; 0 only counts them. A kill comes before a
# step that touches the folder, a signal when the call into the system has just returned.
STEPPER = """
import os, signal, sys
folder, number, what, *words = sys.argv[1:]
steps = 0
def step():
    global steps
    steps += 1
    if steps == int(number):
        os.kill(os.getpid(), int(what))
def before(event, args):
    if event == "open":  # names are relative to descriptors of folders
        if args[2] & (os.O_CREAT | os.O_DIRECTORY) or folder in str(args[0]):
            step()
    elif event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        step()
calls = {"open", "mkdir", "rename", "unlink", "flock", "fsync", "ftruncate", "posix_fallocate"}
def after(frame, event, what):
    inside = "/sink/" in frame.f_code.co_filename or "/disk/" in frame.f_code.co_filename
    if event == "c_return" and inside and what.__name__ in calls:
        step()
from oci_layout.disk.folder import Folder
exchange = Folder.rename_as
def rename_as(*args, **more):
    if int(what) == signal.SIGKILL:
        step()
    done = exchange(*args, **more)
    if int(what) != signal.SIGKILL:
        step()
    return done
Folder.rename_as = rename_as
make_durable = Folder.sync
def sync(self):
    if int(what) == signal.SIGKILL:
        step()
    make_durable(self)
Folder.sync = sync
from oci_layout.cli.main import run
if int(what) == signal.SIGKILL:
    sys.addaudithook(before)
else:
    sys.setprofile(after)
try:
    run(words)
finally:
    sys.setprofile(None)
    if number == "0":
        print(steps, file=sys.stderr)
"""


def stepped(stage: Stage, number: int, what: signal.Signals) -> subprocess.CompletedProcess[bytes]:
    """Run until a step, and send a signal there."""
    words = [str(stage.folder), str(number), str(int(what)), *map(str, stage.words)]
    return Forked(*words, code=STEPPER).done()


def steps_of(stage: Stage, what: signal.Signals) -> int:
    """How many steps a run has that nobody disturbs."""
    whole = stepped(stage, 0, what)
    assert whole.returncode == 0, whole.stderr
    return int(whole.stderr.split()[-1])
