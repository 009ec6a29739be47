"""Disturbed runs of the command: signals at any moment, and many writers to one folder."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from oci_layout import verify
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.builders.trees import fingerprint, heavy_image
from tests.command import environment
from tests.forking import Forked

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "new layout": ("out", ()),
    "new archive": ("out.tar", ()),
    "force layout": ("out", ("--force",)),
    "force archive": ("out.tar", ("--force",)),
    "append": ("out", ("--append",)),
}
PACKED = ("keep", "gzip:6", "zstd:3", "zstd:12")

# Python installs a handler of its own for SIGINT before it looks for any program, and takes some
# hundredths of a second until it runs the first line of one. Only then a moment is ours.
_FIRST_LINE = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
import os, sys
os.close(int(sys.argv.pop(1)))
from oci_layout.cli.start import run
run()
"""


def lines_of(told: bytes) -> list[str]:
    """What a run said of how it ended, without what it said before."""
    said_before = ("warning: ", "waiting for ")
    lines = told.decode().splitlines()
    return [line for line in lines if not line.removeprefix("layout: ").startswith(said_before)]


@dataclass
class Outcome:
    """What came of many runs.

    Args:
        runs: how many there were.
        counts: how often what came of one.
        faults: what must not be.
        note: a line about all of them.
    """

    runs: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    note: str = ""


def _begun(words: list[str]) -> subprocess.Popen[bytes]:
    """A run that is at its first line."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-c", _FIRST_LINE, str(writer), *words]
    process = subprocess.Popen(
        argv, stderr=subprocess.PIPE, env=environment(), pass_fds=[writer], start_new_session=True
    )
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    return process


class _Stage:
    """Sources, old destinations, and how long a run takes that nobody disturbs."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.source = write_docker_archive([heavy_image(3)], base / "in.tar")
        old = [heavy_image(2, "old:1", layers=2)]
        self._old = {
            "out": write_oci_layout(old, base / "old"),
            "out.tar": write_docker_archive(old, base / "old.tar"),
        }
        self._seconds: dict[tuple[str, str], float] = {}

    def dest(self, kind: str) -> Path:
        name, flags = KINDS[kind]
        work = self.base / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        if flags:
            copy = shutil.copytree if name == "out" else shutil.copyfile
            copy(self._old[name], work / name)
        return work / name

    def words(self, kind: str, packed: str, dest: Path) -> list[str]:
        more = [*KINDS[kind][1], "-q", "-o", str(dest)]
        return ["repack", str(self.source), "--to", "oci", "--compression", packed, *more]

    def seconds(self, kind: str, packed: str) -> float:
        if (kind, packed) not in self._seconds:
            process = _begun(self.words(kind, packed, self.dest(kind)))
            began = time.monotonic()
            _, told = process.communicate(timeout=60)
            assert process.returncode == 0, told
            self._seconds[kind, packed] = time.monotonic() - began
        return self._seconds[kind, packed]


def _disturbed(stage: _Stage, kind: str, chance: random.Random) -> tuple[str, list[str]]:
    """One run that is hit by one to five signals: what came of it, and what must not be."""
    packed = chance.choice(PACKED)
    length = stage.seconds(kind, packed)
    dest = stage.dest(kind)
    before = fingerprint(dest) if dest.exists() else None
    process = _begun(stage.words(kind, packed, dest))
    time.sleep(chance.random() ** 0.6 * length)  # loading modules is the first half
    sent = []
    for _ in range(chance.randint(1, 5)):
        if process.poll() is None:
            sent.append(chance.choice(list(STATUSES)))
            process.send_signal(sent[-1])
        time.sleep(chance.choice([0, 0.0005, 0.01, 0.1]))
    _, raw = process.communicate(timeout=60)
    told = lines_of(raw)
    status = process.returncode
    state = "absent" if not dest.exists() else "old"
    if dest.exists() and fingerprint(dest) != before:
        state = "DAMAGED" if verify(str(dest)).failed else "new"
    left = sorted(path.name for path in dest.parent.iterdir() if path != dest)
    # Until its modules are loaded, a signal ends it as it ends any process.
    right = {0, *(STATUSES[each] for each in sent), *(-each for each in sent)}
    wrong = [
        f"status {status} after {sent}" if status not in right else "",
        f"more than one line: {told[-40:]}" if len(told) > 1 else "",
        f"left {left}" if left else "",
        state if state == "DAMAGED" else "",
        f"status 0 and {state}" if status == 0 and state != "new" else "",
        "the old one is gone" if before is not None and state == "absent" else "",
    ]
    return f"{kind}: status {status}, {state}", [f"{kind}: {each}" for each in wrong if each]


def signals(runs: int, seed: int) -> Outcome:
    """Signals one to five at random moments of each run."""
    chance = random.Random(seed)  # noqa: S311  moments, not secrets
    result = Outcome(runs=runs)
    with tempfile.TemporaryDirectory() as name:
        stage = _Stage(Path(name))
        for _ in range(runs):
            what, faults = _disturbed(stage, chance.choice(sorted(KINDS)), chance)
            result.counts[what] += 1
            result.faults += faults
    return result


@dataclass
class _Written:
    """A run that said it had written."""

    began: float
    ended: float
    kind: str
    tag: str


def writers(processes: int, seconds: float, seed: int) -> Outcome:
    """Processes that force, append and write plainly, all to one folder, for some time.

    Of what was reported written, all is there in the end that was written after the last --force
    had ended: only a --force that looked later may have replaced it. Nobody forces in the second
    half of the time, so there is much of it.
    """
    result = Outcome()
    done: list[_Written] = []
    lock = threading.Lock()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        dest = base / "work/out"
        dest.parent.mkdir()
        half, end = time.monotonic() + seconds / 2, time.monotonic() + seconds

        def work(number: int) -> None:
            chance = random.Random(seed * 1000 + number)  # noqa: S311  likewise
            turn = 0
            while time.monotonic() < end:
                turn += 1
                tag = f"w{number}:{turn}"
                image = make_image([{"f": tag.encode() * 50}, {"base": b"x" * 9000}], names=(tag,))
                source = write_docker_archive([image], base / f"in{number}.tar")
                forces = ["--force", ""] if time.monotonic() < half else [""]
                kind = chance.choice([*["--append"] * 6, *forces])
                words = ["repack", source, "--to", "oci", "-q", "-o", dest, *filter(None, [kind])]
                began = time.monotonic()
                run = Forked(*words).done()
                told = lines_of(run.stderr)
                with lock:
                    result.runs += 1
                    result.counts[f"{kind or 'plain'}: status {run.returncode}"] += 1
                    if run.returncode not in (0, 5) or len(told) > 1:
                        result.faults.append(f"{tag} {kind}: {run.returncode} {told[-8:]}")
                    if run.returncode == 0:
                        done.append(_Written(began, time.monotonic(), kind, tag))

        threads = [threading.Thread(target=work, args=(each,)) for each in range(processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = verify(str(dest))
        codes = [finding.code for finding in report.findings]
        result.faults += [f"damaged, or left over: {codes[:8]}"] if codes else []
        names = {str(each) for image in report.images for each in image.names}
        there = {each.rsplit("/", 1)[-1] for each in names}
        last = max((each.ended for each in done if each.kind == "--force"), default=0.0)
        due = {each.tag for each in done if each.began > last}
        result.faults += [f"{tag} was written and is not there" for tag in sorted(due - there)]
        left = sorted(path.name for path in dest.parent.iterdir() if path != dest)
        result.faults += [f"left {left}"] if left else []
        result.note = f"{len(done)} runs wrote; {len(there)} images there, {len(due)} are due"
    return result
