"""Puts a tar together again, out of old layers and a delta; every bound is held."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from oci_layout import limits
from oci_layout.delta import form
from oci_layout.delta.form import DeltaError, Do, Frame, Kind, Numbers, Opening, Step
from oci_layout.delta.headers import blank, fill
from oci_layout.delta.packing import NewBytesReader, unpack
from oci_layout.delta.stretch import Stretch
from oci_layout.streams.tarheader import BLOCK

_TABLE_BYTES = 32 << 10
_NUMBER = 10  # bytes of a number


def read_opening(delta: Stretch) -> tuple[Opening, int]:
    """What a delta begins with, and where its segments begin.

    Args:
        delta: the delta.

    Raises:
        DeltaError: it is none.
    """
    return form.parse_opening(delta.get(0, min(delta.size, form.HEADER_BYTES)))


def apply(delta: Stretch, layers: Sequence[Stretch]) -> Iterator[bytes]:
    """The bytes of the tar, in order. Whether they are right, its diff_id tells.

    Args:
        delta: the delta.
        layers: the old tars that it names, by their numbers.

    Raises:
        DeltaError: while they are read, as soon as the delta does not hold.
    """
    opening, at = read_opening(delta)
    if len(layers) != len(opening.sources):
        raise DeltaError(f"{len(layers)} old layers, where it names {len(opening.sources)}")
    left = opening.size
    budget = form.LOOKED_BACK * opening.size + form.LOOKED_BACK_MORE
    parts = _new_parts(delta, at)
    new = NewBytesReader(lambda: next(parts, b""))
    for start, frames in _tables(delta, at):
        segment = _Segment(delta, start, frames, layers, new, budget)
        for data in segment.run(left):
            left -= len(data)
            yield data
        budget = segment.budget
    if left:
        raise DeltaError(f"{left} bytes of the tar are missing")


def _tables(delta: Stretch, at: int) -> Iterator[tuple[int, list[Frame]]]:
    """Where the frames of each segment begin, and their table.

    Args:
        delta: the delta.
        at: where its first segment begins.
    """
    while True:
        numbers = Numbers(delta.get(at, min(_NUMBER, delta.size - at)))
        size = numbers.next()
        at += numbers.at
        if not size:
            break
        if size > min(_TABLE_BYTES, delta.size - at):
            raise DeltaError("the table of a segment is too long")
        frames = form.parse_table(delta.get(at, size))
        at += size
        end = at + sum(frame.packed for frame in frames)
        if end > delta.size:
            raise DeltaError("it ends inside a segment")
        yield at, frames
        at = end
    if at != delta.size:
        raise DeltaError("bytes follow its end")


def _new_parts(delta: Stretch, at: int) -> Iterator[bytes]:
    """The parts of the stream of new bytes, in order, which all segments share."""
    for start, frames in _tables(delta, at):
        place = start
        for frame in frames:
            if frame.kind is Kind.NEW and frame.packed:
                yield delta.get(place, frame.packed)
            place += frame.packed


class _Segment:
    """One segment at work.

    Args:
        delta: that it is in.
        at: where its frames begin.
        frames: its table.
        layers: the old tars.
        new: the stream of new bytes.
        budget: old bytes that frames may refer to.
    """

    def __init__(
        self,
        delta: Stretch,
        at: int,
        frames: Sequence[Frame],
        layers: Sequence[Stretch],
        new: NewBytesReader,
        budget: int,
    ) -> None:
        self._delta, self._layers, self.budget = delta, layers, budget
        self._new = new
        self._new_size = sum(frame.size for frame in frames if frame.kind is Kind.NEW)
        self._places: dict[Kind, deque[tuple[int, Frame]]] = {kind: deque() for kind in Kind}
        for frame in frames:
            self._places[frame.kind].append((at, frame))
            at += frame.packed
        self._headers = _Stream(self, Kind.HEADERS)
        self._changed = _Stream(self, Kind.CHANGED)
        self._times, self._times_at = b"", 0

    def run(self, left: int) -> Iterator[bytes]:
        """The bytes that it makes.

        Args:
            left: how many there may be.
        """
        steps = list(
            form.parse_steps(self.frame(Kind.STEPS, b""), [each.size for each in self._layers])
        )
        made = sum(step.size for step in steps)
        if made > left:
            raise DeltaError("its steps make more than the tar has")
        self._headers.expect(each for each in steps if each.do in (Do.HEADERS, Do.HEADERS_LIKE))
        self._changed.expect(each for each in steps if each.do is Do.CHANGED)
        if sum(step.size for step in steps if step.do is Do.NEW) != self._new_size:
            raise DeltaError("frames hold more or fewer new bytes than the steps take")
        self._places[Kind.NEW].clear()
        for step in steps:
            if step.do is Do.COPY:
                yield from self._copy(step)
            elif step.do is Do.NEW:
                for at in range(0, step.size, limits.CHUNK):
                    yield self._new.take(min(limits.CHUNK, step.size - at))
            elif step.do is Do.CHANGED:
                yield self._changed.take(step.size)
            else:
                if step.size % BLOCK:
                    raise DeltaError("headers that are no whole blocks")
                yield fill(self._headers.take(step.size), self._time)
        rest = any(self._places.values()) or self._times_at != len(self._times)
        if rest or any(each.left for each in (self._headers, self._changed)):
            raise DeltaError("frames hold more than the steps take")

    def _copy(self, step: Step) -> Iterator[bytes]:
        layer = self._layers[step.layer]
        for at in range(0, step.size, limits.CHUNK):
            yield layer.get(step.offset + at, min(limits.CHUNK, step.size - at))

    def _time(self, size: int) -> bytes:
        data = self._times[self._times_at : self._times_at + size]
        if len(data) != size:
            raise DeltaError("fewer times than headers")
        self._times_at += size
        return data

    def old(self, steps: Sequence[Step]) -> bytes:
        """The old bytes that some steps refer to, one after the other."""
        size = sum(step.length for step in steps)
        self.budget -= size
        if size > form.DICTIONARY_BYTES or self.budget < 0:
            raise DeltaError("a frame refers to too many old bytes")
        taken = (each for each in steps if each.length)
        return b"".join(self._layers[each.layer].get(each.offset, each.length) for each in taken)

    def next_size(self, kind: Kind) -> int:
        """Unpacked bytes of the next frame of a kind."""
        places = self._places[kind]
        if not places:
            raise DeltaError("the steps take more than frames hold")
        return places[0][1].size

    def frame(self, kind: Kind, old: bytes) -> bytes:
        """The next frame of a kind, unpacked."""
        if kind is Kind.HEADERS:
            if self._times_at != len(self._times):
                raise DeltaError("more times than headers")
            old, old_times = blank(old)
            self.next_size(Kind.TIMES)
            self._times, self._times_at = self._unpacked(Kind.TIMES, old_times), 0
        return self._unpacked(kind, old)

    def _unpacked(self, kind: Kind, old: bytes) -> bytes:
        at, frame = self._places[kind].popleft()
        return unpack(self._delta.get(at, frame.packed), frame.size, old)


class _Stream:
    """The bytes of one kind, out of one frame after the other.

    Args:
        segment: has the frames.
        kind: of them.
    """

    def __init__(self, segment: _Segment, kind: Kind) -> None:
        self._segment, self._kind = segment, kind
        self._steps: deque[Step] = deque()
        self._data, self._at = b"", 0

    def expect(self, steps: Iterator[Step]) -> None:
        """Say which steps will take bytes: their old ones are what frames refer to."""
        self._steps.extend(steps)

    @property
    def left(self) -> int:
        """Bytes of the frame at hand that nobody has taken."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """The next bytes; a frame ends where a step does."""
        if not self.left:
            self._data, self._at = self._next(), 0
        data = self._data[self._at : self._at + size]
        if len(data) != size:
            raise DeltaError("a step goes beyond its frame")
        self._at += size
        return data

    def _next(self) -> bytes:
        size, taken = self._segment.next_size(self._kind), []
        while size > 0 and self._steps:
            taken.append(self._steps.popleft())
            size -= taken[-1].size
        if size:
            raise DeltaError("a frame does not end where a step does")
        return self._segment.frame(self._kind, self._segment.old(taken))
