"""Where in a large old file that is which a part of a large new one came from."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from statistics import median_low

from oci_layout import limits
from oci_layout.delta.stretch import Stretch

PART = 1 << 20  # bytes of a large file that are packed at a time
WINDOW = 4 << 20  # old bytes that a part may refer to
_SAMPLE = 64 << 10  # bytes of which a pair of bytes is chosen that marks places
_OFTEN = 512  # a place is to come about every so many bytes
_KEY = 24  # bytes that tell a place from another
_PLACES = 1 << 15  # that are known of the old file


class Aligning:
    """Finds the part of an old file that is nearest to a part of a new one.

    Both are looked at where a certain pair of bytes stands. What follows it tells where the same
    is in the other file, however much was put in or taken out before.

    Args:
        old: the layer that has the old file.
        start: where it begins in there.
        size: its bytes.
        sample: some bytes of the new file, to choose the pair of.
    """

    def __init__(self, old: Stretch, start: int, size: int, sample: bytes) -> None:
        self._start, self._size = start, size
        self._pair = _pair(sample, max(_OFTEN, size // _PLACES))
        self._places: dict[bytes, int] = {}
        self._drift = 0
        for at, key in self._keys(old, start, size):
            if len(self._places) >= _PLACES:
                break
            self._places.setdefault(key, at)

    def _keys(self, tar: Stretch, start: int, size: int) -> Iterator[tuple[int, bytes]]:
        for base in range(0, size, limits.CHUNK):
            data = tar.get(start + base, min(limits.CHUNK + _KEY, size - base))
            yield from ((base + at, key) for at, key in _marked(data, self._pair))

    def window(self, at: int, data: bytes) -> tuple[int, int]:
        """The old bytes that a part may refer to: offset in the layer, and how many.

        Args:
            at: where the part begins in the new file.
            data: the part.
        """
        if self._size <= WINDOW:
            return self._start, self._size
        found = [
            self._places[key] - at - place
            for place, key in _marked(data, self._pair)
            if key in self._places
        ]
        if found:
            self._drift = median_low(found)
        begin = at + self._drift - (WINDOW - len(data)) // 2
        begin = max(0, min(begin, self._size - WINDOW))
        return self._start + begin, WINDOW


def _pair(sample: bytes, often: int) -> bytes:
    """A pair of bytes that stands about once in so many bytes."""
    sample = sample[:_SAMPLE]
    counts = Counter(itertools.pairwise(sample))
    wanted = max(1, len(sample) // often)
    best = min(counts, key=lambda pair: (abs(counts[pair] - wanted), pair), default=(0, 0))
    return bytes(best)


def _marked(data: bytes, pair: bytes) -> Iterator[tuple[int, bytes]]:
    """Places of a pair of bytes, and what follows each."""
    at = data.find(pair)
    while 0 <= at <= len(data) - _KEY:
        yield at, data[at : at + _KEY]
        at = data.find(pair, at + _KEY)
