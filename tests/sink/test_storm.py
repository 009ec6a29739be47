"""Small storms of signals and of writers; scripts/storm makes large ones."""

from __future__ import annotations

import os

from tests.conftest import Figure
from tests.keepers import keepers, killed
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


def test_many_who_keep_one_layout(figure: Figure) -> None:
    """They append, tag, move, remove and collect: no name is lost, and no blob of one."""
    result = keepers(*((16, 60) if SLOW else (8, 5)), seed=1)
    assert result.faults == []
    figure(f"keepers: {result.note}: {dict(sorted(result.counts.items()))}")


def test_who_keeps_a_layout_is_killed(figure: Figure) -> None:
    """The layout is as before or as after, and sound."""
    result = killed(100 if SLOW else 25, seed=1)
    assert result.faults == []
    figure(f"killed keepers: {dict(sorted(result.counts.items()))}")
