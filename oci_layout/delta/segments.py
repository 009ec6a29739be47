"""Gathers steps and their bytes into segments, whose frames are packed side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from oci_layout.delta import form
from oci_layout.delta.form import Do, Kind, Step
from oci_layout.delta.headers import blank
from oci_layout.delta.packing import NewBytes, pack
from oci_layout.delta.stretch import Stretch
from oci_layout.streams.heap import trim

NEW_BYTES = form.FRAME_BYTES  # of one segment
HEADERS_BYTES = 2 << 20
CHANGED_BYTES = 2 << 20
_OLD_BYTES = 2 << 20  # that a frame of changed bytes refers to, unless a single step takes more
_FRAMES = 64  # of one segment, beside what is begun


class _Gathered:
    """Bytes of one kind, and the old ones that they are like."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.old: list[bytes] = []
        self.size = self.old_size = 0

    def add(self, data: bytes, old: bytes) -> None:
        self.data.append(data)
        self.size += len(data)
        if old:
            self.old.append(old)
            self.old_size += len(old)

    def take(self) -> tuple[bytes, bytes]:
        taken = b"".join(self.data), b"".join(self.old)
        self.__init__()  # type: ignore[misc]  # begin anew
        return taken


class Segments:
    """Takes steps, and writes segments.

    Args:
        layers: the old tars.
        write: takes the bytes of the segments, in order.
        executor: packs frames.
        ahead: how many it packs at a time; what is written does not depend on it.
    """

    def __init__(
        self,
        layers: Sequence[Stretch],
        write: Callable[[bytes], object],
        executor: Executor,
        ahead: int,
    ) -> None:
        self._layers, self._write = layers, write
        self._executor, self._ahead = executor, max(1, ahead)
        self._running: deque[Future[bytes]] = deque()
        self._stream = NewBytes()
        self._in_order = ThreadPoolExecutor(1, thread_name_prefix="layout-new")
        self._begin()

    def end(self) -> None:
        """Let the thread end that packs new bytes."""
        self._in_order.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> None:
        self._steps: list[Step] = []
        self._frames: list[tuple[Kind, int, Future[bytes]]] = []
        self._headers, self._changed, self._new = _Gathered(), _Gathered(), _Gathered()

    @property
    def room(self) -> int:
        """How many new bytes the next step may have."""
        return NEW_BYTES - self._new.size

    def add(self, step: Step, data: bytes) -> None:
        """Take a step.

        Args:
            step: what it does.
            data: the bytes that it makes; empty for a copy.
        """
        old = b""
        if step.do in (Do.HEADERS_LIKE, Do.CHANGED):
            old = self._layers[step.layer].get(step.offset, step.length)
        if step.do in (Do.HEADERS, Do.HEADERS_LIKE):
            if self._headers.size + max(len(data), len(old)) > HEADERS_BYTES:
                self._close_headers()
            self._headers.add(data, old)
        elif step.do is Do.CHANGED:
            full = self._changed.size + len(data) > CHANGED_BYTES
            if full or self._changed.old_size + len(old) > _OLD_BYTES:
                self._close_changed()
            self._changed.add(data, old)
        elif step.do is Do.NEW:
            self._new.add(data, b"")
        self._steps.append(step)
        if len(self._steps) >= form.STEPS or not self.room or len(self._frames) >= _FRAMES:
            self.close()

    def close(self) -> None:
        """Write the segment that is begun, if there is one."""
        if not self._steps:
            return
        self._close_headers()
        self._close_changed()
        if self._new.size:
            data, _ = self._new.take()
            packed_new = self._in_order.submit(_trimmed, self._stream.pack, data)
            self._frames.append((Kind.NEW, len(data), packed_new))
        steps = form.render_steps(self._steps)
        packed = [(Kind.STEPS, len(steps), pack(steps))]
        packed += [(kind, size, frame.result()) for kind, size, frame in self._frames]
        self._write(form.render_segment(packed))
        self._begin()

    def _close_headers(self) -> None:
        if self._headers.size:
            data, old = self._headers.take()
            kept, times = blank(data)
            old_kept, old_times = blank(old)
            self._pack(Kind.HEADERS, kept, old_kept)
            self._pack(Kind.TIMES, times, old_times)

    def _close_changed(self) -> None:
        if self._changed.size:
            self._pack(Kind.CHANGED, *self._changed.take())

    def _pack(self, kind: Kind, data: bytes, old: bytes) -> None:
        while len(self._running) >= self._ahead:
            self._running.popleft().result()
        future = self._executor.submit(_trimmed, pack, data, old)
        self._running.append(future)
        self._frames.append((kind, len(data), future))


def _trimmed(work: Callable[..., bytes], *given: bytes) -> bytes:
    """Do some work that leaves holes in memory, and give them back."""
    try:
        return work(*given)
    finally:
        trim()
