"""A few random inputs of each target of `scripts/fuzz`: nothing but the package's own errors."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXECUTIONS = int(os.environ.get("OCI_LAYOUT_FUZZ", "60"))  # of each target
TARGETS = {"verify", "inspect", "diff", "check", "append", "merge", "jsonedit", "schema1", "v1"}


def fuzz(*words: object, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the script, and show what it printed.

    Args:
        path: where modules are looked for too.
    """
    command = [sys.executable, str(ROOT / "scripts/fuzz"), *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done


def test_random_inputs(tmp_path: Path) -> None:
    """The seed is printed: `scripts/fuzz all --seed` runs the same inputs again."""
    seed = secrets.randbelow(1 << 31)
    done = fuzz("all", "--executions", EXECUTIONS, "--jobs", 0, "--seed", seed, "--save", tmp_path)
    assert done.returncode == 0, f"seed {seed}"
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert rows.keys() >= TARGETS
    assert all(rows[name][1:4:2] == [str(EXECUTIONS), "0"] for name in TARGETS)


def test_a_crash_is_one(tmp_path: Path) -> None:
    """An exception that is no error of the package is kept, and its input crashes again."""
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import oci_layout.model.layout as layout\n"
        "def check_marker(raw, findings):\n"
        "    raise KeyError('x')\n"
        "layout.check_marker = check_marker\n"
    )
    words = ("all", "--executions", 5, "--jobs", 1, "--only", "marker", "--save", tmp_path)
    done = fuzz(*words, path=tmp_path)
    assert done.returncode == 1
    assert "5 x KeyError" in done.stdout
    (kept,) = [path for path in tmp_path.glob("marker-*") if path.suffix != ".txt"]
    again = fuzz("run", "marker", kept, path=tmp_path)
    assert again.returncode == 1
    assert "KeyError" in again.stdout
