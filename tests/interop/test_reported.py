"""Shapes of files that people reported elsewhere: what is said of each, held against engines.

The scripts that make them lie in the folder of samples beside the project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chance.held import hold_path
from tests.interop.engines import Engines
from tests.interop.shown import Engine
from tests.shared import SHARED, needs_shared

CASES = SHARED / "cases"
_NAMES = sorted(
    str(script.parent.relative_to(CASES))
    for group in ("engines", "tools")
    for script in (CASES / group).glob("*/")
    if script.is_dir()
)
_DOCUMENTS = ("index.json", "manifest.json", "repositories")


def _made(name: str, work: Path) -> list[Path]:
    """The files and folders of a case, made anew."""
    folder = work / name
    folder.parent.mkdir(parents=True)
    shutil.copy(CASES / name.partition("/")[0] / "lib.py", folder.parent)
    shutil.copytree(CASES / name, folder)
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    script = folder / "make.py"
    if script.is_file():
        subprocess.run([sys.executable, "make.py"], cwd=folder, check=True, capture_output=True)
    found = [each for each in sorted(folder.rglob("*")) if each.suffix not in (".py", ".pyc")]
    return [
        each
        for each in found
        if (each.is_file() and ".tar" in each.name)
        or (each.is_dir() and any((each / name).is_file() for name in _DOCUMENTS))
    ]


@needs_shared
@pytest.mark.parametrize("name", _NAMES)
def test_a_reported_shape(
    name: str,
    engine: Engine,
    engines: Engines,
    versions: dict[str, str],
    record_property: Callable[[str, object], None],
) -> None:
    assert engines
    work = engine.host.work / f"reported-{os.getpid()}"
    try:
        wrong, cells, lines = {}, 0, 0
        for path in _made(name, work):
            found = hold_path(path, work, [engine], versions)
            cells, lines = cells + found.cells, lines + found.lines
            if found.wrong:
                wrong[path.name] = found.wrong
        record_property("cells foretold", (cells - sum(map(len, wrong.values())), cells))
        assert wrong == {}
    finally:
        shutil.rmtree(work)
