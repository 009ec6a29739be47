"""Where the samples of other software lie; tests that need them skip where they are absent."""

from __future__ import annotations

import contextlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("OCI_LAYOUT_SHARED", ROOT.parent / "shared"))
FIXTURES = SHARED / "fixtures"
CORPUS = SHARED / "corpus"

needs_shared = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="the folder of samples beside the project is absent"
)


def place_for(room: int) -> str:
    """Where to write many small files for a while: in memory, if it has room, or to the disk.

    Args:
        room: bytes that are needed.
    """
    memory = "/dev/shm"
    with contextlib.suppress(OSError):
        found = os.statvfs(memory)
        if found.f_bavail * found.f_frsize >= room and os.access(memory, os.W_OK):
            return memory
    return "/tmp"


@cache
def samples() -> tuple[dict[str, Any], ...]:
    """The rows of the fixtures' index; none where the folder is absent."""
    index = FIXTURES / "index.json"
    if not index.is_file():
        return ()
    return tuple(json.loads(index.read_text())["samples"])


def rows(*verdicts: str, generations: str = "G1 G2 G3 G4 G5 G6") -> list[Any]:
    """Parameters for the samples of some verdicts; one skipped parameter where there are none."""
    wanted = generations.split()
    found = [
        pytest.param(row, id=row["rel"])
        for row in samples()
        if row["verdict"] in verdicts and row["gen"] in wanted
    ]
    return found or [pytest.param({}, id="absent", marks=needs_shared)]


def sample_path(row: dict[str, Any], tmp_path: Path) -> Path:
    """The sample, with links restored that the folder holds as text.

    Some layouts keep blobs as symbolic links; the folder stores such a link as a file that holds
    its target, as a checkout without symbolic links does.
    """
    path: Path = FIXTURES / row["rel"]
    if "symlinks" not in row["info"]:
        return path
    copy = tmp_path / "restored"
    for old in sorted(path.rglob("*")):
        new = copy / old.relative_to(path)
        if old.is_dir():
            new.mkdir(parents=True, exist_ok=True)
            continue
        new.parent.mkdir(parents=True, exist_ok=True)
        text = old.read_bytes()[:200]
        if text.startswith(b"../../") and b"\n" not in text:
            new.symlink_to(text.decode())
        else:
            new.write_bytes(old.read_bytes())
    return copy
