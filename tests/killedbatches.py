"""A batch that is killed and started again and again: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.builders.shelves import put, write_shelf
from tests.command import argv_of, environment
from tests.storm import Outcome

_ARCHIVES = 24
_OPTIONS = ("--to", "oci", "--compression", "zstd:12", "-q")


def _words(base: Path, out: str) -> list[str]:
    return argv_of(
        *("batch", "repack", base / "shelf", *_OPTIONS, "-o", base / out),
        *("--report", base / f"{out}.jsonl"),
    )


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _reported(path: Path) -> list[tuple[str, str]]:
    """Sources and what became of them, as a report says; its last line may be torn."""
    found = []
    for line in path.read_text("ascii").splitlines() if path.exists() else ():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if "status" in value:
            found.append((value["source"], value["status"]))
    return found


def _change(shelf: Path, chance: random.Random, turn: int) -> str:
    """Somebody puts a new archive in the place of an old one, so that a result is replaced."""
    path = shelf / f"b/many{chance.randrange(_ARCHIVES)}.tar"
    put(1000 + turn, path)
    return str(path)


def killed_batches(runs: int, seed: int) -> Outcome:
    """Runs that are killed at a random moment, each after the other; then one that is not.

    Now and then an archive on the shelf changes between two of them.

    Args:
        runs: that are killed.
        seed: of the moments.
    """
    chance = random.Random(seed)  # noqa: S311  moments, not secrets
    result = Outcome(runs=runs)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        shelf = write_shelf(base / "shelf")
        for number in range(_ARCHIVES):
            put(number + 10, shelf / f"b/many{number}.tar")
        began = time.monotonic()
        subprocess.run(_words(base, "calm"), check=True, env=environment())
        length = time.monotonic() - began
        done: Counter[str] = Counter()
        at_most: Counter[str] = Counter({source: 1 for source, _ in _reported(base / "calm.jsonl")})
        for turn in range(runs):
            if chance.random() < 0.4:
                at_most[_change(shelf, chance, turn)] += 1
            process = subprocess.Popen(_words(base, "out"), env=environment(), stderr=-3)
            time.sleep(chance.random() * length)
            state = "was over" if process.poll() is not None else "killed"
            process.kill()
            process.wait()
            result.counts[state] += 1
            for source, status in _reported(base / "out.jsonl"):
                done[source] += status == "done"
                if status == "failed":
                    result.faults.append(f"{source} failed")
            (base / "out.jsonl").unlink(missing_ok=True)
        last = subprocess.run(_words(base, "out"), check=False, env=environment())
        reported = _reported(base / "out.jsonl")
        for source, status in reported:
            done[source] += status == "done"
        result.faults += [f"status {last.returncode}"] if last.returncode else []
        result.faults += [
            f"{source} was done {count} times"
            for source, count in done.items()
            if count > at_most[source]
        ]
        subprocess.run(_words(base, "fresh"), check=True, env=environment())
        if content(base / "fresh") != content(base / "out"):
            result.faults.append("the results are not those of a run that nobody disturbed")
        left = os.listdir(base / ".out.layout-batch/staged")
        result.faults += [f"left {left}"] if left else []
        result.note = f"{len(reported)} sources, {done.total()} reported done, in all runs together"
    return result
