"""What `check` foretells, held against what engines do: does it load, which names, which IDs.

A cell is one file and one way of loading it. Where an engine and a rule disagree, the engine is
right.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import layout
from tests.interop.engines import Engines
from tests.interop.holding import difference, foretold, held, target_of
from tests.interop.seen import ask, ways
from tests.interop.shown import Engine
from tests.shared import CORPUS
from tests.targets.makes import MAKES, UNREAD, Maker
from tests.targets.reported import REPORTED

FILES = {
    f"corpus {path.parent.name}/{path.name}": path.resolve()  # podman 4 names folders by it
    for path in sorted(CORPUS.glob("*/*"))
}
# As many layers as Docker takes. Every engine is asked for one more.
DEEPEST = "hybrid, 125 layers"
NAMES = [*(name for name in MAKES if name != DEEPEST), *UNREAD, *REPORTED, *FILES]

Given = Callable[[str], Path]


@pytest.fixture(scope="session")
def given(engines: Engines) -> Given:
    """Give files by name, each made once."""
    maker = Maker(engines.host.new_dir("makes"))
    made: dict[str, Path] = dict(FILES)

    def path(name: str) -> Path:
        if name not in made:
            made[name] = (MAKES | UNREAD | REPORTED)[name](maker)
        return made[name]

    return path


@pytest.mark.parametrize("name", NAMES)
def test_foretold(
    name: str,
    engine: Engine,
    given: Given,
    versions: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    """Every cell of the matrix."""
    cells, wrong = held(given(name), engine, versions[engine.name], full=name in UNREAD)
    request.node.user_properties.append(("cells foretold", (cells - len(wrong), cells)))
    assert not wrong, "\n".join(wrong)


def test_as_many_layers_as_docker_takes(
    engines: Engines, given: Given, versions: dict[str, str], request: pytest.FixtureRequest
) -> None:
    cells, wrong = held(given(DEEPEST), engines.docker, versions["docker"], full=False)
    request.node.user_properties.append(("cells foretold", (cells - len(wrong), cells)))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_repaired(
    name: str,
    engine: Engine,
    given: Given,
    versions: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """The line that is offered makes a file which the same engine loads as is foretold of it."""
    path = given(name)
    wrong = []
    cells = 0
    for way in ways(engine, path):
        target = target_of(way, versions[engine.name])
        full = name in UNREAD
        before = foretold(path, target, full=full)
        if not before.repair:
            assert before.loads or before.unrepaired, f"{target}: no line, and no word why"
            continue
        cells += 1
        folder = tmp_path / way
        folder.mkdir()
        done = layout(*before.repair[1:], cwd=folder)
        assert done.returncode == 0, f"{before.repair}\n{done.stdout!r}{done.stderr!r}"
        (dest,) = (Path(folder, entry) for entry in os.listdir(folder))
        after = foretold(dest, target, full=full)
        if not after.loads or after.repair:
            left = [f"{each.rule.code}: {each.message}" for each in (*after.reasons, *after.losses)]
            wrong.append(f"{target}: {' '.join(before.repair)}: {left}")
            continue
        repaired = ask(engine, dest, way)[way]
        if text := difference(after, repaired, engine):
            wrong.append(f"{target}: {' '.join(before.repair)}: {text}")
    request.node.user_properties.append(("cells repaired", (cells - len(wrong), cells)))
    assert not wrong, "\n".join(wrong)
