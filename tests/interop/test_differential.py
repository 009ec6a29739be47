"""Random archives, held against engines: those that were predicted wrongly once, and fresh ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chance.held import hold
from tests.conftest import Figure
from tests.interop.shown import Engine

# Seed and number of archives of which a prediction was wrong, by what was repaired.
REPAIRED = {
    "names of several entries": [(1, 3), (1, 24), (1, 55), (1, 71), (1, 77)],
    "names too long": [(1, 7), (1, 16)],
    "wrong types that lead to blobs": [(1, 42), (1, 124)],
    "a member of an unknown type": [(2, 26), (2, 39), (2, 78)],
    "an entry without media type": [(2, 49)],
}
CASES = [(kind, *each) for kind, some in REPAIRED.items() for each in some]
FRESH = 20  # archives of a seed that is new in each run


@pytest.mark.parametrize(("kind", "seed", "number"), CASES)
def test_what_was_wrong_once(
    engine: Engine, kind: str, seed: int, number: int, versions: dict[str, str], tmp_path: Path
) -> None:
    found = hold(seed, number, [engine], versions, tmp_path)
    assert not found.wrong, (kind, found.tricks, found.wrong)


def test_fresh_ones(
    engine: Engine, versions: dict[str, str], tmp_path: Path, figure: Figure
) -> None:
    """Figures alone: scripts/differential is where kinds are found, and some are known."""
    seed = int.from_bytes(os.urandom(3), "big")
    every = [hold(seed, number, [engine], versions, tmp_path) for number in range(FRESH)]
    cells, wrong = sum(each.cells for each in every), sum(len(each.wrong) for each in every)
    figure(f"chance, seed {seed}, {engine.name}: {cells - wrong} of {cells} cells agree")
    assert wrong < cells / 4
