"""The command under test, run as a person would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def layout_command(*words: object) -> list[str]:
    """Give the command line of `layout` with the given words."""
    return [sys.executable, "-m", "oci_layout", *map(str, words)]


def environment() -> dict[str, str]:
    """Find the package of this checkout from any folder."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def layout(*words: object) -> str:
    """Run `layout`, which must succeed, and give its standard output."""
    argv = layout_command(*words)
    done = subprocess.run(
        argv, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{argv}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout
