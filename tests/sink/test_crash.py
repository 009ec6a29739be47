"""`kill -9` at any moment: the destination is the old one or the new one, whole."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.moments import length_of_work, started, stepped, steps_of, until, until_work
from tests.stages import TARGETS, make_stage

SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"
KILLS = 100 if SLOW else 25  # of each of the four targets
STEPS = 1000 if SLOW else 24  # the last ones of a run, from its end


@pytest.mark.parametrize("target", TARGETS)
def test_killed_at_random_moments(target: str, tmp_path: Path, figure: Figure) -> None:
    """Moments are spread evenly over the processor time of the work, its commit and what follows.

    Every tenth lies anywhere from the start of the process, whose work has not begun then.
    """
    stage = make_stage(tmp_path / "stage", target)
    length = length_of_work(stage)
    chance = random.Random(f"{target} 20240506")  # noqa: S311  the same moments in every run
    counts: Counter[str] = Counter()
    for number in range(KILLS):
        stage.reset()
        with started(stage) as process:
            if number % 10:
                until_work(stage, process)
                part = (number + chance.random()) / KILLS
                until(process, process.used() + part * length * 1.5)
            else:
                until(process, chance.random() * length)
            process.kill()
        ended = "killed" if process.returncode == -signal.SIGKILL else "finished"
        counts[f"{ended}, {stage.state()}"] += 1
        left = stage.leftovers()
        counts["left something"] += bool(left)
        if left and counts["left something"] % 5 == 1:
            stage.run_again()
            counts["ran again"] += 1
    assert counts["killed, old"]
    assert counts["left something"]
    assert counts["ran again"]
    said = ", ".join(f"{what}: {count}" for what, count in sorted(counts.items()))
    figure(f"kill -9, {target}: {KILLS} over {length * 1000:.0f} ms: {said}")


@pytest.mark.parametrize("target", TARGETS)
def test_killed_at_each_step(target: str, tmp_path: Path, figure: Figure) -> None:
    """Before each opening, renaming and removing: the last ones of a run are its commit."""
    stage = make_stage(tmp_path / "stage", target, flags=("--compression", "keep", "--jobs", "1"))
    total = steps_of(stage, signal.SIGKILL)
    counts: Counter[str] = Counter()
    for number in range(max(1, total - STEPS + 1), total + 1):
        stage.reset()
        done = stepped(stage, number, signal.SIGKILL)
        assert done.returncode == -signal.SIGKILL, done.stderr
        state = stage.state()
        counts[state] += 1
        if stage.leftovers() and (SLOW or number % 3 == 0):
            stage.run_again()
    assert counts["new"]
    assert counts["old"]
    figure(f"kill -9, {target}: at {counts.total()} of {total} steps: {dict(counts)}")
