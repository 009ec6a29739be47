"""What `check` foretells, held against what engines do: does it load, which names, which IDs.

A cell is one file and one way of loading it. Where an engine and a rule disagree, the engine is
right.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import oci_layout
from oci_layout.targets.answer import Answer
from tests.command import layout
from tests.interop.engines import Engines
from tests.interop.host import ENGINE_PATH
from tests.interop.seen import Seen, ask, ways
from tests.interop.shown import HERE, Engine
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
# The nodes of kind have containerd: its versions by those of containerd.
KIND = {"1.6": "0.14", "1.7": "0.20", "2.1": "0.27"}

# What nobody can foretell: the engine does one or the other with the same file.
CHANCE = {"flat-platforms", "link-chain"}

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


def target_of(way: str, version: str) -> str:
    """The target that a way of loading stands for."""
    match = re.match(r"\d+(\.\d+)*", version)
    assert match is not None
    engine, _, variant = way.partition("+")
    if engine == "docker-c8d":
        engine, variant = "docker", "containerd"
    number = match[0] if engine != "kind" else KIND[".".join(match[0].split(".")[:2])]
    return f"{engine}@{number}" + (f"+{variant}" if variant else "")


def foretold(path: Path, target: str, *, full: bool) -> Answer:
    report = oci_layout.check(str(path), targets=target, platform=f"linux/{HERE}", full=full)
    (answer,) = report.answers
    return answer


def has_xz(engine: Engine) -> bool:
    """Whether the engine's host has the program that unpacks xz."""
    top = engine.host.root or Path("/")
    return any((top / folder[1:] / "xz").exists() for folder in ENGINE_PATH.split(":"))


def expected(answer: Answer, engine: Engine) -> bool:
    """Whether it loads on this very host."""
    if any(note.rule.code == "needs-xz" for note in answer.notes) and not has_xz(engine):
        return False
    return answer.loads


def difference(answer: Answer, seen: Seen, engine: Engine) -> str:
    """What the engine does otherwise than was foretold; empty when both agree."""
    loads = expected(answer, engine)
    reasons = [f"{each.rule.code}: {each.message}" for each in answer.reasons]
    if loads != seen.loads:
        return f"foretold {loads} {reasons}, seen {seen.loads}: {seen.said[-500:]}"
    if not loads:
        return ""
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    names = {
        name.replace("YYYY-MM-DD", today): image.image_id
        for image in answer.images
        for name in image.names
    }
    # Where only the layers tell an ID, names are all that is foretold.
    known = {name: str(found) for name, found in names.items() if found is not None}
    unknown = {re.sub("@.*", "", name) for name, found in names.items() if found is None}
    shown = {name: found for name, found in seen.names.items() if name in known}
    others = {re.sub("@.*", "", name) for name in seen.names.keys() - known.keys()}
    if shown != known or others != unknown:
        return f"foretold {names}, seen {seen.names}"
    ids = {str(image.image_id) for image in answer.images if image.image_id is not None}
    if not unknown and all(image.image_id is not None for image in answer.images):
        return "" if ids == seen.ids else f"foretold {ids}, seen {set(seen.ids)}"
    return "" if ids <= seen.ids else f"foretold {ids}, seen {set(seen.ids)}"


def held(path: Path, engine: Engine, version: str, *, full: bool) -> tuple[int, list[str]]:
    """How many cells an engine has for a file, and what is wrong in which."""
    wrong = []
    cells = 0
    for way, seen in ask(engine, path).items():
        target = target_of(way, version)
        answer = foretold(path, target, full=full)
        if CHANCE & {each.rule.code for each in answer.reasons}:
            continue
        cells += 1
        if text := difference(answer, seen, engine):
            wrong.append(f"{target}: {text}")
    return cells, wrong


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
