"""A progress bar by bytes, on a terminal only."""

from __future__ import annotations

import shutil
import threading
import time
from types import TracebackType

from oci_layout.api.words import Progress
from oci_layout.cli import screen
from oci_layout.cli.cells import cells, clipped
from oci_layout.cli.text import shown, size_text

_EVERY = 0.1  # seconds between two pictures
_WIDTH = 24


class Bar:
    """Draws on standard error while it is open; does nothing where that is no terminal.

    Args:
        quiet: draw nothing at all.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._live = not quiet and screen.is_live()
        self._total = self._done = 0
        self._spooled = ""
        self._began = self._drawn = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress | None:
        if not self._live:
            return None
        return Progress(start=self._start, advance=self._advance, spool=self._spool)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            screen.draw("")

    def _start(self, total: int) -> None:
        self._begin(total, "")

    def _spool(self, source: str, directory: str, total: int) -> None:
        self._begin(total, f"reading {shown(source)} into {shown(directory)}")

    def _begin(self, total: int, spooled: str) -> None:
        with self._lock:
            self._total, self._done, self._spooled = total, 0, spooled
            self._began = time.monotonic()

    def _advance(self, size: int) -> None:
        with self._lock:
            self._done += size
            now = time.monotonic()
            if now - self._drawn < _EVERY:
                return
            self._drawn = now
            self._draw(now)

    def _draw(self, now: float) -> None:
        speed = self._done / max(now - self._began, 0.001)
        done, rate = size_text(self._done), f"{size_text(int(speed))}/s"
        if self._total:
            part = min(1.0, self._done / self._total)
            filled = round(part * _WIDTH)
            left = (self._total - self._done) / speed if speed else 0
            done = f"{part:4.0%} {done} of {size_text(self._total)}"
            bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] "
            rate += f", {max(0, round(left))} s left"
        else:
            bar = ""
        if self._spooled:  # what is spooled, and where, says more than a bar
            text = f"{done}, {rate}"
            room = max(0, shutil.get_terminal_size().columns - cells(text) - 3)
            text = f"{clipped(self._spooled, room)}: {text}"
        else:
            text = f"{bar}{done}, {rate}"
        screen.draw(text)
