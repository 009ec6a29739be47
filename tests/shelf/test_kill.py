"""Killed at random moments and started again; scripts/storm batches does it more often."""

from __future__ import annotations

import os

import pytest

from tests.conftest import Figure
from tests.killedbatches import killed_batches

RUNS = 50 if os.environ.get("OCI_LAYOUT_SLOW") == "1" else 10


@pytest.mark.parametrize(("merge", "cut"), [(False, ""), (True, ""), (True, "600K")])
def test_killed_and_started_again(merge: bool, cut: str, figure: Figure) -> None:
    runs = RUNS // 2 if merge else RUNS
    outcome = killed_batches(runs, 1, merge=merge, cut=cut)
    figure(f"batch: {runs} runs killed, {dict(outcome.counts)}; {outcome.note}")
    assert not outcome.faults, outcome.faults[:5]
    assert outcome.counts["killed"] >= runs // 2
