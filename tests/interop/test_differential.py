"""Random archives, held against engines: those that were predicted wrongly once, and others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chance.held import hold
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
# A stretch of archives of one seed, of which every prediction holds.
HOLDS = [(4, number) for number in range(30) if number != 19]


@pytest.mark.parametrize(("kind", "seed", "number"), CASES)
def test_what_was_wrong_once(
    engine: Engine, kind: str, seed: int, number: int, versions: dict[str, str], tmp_path: Path
) -> None:
    found = hold(seed, number, [engine], versions, tmp_path)
    assert not found.wrong, (kind, found.tricks, found.wrong)


def test_what_holds(engine: Engine, versions: dict[str, str], tmp_path: Path) -> None:
    """Archive 19 has a layer that is no tar behind an index, which is known and open.

    Chance itself is scripts/differential: it finds kinds, and a run of it may find one.
    """
    every = [(each, hold(*each, [engine], versions, tmp_path)) for each in HOLDS]
    wrong = {each: (found.tricks, found.wrong) for each, found in every if found.wrong}
    assert wrong == {}
