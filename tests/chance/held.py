"""One random archive, held against engines: predictions, results of repack, offered lines."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oci_layout import LayoutError, repack, verify
from tests.chance.make import make
from tests.command import layout
from tests.independent import check
from tests.interop.holding import CHANCE, difference, foretold, target_of
from tests.interop.seen import ask
from tests.interop.shown import Engine


@dataclass
class Outcome:
    """What came of some archives.

    Args:
        archives: how many there were.
        cells: archives times ways of loading them.
        chances: others, where chance decides what the engine does.
        wrong: what engines do otherwise than was predicted, and what else must not be.
        repacked: archives that repack took, each verified.
        lines: that check offered; each was run and its result loaded.
        tricks: of a single archive.
    """

    archives: int = 0
    cells: int = 0
    chances: int = 0
    wrong: list[str] = field(default_factory=list)
    repacked: int = 0
    lines: int = 0
    tricks: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Count another with it."""
        self.archives += other.archives
        self.cells += other.cells
        self.chances += other.chances
        self.wrong += other.wrong
        self.repacked += other.repacked
        self.lines += other.lines

    def line(self) -> str:
        """All of it in a line."""
        return (
            f"{self.archives} archives, {self.cells} cells ({self.chances} more by chance), "
            f"{len(self.wrong)} disagreements, {self.repacked} repacked, {self.lines} lines run"
        )


def hold(
    seed: int,
    number: int,
    engines: Sequence[Engine],
    versions: Mapping[str, str],
    keep: Path,
    *,
    wide: bool = False,
) -> Outcome:
    """Make an archive and ask everybody.

    Args:
        seed: of the run.
        number: of the archive.
        engines: that are asked.
        versions: of each.
        keep: where the archive stays if there is a disagreement.
        wide: whether the archive has more sorts of tricks.
    """
    with tempfile.TemporaryDirectory(dir=engines[0].host.work) as name:
        folder = Path(name)
        made = make(seed, number, folder, wide=wide)
        found = hold_path(made.path, folder, engines, versions, tricks=[made.form, *made.tricks])
        if found.wrong:
            (keep / made.path.name).write_bytes(made.path.read_bytes())
    return found


def hold_path(
    path: Path,
    folder: Path,
    engines: Sequence[Engine],
    versions: Mapping[str, str],
    *,
    tricks: Sequence[str] = (),
) -> Outcome:
    """Ask everybody about a file or folder.

    Args:
        path: the file or folder, where engines see it.
        folder: for results.
        engines: that are asked.
        versions: of each.
        tricks: what is in it.
    """
    found = Outcome(archives=1, tricks=list(tricks))
    _repacked(path, folder, found)
    for engine in engines:
        _asked(path, folder, engine, versions[engine.name], found)
    return found


def _repacked(path: Path, folder: Path, found: Outcome) -> None:
    """Whatever repack takes is sound to verify, and to a check that shares no code with it."""
    dest = folder / "repacked"
    try:
        repack(str(path), str(dest), to="oci")
    except LayoutError:
        return
    found.repacked += 1
    report = verify(str(dest))
    if report.failed:
        codes = sorted({each.code for each in report.findings})
        found.wrong.append(f"repack: is not sound to verify: {codes}")
    if any(trick.endswith(": case") for trick in found.tricks):
        return  # that check reads keys as they are spelled, and not as Go does
    try:
        check(dest)
    except (AssertionError, KeyError) as error:
        found.wrong.append(f"repack: is not sound: {str(error)[:200]}")


def _asked(path: Path, folder: Path, engine: Engine, version: str, found: Outcome) -> None:
    for way, seen in ask(engine, path).items():
        target = target_of(way, version)
        try:
            answer = foretold(path, target, full=True)
        except LayoutError as error:  # what cannot be read at all is said not to load
            found.cells += 1
            if seen.loads:
                found.wrong.append(f"{target} no, {type(error).__name__}: {error}"[:600])
            continue
        codes = sorted({each.rule.code for each in answer.reasons})
        if CHANCE & set(codes):
            found.chances += 1
            continue
        found.cells += 1
        text = difference(answer, seen, engine)
        if text:
            kind = "yes" if answer.loads else f"no, {'+'.join(codes)}"
            found.wrong.append(f"{target} {kind}: {text[:600]}")
            continue
        if not answer.repair:
            continue
        found.lines += 1
        at = Path(tempfile.mkdtemp(dir=folder))
        done = layout(*answer.repair[1:], cwd=at)
        if done.returncode:
            found.wrong.append(f"{target} line: {' '.join(answer.repair)}: {done.stderr[-300:]!r}")
            continue
        (dest,) = (at / each for each in os.listdir(at))
        after = foretold(dest, target, full=True)
        text = difference(after, ask(engine, dest, way)[way], engine)
        if text or not after.loads:
            found.wrong.append(f"{target} line: {' '.join(answer.repair)}: {text[:400] or codes}")
