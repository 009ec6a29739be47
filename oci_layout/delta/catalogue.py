"""What old layers hold: files by content, by path, and by likeness."""

from __future__ import annotations

import hashlib
import os
import re
from array import array
from collections.abc import Sequence

import attrs

from oci_layout import limits
from oci_layout.delta.cutting import Piece, cut
from oci_layout.delta.stretch import Stretch

_PIECES = 200_000  # that are known at a time: bounds memory
_ALIKE = 4  # pieces of one shape that are compared
_KEY = 16  # bytes of a hash that stand for a content
_NEAR = 4  # a file is like another that has at most so many times its size
_VERSION = re.compile(rb"[0-9a-f]*[0-9][0-9a-f.]*")  # a version, or a hash


@attrs.frozen
class Known:
    """A member of an old layer.

    Args:
        layer: number of the layer.
        head: where its headers begin.
        data: where its data begins.
        end: where its data ends.
    """

    layer: int
    head: int
    data: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of its data, padded."""
        return self.end - self.data


def content_key(tar: Stretch, piece: Piece) -> bytes:
    """What stands for the data of a piece: equal for equal data."""
    digest, at = hashlib.sha256(), piece.data
    while at < piece.end:
        data = tar.get(at, min(limits.CHUNK, piece.end - at))
        digest.update(data)
        at += len(data)
    return digest.digest()[:_KEY]


class Catalogue:
    """Where the members of old layers are.

    Args:
        layers: their tars, base first; what a later one says of a path counts.
    """

    def __init__(self, layers: Sequence[Stretch]) -> None:
        self.layers = layers
        self._where = array("q")  # layer, head, data, end of each
        self._keys: list[bytes] = []
        self._content: dict[bytes, int] = {}
        self._paths: dict[int, int] = {}
        self._shapes: dict[int, list[int]] = {}
        for number, tar in enumerate(layers):
            for piece in cut(tar):
                if piece.name and len(self._keys) < _PIECES:
                    self._add(number, tar, piece)

    def _add(self, layer: int, tar: Stretch, piece: Piece) -> None:
        number = len(self._keys)
        key = content_key(tar, piece) if piece.end > piece.data else b""
        self._keys.append(key)
        self._where.extend((layer, piece.head, piece.data, piece.end))
        self._paths[hash(_path(piece.name))] = number
        if not key:
            return
        self._content.setdefault(key, number)
        for shape in _shapes(piece.name):
            same = self._shapes.setdefault(shape, [])
            same.append(number)
            del same[:-_ALIKE]

    def _known(self, number: int) -> Known:
        return Known(*self._where[4 * number : 4 * number + 4])

    def at(self, name: bytes) -> Known | None:
        """The member of a path."""
        number = self._paths.get(hash(_path(name)))
        return None if number is None else self._known(number)

    def same(self, name: bytes, key: bytes) -> Known | None:
        """A member of the same data, of the same path if there is one."""
        number = self._paths.get(hash(_path(name)))
        if number is None or self._keys[number] != key:
            number = self._content.get(key)
        return None if number is None else self._known(number)

    def like(self, name: bytes, size: int) -> Known | None:
        """The member with data that is most likely to have much in common.

        Of the same path; else of a path that differs in numbers alone; else of such a name; else of
        the same sort in the same folder.

        Args:
            name: of the new member.
            size: of its data.
        """
        found = self.at(name)
        if found is not None and found.size:
            return found
        for shape in _shapes(name):
            near = [self._known(number) for number in self._shapes.get(shape, ())]
            near = [each for each in near if each.size <= _NEAR * size <= _NEAR**2 * each.size]
            if near:
                return min(near, key=lambda each: abs(each.size - size))
        return None


def _path(name: bytes) -> bytes:
    return name.removeprefix(b"./").strip(b"/")


def _shapes(name: bytes) -> tuple[int, ...]:
    """Keys of what a path and a name look like without their versions."""
    path = _VERSION.sub(b"0", _path(name))
    folder, base = os.path.split(path)
    _, dot, suffix = base.partition(b".")
    return hash(path), hash(base + b"\0"), hash(folder + b"\0" + dot + suffix + b"\0")
