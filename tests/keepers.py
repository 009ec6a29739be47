"""Many processes that keep one layout: each appends, tags, removes and collects, some are killed.

What a process was told to be done is done: its names are there and lead to what they should, the
names that it removed are not, and the layout is sound whenever somebody looks.
"""

from __future__ import annotations

import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from oci_layout import list_images, verify
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.forking import Forked
from tests.storm import Outcome, lines_of

VERBS = ("append", "append", "tag", "tag", "move", "rm", "gc", "gc")


@dataclass
class Keeper:
    """One of those who keep the layout; all names of its images begin with its own.

    Args:
        number: which.
        base: where its sources lie.
        dest: the layout.
        chance: makes its choices.
        names: its names, and which image each stands for.
    """

    number: int
    base: Path
    dest: Path
    chance: random.Random
    names: dict[str, str] = field(default_factory=dict)
    turn: int = 0

    def _new(self) -> str:
        self.turn += 1
        return f"k{self.number}:{self.turn}"

    def step(self) -> tuple[str, list[object], dict[str, str]]:
        """What to do next: its verb, the words, and the names that there are after it."""
        verb = self.chance.choice(VERBS) if self.names else "append"
        after = dict(self.names)
        if verb == "append":
            name = self._new()
            files = [{"base": b"x" * 9000}, {"f": name.encode() * 50}]
            source = write_docker_archive(
                [make_image(files, names=(name,))], self.base / f"in{self.number}.tar"
            )
            after[name] = name
            return verb, ["repack", source, "--to", "oci", "-q", "-o", self.dest, "--append"], after
        old = self.chance.choice(sorted(self.names))
        if verb == "tag":
            name = self._new()
            after[name] = after[old]
            return verb, ["tag", self.dest, old, name, "-q"], after
        if verb == "move":
            taken = self.chance.choice(sorted(self.names))
            after[taken] = after[old]
            return verb, ["tag", self.dest, old, taken, "--move", "-q"], after
        if verb == "rm":
            del after[old]
            return verb, ["rm", self.dest, old, "-q"], after
        return verb, ["gc", self.dest, "--older-than", "0", "-q"], after


def stage(base: Path) -> Path:
    """A layout that nobody's names are in yet."""
    kept = make_image([{"base": b"x" * 9000}, {"kept": b"1"}], names=("kept:1",))
    dest = base / "work/out"
    dest.parent.mkdir()
    return write_oci_layout([kept], dest)


def found(dest: Path) -> dict[str, str]:
    """The names of a layout, and the digest that each stands for."""
    listed = list_images(str(dest)).images
    return {each.name: str(each.digest) for each in listed if each.name is not None}


def _judged(dest: Path, due: dict[str, str], whose: Callable[[str], bool]) -> list[str]:
    """What is wrong with a layout: it is damaged, or names are other than they must be."""
    report = verify(str(dest))
    faults = [f"damaged: {finding}" for finding in report.findings if finding.code != "orphan"]
    there = {name: digest for name, digest in found(dest).items() if whose(name)}
    faults += [f"{name} is lost" for name in sorted(due.keys() - there.keys())]
    faults += [f"{name} is there again" for name in sorted(there.keys() - due.keys())]
    for image in set(due.values()):
        digests = {there.get(name) for name, each in due.items() if each == image}
        if len(digests) > 1:
            faults.append(f"{image} is told apart: {digests}")
    return faults


def keepers(processes: int, seconds: float, seed: int) -> Outcome:
    """Processes that keep one layout side by side for some time."""
    result, lock = Outcome(), threading.Lock()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        dest = stage(base)
        each = [
            Keeper(number, base, dest, random.Random(seed * 1000 + number))  # noqa: S311
            for number in range(processes)
        ]
        end = time.monotonic() + seconds

        def work(keeper: Keeper) -> None:
            while time.monotonic() < end:
                verb, words, after = keeper.step()
                run = Forked(*words).done()
                told = lines_of(run.stderr)
                with lock:
                    result.runs += 1
                    result.counts[f"{verb}: status {run.returncode}"] += 1
                    # Who waits too long for the lock says so, and has changed nothing.
                    if run.returncode not in (0, 5) or len(told) > 1:
                        result.faults.append(f"{verb}: {run.returncode} {told[-8:]}")
                if run.returncode == 0:
                    keeper.names = after

        threads = [threading.Thread(target=work, args=(keeper,)) for keeper in each]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        due = {key: value for keeper in each for key, value in keeper.names.items()}
        due["kept:1"] = "kept:1"
        result.faults += _judged(dest, due, lambda _: True)
        left = sorted(path.name for path in dest.parent.iterdir() if path != dest)
        result.faults += [f"left {left}"] if left else []
        result.note = f"{len(due)} names are due"
    return result


def killed(runs: int, seed: int) -> Outcome:
    """One who keeps a layout is killed at a random moment of each step."""
    result = Outcome(runs=runs)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        dest = stage(base)
        keeper = Keeper(1, base, dest, random.Random(seed))  # noqa: S311  choices, not secrets
        lengths: dict[str, float] = {}
        for _ in range(runs):
            verb, words, after = keeper.step()
            if verb not in lengths:  # measured once, and done
                began = time.monotonic()
                assert Forked(*words).done().returncode == 0
                lengths[verb] = time.monotonic() - began
                keeper.names = after
                verb, words, after = keeper.step()
            with Forked(*words) as run:
                time.sleep(keeper.chance.random() * lengths.get(verb, 0.05) * 1.2)
                run.kill()
            ended = "killed" if run.returncode == -signal.SIGKILL else "finished"
            there = {each for each in found(dest) if each != "kept:1"}
            done = there == after.keys() and not (
                verb == "move" and _judged(dest, after, lambda each: each != "kept:1")
            )
            if done:
                keeper.names = after
            elif ended == "finished":
                result.faults.append(f"{verb} said that it was done")
            result.counts[f"{verb}: {ended}, {'new' if done else 'old'}"] += 1
            result.faults += [
                f"{verb}, {ended}: {fault}"
                for fault in _judged(dest, keeper.names, lambda each: each != "kept:1")
            ]
        assert Forked("gc", dest, "--older-than", "0", "-q").done().returncode == 0
        result.faults += _judged(dest, keeper.names, lambda each: each != "kept:1")
        left = sorted(path.name for path in dest.parent.iterdir() if path != dest)
        result.faults += [f"left {left}"] if left else []
    return result
