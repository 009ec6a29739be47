"""What has become of each path so far, as the layers are gone through from the top down.

A path is 64 bits here, of Python's own keyed hash, and lies in arrays: 20 bytes a place, where a
dictionary of texts takes some 200. Of a million paths, two have one hash once in some 40 million
images; nobody who writes an image knows the key.
"""

from __future__ import annotations

from array import array

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.streams.heap import give_back_at_once, trim

_KEYS = "Q"
_LAYERS = "H"
_BEGIN = 1 << 12  # places; always a power of two
_BITS = (1 << 64) - 1
_LARGE = 1 << 20  # bytes of an array that does not stay in the heap when it is let go of


def _zeros(kind: str, count: int) -> array[int]:
    empty: array[int] = array(kind, bytes(array(kind).itemsize))
    return empty * count


class PathTable:
    """For each path, the topmost layer that did something to it.

    A layer is a number from 1 on, the base 1; 0 stands for none. As layers come from the top down,
    the first number that is put down is the one that counts, and stays.

    Args of each place, all indexed by what ``place`` returns:
        closed: nothing of lower layers is at this path or below: a whiteout, or no folder.
        emptied: nothing of lower layers is below: an opaque folder.
        folder: a folder is there, by a member of its own or because something is in it.
        given: a member of this path was shown.
        barrier: the last layer that has something there that is no folder.
        inhabited: the last layer that has something below it.
    """

    def __init__(self) -> None:
        self._used = 0
        self._make(_BEGIN)

    def _make(self, count: int) -> None:
        self._mask = count - 1
        self._room = count * 5 // 8
        self._keys = _zeros(_KEYS, count)
        self.closed = _zeros(_LAYERS, count)
        self.emptied = _zeros(_LAYERS, count)
        self.folder = _zeros(_LAYERS, count)
        self.given = _zeros(_LAYERS, count)
        self.barrier = _zeros(_LAYERS, count)
        self.inhabited = _zeros(_LAYERS, count)

    def place(self, path: str) -> int:
        """Where a path is; it gets a place of its own where it has none.

        What is returned holds until the next call for a new path.
        """
        key = (hash(path) & _BITS) or 1
        keys, mask = self._keys, self._mask
        at = key & mask
        while (there := keys[at]) != key:
            if not there:
                if self._used >= self._room:
                    self._grow()
                    return self.place(path)
                self._used += 1
                keys[at] = key
                return at
            at = (at + 1) & mask
        return at

    def find(self, path: str) -> int:
        """Where a path is; negative where nothing was put down of it."""
        key = (hash(path) & _BITS) or 1
        keys, mask = self._keys, self._mask
        at = key & mask
        while (there := keys[at]) != key:
            if not there:
                return -1
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        """Twice the places; one array after the other is let go of, to keep the peak low.

        Raises:
            DamagedError: there are far more paths than images have.
        """
        if self._used >= limits.MERGED_PATHS:
            raise DamagedError(
                what=f"more than {limits.MERGED_PATHS} paths", code="too-many-members"
            )
        give_back_at_once(_LARGE)
        old_keys, count = self._keys, 2 * (self._mask + 1)
        mask = count - 1
        keys = _zeros(_KEYS, count)
        moved = array("I", bytes(array("I").itemsize)) * len(old_keys)
        for old, key in enumerate(old_keys):
            if key:
                at = key & mask
                while keys[at]:
                    at = (at + 1) & mask
                keys[at] = key
                moved[old] = at
        for name in ("closed", "emptied", "folder", "given", "barrier", "inhabited"):
            before: array[int] = getattr(self, name)
            after = _zeros(_LAYERS, count)
            for old, layer in enumerate(before):
                if layer:
                    after[moved[old]] = layer
            setattr(self, name, after)
        self._keys, self._mask, self._room = keys, mask, count * 5 // 8
        trim()
