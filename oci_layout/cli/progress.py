"""A progress bar by bytes, on a terminal only."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from oci_layout.api.words import Progress
from oci_layout.cli.text import size_text

_EVERY = 0.1  # seconds between two pictures
_WIDTH = 24


class Bar:
    """Draws on standard error while it is open; does nothing where that is no terminal.

    Args:
        quiet: draw nothing at all.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._live = not quiet and sys.stderr.isatty()
        self._total = self._done = 0
        self._began = self._drawn = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress | None:
        return Progress(start=self._start, advance=self._advance) if self._live else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def _start(self, total: int) -> None:
        self._total, self._began = total, time.monotonic()

    def _advance(self, size: int) -> None:
        with self._lock:
            self._done += size
            now = time.monotonic()
            if now - self._drawn < _EVERY:
                return
            self._drawn = now
            self._draw(now)

    def _draw(self, now: float) -> None:
        part = min(1.0, self._done / self._total) if self._total else 1.0
        filled = round(part * _WIDTH)
        speed = self._done / max(now - self._began, 0.001)
        left = (self._total - self._done) / speed if speed else 0
        sys.stderr.write(
            f"\r\033[K[{'#' * filled}{'.' * (_WIDTH - filled)}] {part:4.0%} "
            f"{size_text(self._done)} of {size_text(self._total)}, "
            f"{size_text(int(speed))}/s, {max(0, round(left))} s left"
        )
        sys.stderr.flush()
