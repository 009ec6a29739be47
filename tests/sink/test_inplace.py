"""`kill -9` at any step of an edit in place: the old one or the new one, whole."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.moments import stepped, steps_of
from tests.stages import EDITS, make_stage

STEPS = 40  # the last ones of a run


@pytest.mark.parametrize("target", EDITS)
def test_killed_at_each_step(target: str, tmp_path: Path, figure: Figure) -> None:
    stage = make_stage(tmp_path / "stage", target, flags=())
    total = steps_of(stage, signal.SIGKILL)
    counts: Counter[str] = Counter()
    for number in range(max(1, total - STEPS + 1), total + 1):
        stage.reset()
        done = stepped(stage, number, signal.SIGKILL)
        assert done.returncode == -signal.SIGKILL, done.stderr
        counts[stage.state()] += 1
        if stage.leftovers() and number % 3 == 0:
            stage.run_again()
    assert counts["new"]
    assert counts["old"]
    figure(f"kill -9, {target}: at {counts.total()} of {total} steps: {dict(counts)}")
