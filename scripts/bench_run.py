"""Running programs for scripts/bench: here or in a root folder, measured, one after the other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LAUNCHER = Path(__file__).with_name("bench_launch.py")
_INSIDE = "/mnt"  # where a root folder sees the work folder
_IN_NAMESPACE = "OCI_LAYOUT_BENCH_NAMESPACE"
_WARM = 5 << 29  # bytes of page cache that a run is given; the largest output and some


class FailedError(Exception):
    """A program did not do what it was asked."""


@dataclass(frozen=True)
class Run:
    """What one run took.

    Args:
        wall: seconds.
        cpu: seconds of user and system time.
        peak: bytes of memory.
        output: bytes it wrote.
    """

    wall: float
    cpu: float
    peak: int
    output: int


def _warm_memory(folder: Path) -> None:
    """Let a run find memory that the machine has.

    A virtual machine gives memory that nobody uses back to its host within seconds, and to take
    a page again costs more than to fill it: who runs after a pause would pay for two gigabytes
    of output what who runs after a deletion does not.
    """
    path = folder.parent / "warm"
    piece = bytes(1 << 20)
    with path.open("wb", buffering=0) as file:
        for _ in range(_WARM >> 20):
            file.write(piece)
    path.unlink()


def measure(
    argv: Sequence[str], output: Path, *, cores: int | None = None, warm: bool = True
) -> Run:
    """Run a command once; its output is sized and removed outside the time.

    Args:
        argv: the command.
        output: empty folder it writes into; empty again afterwards.
        cores: how many it may use; None for all.
        warm: whether it will write much.
    """
    if warm:
        _warm_memory(output)
    words = [sys.executable, "-IS", str(LAUNCHER), str(cores or ""), *argv]
    environment = {key: value for key, value in os.environ.items() if key != "TMPDIR"}
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=output, env=environment
    )
    figures = done.stdout.split()
    if done.returncode or figures[3] != "0":
        said = done.stderr.strip()[-2000:]
        raise FailedError(f"{' '.join(argv)}\n  exit {(figures or '?')[-1]}: {said}")
    size = sum(
        os.lstat(os.path.join(where, name)).st_size
        for where, _, files in os.walk(output)
        for name in files
    )
    for path in output.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    # What one run leaves to be written must not slow down the next.
    subprocess.run(["sync", "-f", str(output)], check=True)
    return Run(float(figures[0]), float(figures[1]), int(figures[2]) * 1024, size)


def in_namespace() -> None:
    """Start again where mounts end with the process, whatever becomes of it."""
    if os.environ.get(_IN_NAMESPACE) != str(os.getpid()):
        os.environ[_IN_NAMESPACE] = str(os.getpid())
        unshare = ["unshare", "--mount", "--propagation", "private"]
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])  # noqa: S606  no shell needed


class Place:
    """Where programs run: this machine, or a Debian root folder with newer ones.

    Args:
        work: folder with all data.
        root: the root folder; in_namespace() was called before.
    """

    def __init__(self, work: Path, root: Path | None = None) -> None:
        self._work, self._root = str(work), root
        if root is not None:
            subprocess.run(["mount", "--bind", work, f"{root}{_INSIDE}"], check=True)
            for name in ("proc", "dev"):
                subprocess.run(["mount", "--rbind", f"/{name}", root / name], check=True)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Give the command that runs argv there."""
        if self._root is None:
            return list(argv)
        return ["chroot", str(self._root), *(word.replace(self._work, _INSIDE) for word in argv)]

    def has(self, program: str) -> bool:
        """Tell whether a program is installed."""
        if self._root is None:
            return shutil.which(program) is not None
        return any((self._root / folder / program).exists() for folder in ("usr/bin", "bin"))

    def version(self, program: str) -> str:
        """Give the number of a program's version, or nothing where it tells none."""
        for word in ("--version", "version"):
            argv = self.command([program, word])
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                words = done.stdout.split()
                return next((word for word in words if word[:1].isdigit() and "." in word), "")
        return ""


def table(runs: Mapping[str, Sequence[Run]], bare: int) -> str:
    """Compare the first program with each other one.

    Args:
        runs: of each program, in the same rounds.
        bare: peak memory of an interpreter that does nothing.
    """
    first = next(iter(runs.values()))
    width = max(len(name) for name in runs) + 2
    head = f"{'wall s':>8}{'cpu s':>8}{'peak MB':>9}{'over py':>9}{'out MB':>9}"
    head += f"{'wall / first (range)':>23}{'cpu / first':>13}{'size / first':>14}"
    lines = [f"  {'':{width}}{head}"]
    for name, found in runs.items():
        rounds = list(zip(first, found, strict=True))
        walls = [other.wall / one.wall for one, other in rounds]
        wall = f"{median(walls):.2f} ({min(walls):.2f}-{max(walls):.2f})"
        cpu = median(other.cpu / one.cpu for one, other in rounds)
        peak, size = max(run.peak for run in found), found[0].output
        relative = f"{size / first[0].output:.3f}" if size and first[0].output else "-"
        line = f"{median(run.wall for run in found):8.2f}{median(run.cpu for run in found):8.2f}"
        line += f"{peak / 1e6:9.1f}{(peak - bare) / 1e6:9.1f}{size / 1e6:9.1f}"
        wall = "1" if found is first else wall
        lines.append(f"  {name:{width}}{line}{wall:>23}{cpu:13.2f}{relative:>14}")
    return "\n".join(lines)
