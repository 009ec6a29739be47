"""Threads within one stream of bytes: stages side by side, and the order kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:  # it brings logging along, which most calls of the command do without
    from concurrent.futures import Executor

_AHEAD = 8  # pieces on their way between two stages: hides jitter, and bounds memory


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Pipeline:
    """What one stream may use beside the thread that pulls it.

    Args:
        executor: takes work that can be done apart, such as a block to pack.
        count: how much of it makes sense at a time.
    """

    executor: Executor
    count: int


class Stage:
    """Consumes pieces in a thread of its own, in the order they were fed.

    The C queues below cost a microsecond; a bounded ``queue.Queue`` costs twenty.

    Args:
        consume: takes each piece.
    """

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        self._consume = consume
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_AHEAD):
            self._room.put(None)
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="layout-stage", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # no more threads: pieces are consumed where they are fed
            self._thread = None

    def feed(self, piece: bytes) -> None:
        """Give a piece; waits where too many are on their way.

        Raises:
            BaseException: what an earlier piece made ``consume`` raise.
        """
        if self._error is not None:
            self.finish()
        if self._thread is None:
            self._consume(piece)
            return
        self._room.get()
        self._pieces.put(piece)

    def finish(self) -> None:
        """Wait until all has been consumed.

        Raises:
            BaseException: what a piece made ``consume`` raise.
        """
        self.abandon()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """End the thread, whatever has become of it."""
        if self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._error is None:
                try:
                    self._consume(piece)
                except BaseException as error:  # noqa: BLE001  raised again where it was fed
                    self._error = error
            self._room.put(None)
