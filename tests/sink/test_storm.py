"""Small storms of signals and of writers; scripts/storm makes large ones."""

from __future__ import annotations

import os

from tests.conftest import Figure
from tests.storm import signals, writers

SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"


def test_one_to_five_signals_at_any_moment(figure: Figure) -> None:
    """The right status, nothing left, the old one or the new one whole."""
    result = signals(500 if SLOW else 12, seed=1)
    assert result.faults == []
    figure(f"signals: {dict(sorted(result.counts.items()))}")


def test_many_writers_to_one_folder(figure: Figure) -> None:
    """What was reported written is there, unless a later --force replaced it."""
    result = writers(*((40, 60) if SLOW else (12, 5)), seed=1)
    assert result.faults == []
    figure(f"writers: {result.note}: {dict(sorted(result.counts.items()))}")
