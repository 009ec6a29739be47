"""Killed at random moments and started again; scripts/storm batches does it more often."""

from __future__ import annotations

import os

from tests.conftest import Figure
from tests.killedbatches import killed_batches

RUNS = 50 if os.environ.get("OCI_LAYOUT_SLOW") == "1" else 10


def test_killed_and_started_again(figure: Figure) -> None:
    outcome = killed_batches(RUNS, 1)
    figure(f"batch: {RUNS} runs killed, {dict(outcome.counts)}; {outcome.note}")
    assert not outcome.faults, outcome.faults[:5]
    assert outcome.counts["killed"] >= RUNS // 2
