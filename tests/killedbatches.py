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

from tests.builders import write_docker_archive
from tests.builders.shelves import write_shelf
from tests.builders.trees import heavy_image
from tests.command import argv_of, environment
from tests.storm import Outcome

_ARCHIVES = 16
_OPTIONS = ("--to", "oci", "--compression", "zstd:12", "-q")
_CHANGED = 8  # archives at most between two runs


def _words(base: Path, out: str, more: tuple[str, ...]) -> list[str]:
    return argv_of(
        *("batch", "repack", base / "shelf", *_OPTIONS, "-o", base / out, *more),
        *("--report", base / f"{out}.jsonl"),
    )


def content(path: Path) -> dict[str, bytes] | bytes:
    """A file, or every file below a folder by its name."""
    if path.is_file():
        return path.read_bytes()
    folder = path
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _result(base: Path, name: str, cut: str) -> dict[str, bytes] | bytes:
    """What was written, or the volumes that their list names."""
    if not cut:
        return content(base / name)
    stem = name.removesuffix(".tar")
    listed = json.loads((base / f"{stem}.volumes.json").read_bytes())["volumes"]
    files = [each["file"] for each in listed]
    return {each.removeprefix(stem): (base / each).read_bytes() for each in files}


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


def _wait(
    process: subprocess.Popen[bytes], report: Path, chance: random.Random, length: float
) -> None:
    """Wait for a moment: any, or soon after some sources were told of as done."""
    wanted = chance.choice([0, 1, 1, 2, 3, 5])
    if not wanted:
        time.sleep(chance.random() * length)
        return
    while process.poll() is None and _done(report) < wanted:
        time.sleep(0.002)
    time.sleep(chance.random() ** 2 * 0.1)


def _done(report: Path) -> int:
    return sum(status == "done" for _, status in _reported(report))


def _many(shelf: Path, number: int, seed: int) -> str:
    """Put an archive on the shelf, or another one in the place of an old one."""
    path = shelf / f"b/many{number}.tar"
    image = heavy_image(seed, f"many{number}:1", layers=1, size=1 << 17)
    write_docker_archive([image], path)
    return str(path)


def killed_batches(runs: int, seed: int, *, merge: bool = False, cut: str = "") -> Outcome:
    """Runs that are killed at a random moment, each after the other; then one that is not.

    Between two of them some archives on the shelf change.

    Args:
        runs: that are killed.
        seed: of the moments.
        merge: whether all goes into one result.
        cut: size of the volumes of that; empty for one file.
    """
    more = ("--merge", *(("--volume-size", cut) if cut else ())) if merge else ()
    calm, out, fresh = (each + ".tar" * merge for each in ("calm", "out", "fresh"))
    chance = random.Random(seed)  # noqa: S311  moments, not secrets
    result = Outcome(runs=runs)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        shelf = write_shelf(base / "shelf")
        for number in range(_ARCHIVES):
            _many(shelf, number, number)
        began = time.monotonic()
        subprocess.run(_words(base, calm, more), check=True, env=environment())
        length = time.monotonic() - began
        done: Counter[str] = Counter()
        at_most = Counter(source for source, _ in _reported(base / f"{calm}.jsonl"))
        for turn in range(runs):
            for number in chance.sample(range(_ARCHIVES), chance.randrange(_CHANGED)):
                at_most[_many(shelf, number, 100 * turn + 100 + number)] += 1
            words = _words(base, out, more)
            process = subprocess.Popen(words, env=environment(), stderr=subprocess.DEVNULL)
            _wait(process, base / f"{out}.jsonl", chance, length)
            state = "was over" if process.poll() is not None else "killed"
            process.kill()
            process.wait()
            result.counts[state] += 1
            for source, status in _reported(base / f"{out}.jsonl"):
                done[source] += status == "done"
                if status == "failed":
                    result.faults.append(f"{source} failed")
            (base / f"{out}.jsonl").unlink(missing_ok=True)
        last = subprocess.run(_words(base, out, more), check=False, env=environment())
        reported = _reported(base / f"{out}.jsonl")
        for source, status in reported:
            done[source] += status == "done"
        result.faults += [f"status {last.returncode}"] if last.returncode else []
        result.faults += [
            f"{source} was done {count} times"
            for source, count in done.items()
            if count > at_most[source]
        ]
        subprocess.run(_words(base, fresh, more), check=True, env=environment())
        if _result(base, fresh, cut) != _result(base, out, cut):
            result.faults.append("the results are not those of a run that nobody disturbed")
        left = os.listdir(base / f".{out}.layout-batch/staged")
        result.faults += [f"left {left}"] if left else []
        result.note = f"{len(reported)} sources, {done.total()} reported done, in all runs together"
    return result
