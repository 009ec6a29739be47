"""A folder of wheels for pip, with a list of their sums: no index, no network."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bundling import inputs
from bundling.shell import HERE, ROOT, run, say, sha256


def make(work: Path, output: Path, pythons: list[str], machines: list[str]) -> Path:
    """Fill the folder; its path.

    Args:
        work: the folder that is kept between runs.
        output: the folder for it.
        pythons: versions of Python.
        machines: some of MACHINES.
    """
    folder = output / "wheels"
    partial = output / ".wheels.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for machine in machines:
        for python in pythons:
            for wheel in inputs.wheels(work, machine, python):
                shutil.copy(wheel, partial)
    own = _own_wheel(partial)
    name, version = own.name.split("-")[:2]
    line = f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{sha256(own)}\n"
    locked = (HERE / "locked.txt").read_text(encoding="utf-8").partition("\n")[2]
    (partial / "requirements.txt").write_text(line + locked, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    count = len(list(folder.glob("*.whl")))
    say(f"made {folder}: {count} wheels for Python {', '.join(pythons)} on {', '.join(machines)}")
    return folder


def _own_wheel(into: Path) -> Path:
    """The project's own; the same bytes each time, wherever it is built."""
    with tempfile.TemporaryDirectory() as folder:
        run(
            [
                *(sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"),
                *("--no-deps", "-w", folder, ROOT),
            ]
        )
        (wheel,) = Path(folder).iterdir()
        return Path(shutil.copy(wheel, into))
