"""Random archives, held against engines: those that were predicted wrongly once, and others."""

from __future__ import annotations

import datetime
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
    "layers that nobody unpacks": [(11, 87), (11, 193), (11, 204), (11, 324), (21, 52), (23, 66)],
    "sizes that nobody compares, and digests that are not there": [(11, 22), (11, 114), (23, 125)],
    "something behind a document, or behind a packed stream": [(11, 36), (11, 44), (11, 339)],
    "links in the place of documents": [(11, 81), (11, 276), (11, 295), (21, 78)],
    "packed twice": [(11, 187), (22, 14), (22, 77)],
    "names of several entries, again": [(11, 357), (21, 238)],
    "entries without a config": [(11, 293), (22, 6), (22, 29)],
    "wrong types in index.json": [(11, 288), (21, 231), (21, 258)],
    "whose word is held against a layer": [(21, 192), (21, 285), (23, 590)],
    "lines for what is not to be repaired": [(21, 20), (21, 112), (21, 153)],
}
CASES = [(kind, *each) for kind, some in REPAIRED.items() for each in some]
# A stretch of archives of one seed, of which every prediction holds.
HOLDS = [(4, number) for number in range(30)]
_OF_A_DAY = 50


@pytest.mark.parametrize(("kind", "seed", "number"), CASES)
def test_what_was_wrong_once(
    engine: Engine, kind: str, seed: int, number: int, versions: dict[str, str], tmp_path: Path
) -> None:
    found = hold(seed, number, [engine], versions, tmp_path)
    assert not found.wrong, (kind, found.tricks, found.wrong)


def test_what_holds(engine: Engine, versions: dict[str, str], tmp_path: Path) -> None:
    every = [(each, hold(*each, [engine], versions, tmp_path)) for each in HOLDS]
    wrong = {each: (found.tricks, found.wrong) for each, found in every if found.wrong}
    assert wrong == {}


def test_chance_of_the_day(engine: Engine, versions: dict[str, str], tmp_path: Path) -> None:
    """Other archives every day, and the same ones all day long, so that a run can be repeated."""
    seed = datetime.datetime.now(datetime.timezone.utc).date().toordinal()
    print(f"scripts/differential --seed {seed} --count {_OF_A_DAY}")
    wrong = {}
    for number in range(_OF_A_DAY):
        found = hold(seed, number, [engine], versions, tmp_path, wide=True)
        if found.wrong:
            wrong[seed, number] = found.tricks, found.wrong
    assert wrong == {}
