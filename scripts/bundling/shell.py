"""Running programs: what they print is kept in a log, and told when they fail."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
MACHINES = ("x86_64", "aarch64")


def die(text: str) -> None:
    """End with one line."""
    sys.exit(f"scripts/bundle: {text}")


def say(text: str) -> None:
    print(f"scripts/bundle: {text}", flush=True)


def run(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> str:
    """Run a program; what it printed. Ends the run where it fails.

    Args:
        command: its words.
        folder: where it runs.
        environment: added to this one's.
        log: takes what it prints.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if log:
        log.write_text(done.stdout, encoding="utf-8")
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        die(f"{' '.join(words)[:200]} exits {done.returncode}:\n{tail}")
    return done.stdout


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
