"""Of random tars that hold two images, skopeo and Go take the one that we take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.conftest import REQUIRED, unasked

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "scripts/differential-tar"


def test_random_tars(tmp_path: Path) -> None:
    if (reason := unasked(None)) and not REQUIRED:
        pytest.skip(reason)
    argv = [sys.executable, str(PROGRAM), "--count", "50", "--jobs", "1", "--seed", "5"]
    argv += ["--only", "go", "--only", "skopeo", "--keep", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "accepted" in done.stdout
