"""How far a batch is: a line that changes on a terminal, a line for each source elsewhere."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from types import TracebackType

from oci_layout.batchlines.kinds import Status, Verb, said
from oci_layout.batchlines.values import SourceReport
from oci_layout.cli import screen
from oci_layout.cli.cells import clipped
from oci_layout.cli.progress import Bar
from oci_layout.cli.text import error_line, shown, size_text
from oci_layout.shelf.run import Told

_EVERY = 0.1  # seconds between two pictures
_WIDTH = 24
_MINUTE = 120  # seconds from which minutes say more


class Table:
    """Shows what becomes of sources. A context manager, which gives what is told.

    What fails is shown at once, on standard error.

    Args:
        verb: that is done.
        quiet: show failures alone.
    """

    def __init__(self, verb: Verb, *, quiet: bool) -> None:
        self._verb, self._quiet = verb, quiet
        self._live = not quiet and screen.is_live()
        self._counts: Counter[Status] = Counter()
        self._found = self._todo = self._size = self._done = self._bytes = 0
        self._began = self._drawn = time.monotonic()
        self._walking = True
        self._merging = Bar(quiet=quiet)

    def __enter__(self) -> Told:
        return Told(
            planned=self._planned,
            source=self._source,
            tick=self._tick,
            merging=self._merging.__enter__,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wipe()

    def _wipe(self) -> None:
        if self._live:
            screen.draw("")

    def _planned(self, every: int, todo: int, size: int) -> None:
        self._found, self._todo, self._size = every, todo, size
        self._walking, self._began = False, time.monotonic()

    def _source(self, report: SourceReport) -> None:
        self._counts[report.status] += 1
        if report.status is not Status.UNCHANGED:
            self._done += 1
            self._bytes += report.size
        if report.status is Status.FAILED:
            self._wipe()
            screen.show([error_line(report.error)], error=True)
        elif report.status is Status.NO_IMAGE and not self._quiet:
            self._wipe()
            screen.show([f"passed over: {shown(report.error)}"])
        elif report.status is Status.DONE and not self._quiet and not self._live:
            screen.show([_line(report)])
        screen.hand_over()
        self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        self._found += self._walking
        if not self._live or now - self._drawn < _EVERY:
            return
        self._drawn = now
        room = max(20, shutil.get_terminal_size().columns - 1)
        screen.draw(clipped(self._picture(now), room))

    def _picture(self, now: float) -> str:
        if self._walking:
            return f"looking for sources: {self._found} found"
        done = self._counts[Status.DONE]
        part = min(1.0, self._bytes / self._size) if self._size else 1.0
        filled = round(part * _WIDTH)
        texts = [f"{done + self._counts[Status.UNCHANGED]} of {self._found} done"]
        texts.append(f"{self._counts[Status.FAILED]} failed")
        speed = self._bytes / max(now - self._began, 0.001)
        texts.append(f"{size_text(int(speed))}/s")
        if speed:
            texts.append(f"{_time((self._size - self._bytes) / speed)} left")
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {', '.join(texts)}"


def _line(report: SourceReport) -> str:
    where = f" -> {report.result}" if report.result else ""
    word = said(report.status, report.verb)
    return f"{word}  {report.source}{where}  {size_text(report.size)}, {report.seconds:.1f} s"


def _time(seconds: float) -> str:
    left = max(0, round(seconds))
    return f"{left} s" if left < _MINUTE else f"{left // 60} min"
