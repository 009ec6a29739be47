"""Makes a delta: goes through a new tar, and says of each of its bytes where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import attrs

from oci_layout.delta import form
from oci_layout.delta.aligning import PART, WINDOW, Aligning
from oci_layout.delta.catalogue import Catalogue, Known, content_key
from oci_layout.delta.cutting import Piece, cut
from oci_layout.delta.form import Do, Step
from oci_layout.delta.headers import reversible
from oci_layout.delta.segments import HEADERS_BYTES, Segments
from oci_layout.delta.stretch import Stretch

_HEADERS = 64 << 10  # headers of one member that are taken for such
_LONGER = 8  # a member is not told as a change of one that has more than so many times its size
_LONGER_MORE = 64 << 10  # ... and these bytes


@attrs.frozen(kw_only=True)
class Told:
    """What became of the bytes of a tar.

    Args:
        copied: bytes that are old ones.
        changed: bytes that are like old ones.
        new: bytes that are like no old ones.
        layers: numbers of the old layers that are referred to.
    """

    copied: int
    changed: int
    new: int
    layers: frozenset[int]


def make(
    new: Stretch,
    old: Catalogue,
    write: Callable[[bytes], object],
    *,
    executor: Executor,
    ahead: int,
) -> Told:
    """Write the segments of a delta; what it begins with, the caller knows after it.

    What is written does not depend on the threads.

    Args:
        new: the tar; any bytes.
        old: what the other side has.
        write: takes the bytes of the delta, in order.
        executor: packs frames.
        ahead: how many it packs at a time.
    """
    segments = Segments(old.layers, write, executor, ahead)
    try:
        making = _Making(new, old, segments)
        for piece in cut(new):
            making.piece(piece)
        making.finish()
    finally:
        segments.end()
    write(form.END)
    return making.told


class _Making:
    """Turns pieces into steps.

    Args:
        new: the tar.
        old: what the other side has.
        segments: takes the steps.
    """

    def __init__(self, new: Stretch, old: Catalogue, segments: Segments) -> None:
        self._new, self._old, self._segments = new, old, segments
        self._copy: Step | None = None  # not written yet: what follows may go on with it
        self._bytes = dict.fromkeys(Do, 0)
        self._layers: set[int] = set()
        self._looked_back = form.LOOKED_BACK * new.size + form.LOOKED_BACK_MORE

    @property
    def told(self) -> Told:
        """What became of the bytes."""
        count = self._bytes
        return Told(
            copied=count[Do.COPY],
            changed=count[Do.CHANGED] + count[Do.HEADERS_LIKE],
            new=count[Do.NEW] + count[Do.HEADERS],
            layers=frozenset(self._layers),
        )

    def piece(self, piece: Piece) -> None:
        """Tell one piece."""
        if not piece.name:
            self._as_new(piece.head, piece.end)
            return
        known = self._old.at(piece.name)
        self._headers(piece, known)
        if piece.end == piece.data:
            return
        key = content_key(self._new, piece)
        same = self._old.same(piece.name, key)
        if same is not None and same.size == piece.end - piece.data:
            self._add(Step(Do.COPY, same.size, same.layer, same.data, same.size))
            return
        like = self._old.like(piece.name, piece.end - piece.data)
        if like is None:
            self._as_new(piece.data, piece.end)
        elif piece.end - piece.data <= PART and like.size <= WINDOW:
            self._changed(piece.data, piece.end, like.layer, like.data, like.size)
        else:
            self._large(piece, like)

    def finish(self) -> None:
        """Write what is left."""
        self._flush_copy()
        self._segments.close()

    def _add(self, step: Step, data: bytes = b"") -> None:
        if step.do in form.REFERRING:
            self._layers.add(step.layer)
        self._bytes[step.do] += step.size
        before = self._copy
        if step.do is Do.COPY:
            if (
                before is not None
                and before.layer == step.layer
                and before.offset + before.size == step.offset
            ):
                size = before.size + step.size
                self._copy = attrs.evolve(before, size=size, length=size)
                return
            self._flush_copy()
            self._copy = step
            return
        self._flush_copy()
        self._segments.add(step, data)

    def _flush_copy(self) -> None:
        if self._copy is not None:
            self._segments.add(self._copy, b"")
            self._copy = None

    def _headers(self, piece: Piece, known: Known | None) -> None:
        size = piece.data - piece.head
        if size > _HEADERS:
            self._as_new(piece.head, piece.data)
            return
        data = self._new.get(piece.head, size)
        if known is not None and known.data - known.head <= min(_HEADERS, HEADERS_BYTES):
            length = known.data - known.head
            old = self._old.layers[known.layer].get(known.head, length)
            if old == data:
                self._add(Step(Do.COPY, size, known.layer, known.head, size))
                return
            if reversible(data) and self._affordable(size, length):
                self._add(Step(Do.HEADERS_LIKE, size, known.layer, known.head, length), data)
                return
        if reversible(data):
            self._add(Step(Do.HEADERS, size), data)
        else:
            self._as_new(piece.head, piece.data)

    def _affordable(self, size: int, length: int) -> bool:
        """Whether old bytes may be referred to; counts them."""
        if length > min(_LONGER * size + _LONGER_MORE, self._looked_back):
            return False
        self._looked_back -= length
        return True

    def _changed(self, start: int, end: int, layer: int, offset: int, length: int) -> None:
        if not self._affordable(end - start, length):
            self._as_new(start, end)
            return
        data = self._new.get(start, end - start)
        self._add(Step(Do.CHANGED, end - start, layer, offset, length), data)

    def _large(self, piece: Piece, like: Known) -> None:
        """A large member, part by part, each against the old part that is nearest to it."""
        sample = self._new.get(
            piece.data + (piece.end - piece.data) // 3, min(PART, (piece.end - piece.data) // 3)
        )
        aligning = Aligning(self._old.layers[like.layer], like.data, like.size, sample)
        for start in range(piece.data, piece.end, PART):
            end = min(start + PART, piece.end)
            data = self._new.get(start, end - start)
            offset, length = aligning.window(start - piece.data, data)
            self._changed(start, end, like.layer, offset, length)

    def _as_new(self, start: int, end: int) -> None:
        while start < end:
            size = min(self._segments.room, end - start)
            self._add(Step(Do.NEW, size), self._new.get(start, size))
            start += size
