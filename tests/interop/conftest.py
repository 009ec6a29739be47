"""Fixtures of the tests that need real engines."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.built import BUILT, Builder
from tests.interop.engines import Engines, engine_names, running
from tests.interop.host import missing_tools
from tests.interop.shown import Engine
from tests.interop.sources import TINY, Source, tiny
from tests.shared import place_for

ROOT = (
    Path(os.environ["OCI_LAYOUT_ENGINES_ROOT"]) if "OCI_LAYOUT_ENGINES_ROOT" in os.environ else None
)
ROOM = 6 << 30  # bytes that the engines of all workers are sure not to take
ASKED = os.environ.get("OCI_LAYOUT_ENGINES", "")
# On a build machine a missing engine must not pass for a passed test.
REQUIRED = ASKED == "required" or (bool(os.environ.get("CI")) and ASKED != "off")


def unasked(root: Path | None) -> str:
    """Why no engine is asked; empty where all can be.

    Args:
        root: folder of the host that they are on; None for this one.
    """
    if ASKED == "off":
        return "no engine is started without scripts/test --with-engines"
    missing = missing_tools(root)
    return f"real engines need {', '.join(missing)} (scripts/install-engines)" if missing else ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `engine` with each engine of the host."""
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", engine_names(ROOT), indirect=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests passed with which engine, and how many cells of a matrix agreed."""
    counts: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    agreed: dict[str, list[tuple[int, int]]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for key, value in report.user_properties:
                if key == "engine":
                    counts[str(value)] += 1
                    passed[str(value)] += outcome == "passed"
                elif key in ("cells foretold", "cells repaired"):
                    agreed.setdefault(key, []).append(value)
                elif key.startswith(("layers of ", "reads of ")):
                    terminalreporter.write_line(f"{key}: {value}")
    for name, count in sorted(counts.items()):
        terminalreporter.write_line(f"with {name}: {passed[name]} of {count} passed")
    for key, cells in sorted(agreed.items()):
        done, every = (sum(cell[place] for cell in cells) for place in (0, 1))
        terminalreporter.write_line(f"{key}: {done} of {every} agree with the engines")


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Start all engines once for the whole run."""
    if reason := unasked(ROOT):
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    # podman takes no folder for its state of more than 50 characters, nor the kernel a socket of
    # more than 107, so pytest's own folders are too deep. podman 4 makes an image name of the path
    # of a layout, and a name has no underscore beside a hyphen or at its end.
    with (
        tempfile.TemporaryDirectory(prefix="engines-x", suffix="x", dir=place_for(ROOM)) as work,
        running(Path(work), ROOT) as found,
    ):
        yield found


@pytest.fixture(scope="session")
def versions(engines: Engines) -> dict[str, str]:
    """Ask each engine once."""
    return {name: engines[name].version() for name in engine_names(ROOT)}


@pytest.fixture
def engine(request: pytest.FixtureRequest, engines: Engines, versions: dict[str, str]) -> Engine:
    """Give one engine, and note it for the summary."""
    found = engines[request.param]
    request.node.user_properties.append(("engine", f"{found.name} {versions[found.name]}"))
    return found


@pytest.fixture(scope="session")
def builder(engines: Engines) -> Builder:
    """Give who makes images that can be run."""
    return Builder(engines)


@pytest.fixture(scope="session")
def sources(builder: Builder) -> Callable[[str], Source]:
    """Give sources by name, each made once."""
    made: dict[str, Source] = {}

    def source(name: str) -> Source:
        if name not in made:
            made[name] = tiny(name) if name in TINY else BUILT[name](builder)
        return made[name]

    return source
