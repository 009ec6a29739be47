"""Sparse files in a tar: which stretches of them are there (GNU tar, "Storing Sparse Files")."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from oci_layout.limits import CHUNK
from oci_layout.streams.reader import ExtentReader, HeldFile
from oci_layout.streams.tarheader import BLOCK, decimal, number

_ENTRY = 24  # of a map in header blocks: offset and length, 12 bytes each
_DIGITS = 20  # of a number in a map
_EXTENTS = 100_000  # more than any file system gives a file of a layer
_MAP_BLOCKS = _EXTENTS * 2 * _DIGITS // BLOCK


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Sparse:
    """The stretches of a sparse file that hold data.

    Args:
        size: bytes the file has, holes included.
        extents: offset and length of each, ascending.
        map_bytes: bytes before the data, among those of the member, that the map took.
        name: what the file is called, where the header has a made-up name; else empty.
    """

    size: int
    extents: tuple[tuple[int, int], ...]
    map_bytes: int = 0
    name: str = ""

    def check(self, data: int) -> None:
        """Hold the map against what is there.

        Args:
            data: bytes of data that the member has.

        Raises:
            ValueError: they overlap, leave the file, or are not what the member holds.
        """
        at = 0
        for offset, length in self.extents:
            if offset < at:
                raise ValueError("the map of a sparse file goes backwards")
            at = offset + length
        if at > self.size:
            raise ValueError("the map of a sparse file goes beyond its end")
        if sum(length for _, length in self.extents) != data:
            raise ValueError("the map of a sparse file is not that of its data")


def old_sparse(header: bytes, take: Callable[[int], bytes]) -> Sparse:
    """The map in the header block of type ``S``, and in blocks that follow it.

    Args:
        header: the header block.
        take: gives the next bytes of the stream.

    Raises:
        ValueError: a number that is none, or too many extents.
    """
    if header[257:265] != b"ustar  \0":
        raise ValueError("a sparse file in a header that is not GNU's")
    fields, more = header[386 : 386 + 4 * _ENTRY], header[482]
    extents: list[tuple[int, int]] = []
    while True:
        for at in range(0, len(fields), _ENTRY):
            if not fields[at]:
                break
            extents.append((number(fields[at : at + 12]), number(fields[at + 12 : at + 24])))
        if not more:
            return Sparse(size=number(header[483:495]), extents=tuple(extents))
        if len(extents) > _EXTENTS:
            raise ValueError(f"a sparse file of more than {_EXTENTS} extents")
        block = take(BLOCK)
        fields, more = block[: 21 * _ENTRY], block[504]


def pax_sparse(
    pairs: list[tuple[str, str]], size: int, take: Callable[[int], bytes]
) -> Sparse | None:
    """The map that a PAX header has (0.0, 0.1), or that begins the data (1.0).

    Args:
        pairs: all records, since 0.0 repeats two of them.
        size: bytes of the member.
        take: gives the next bytes of the stream.

    Returns:
        None for a version that nobody knows: then it is a plain file.

    Raises:
        ValueError: not a map.
    """
    records = dict(pairs)
    version = records.get("GNU.sparse.major", ""), records.get("GNU.sparse.minor", "")
    name = records.get("GNU.sparse.name", "")
    real = records.get("GNU.sparse.realsize") or records.get("GNU.sparse.size", "")
    if version == ("1", "0"):
        extents, map_bytes = _map_in_data(size, take)
        return Sparse(size=decimal(real), extents=extents, map_bytes=map_bytes, name=name)
    if version not in {("", ""), ("0", "0"), ("0", "1")}:
        return None
    if "GNU.sparse.map" in records:
        values = records["GNU.sparse.map"].split(",")
    elif "GNU.sparse.numblocks" in records:
        keys = ("GNU.sparse.offset", "GNU.sparse.numbytes")
        values = [value for key, value in pairs if key in keys]
    else:
        return None
    return Sparse(size=decimal(real), extents=_pairs([decimal(v) for v in values if v]), name=name)


def _pairs(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    if len(numbers) % 2:
        raise ValueError("a map of a sparse file that lacks a length")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _map_in_data(
    size: int, take: Callable[[int], bytes]
) -> tuple[tuple[tuple[int, int], ...], int]:
    """A count, then offset and length of each, a decimal line each, in whole blocks."""
    lines: list[bytes] = []
    rest, taken = b"", 0
    while not lines or len(lines) < 1 + 2 * decimal(lines[0].decode("ascii", "replace")):
        if taken + BLOCK > size or taken > _MAP_BLOCKS * BLOCK or len(rest) > _DIGITS:
            raise ValueError("the map of a sparse file does not end")
        *more, rest = (rest + take(BLOCK)).split(b"\n")
        lines += more
        taken += BLOCK
    numbers = [decimal(line.decode("ascii", "replace")) for line in lines]
    return _pairs(numbers[1 : 1 + 2 * numbers[0]]), taken


class SparseReader:
    """Reads a sparse file with its holes, which are zeros; at its end the file is what it was.

    Args:
        file: the archive.
        offset: of the first byte of data.
        sparse: which stretches of it are there.
    """

    def __init__(self, file: HeldFile, offset: int, sparse: Sparse) -> None:
        self._data = ExtentReader(file, offset, sum(length for _, length in sparse.extents))
        self._steps = iter(_steps(sparse))
        self._hole = self._left = 0

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        while not self._hole and not self._left:
            step = next(self._steps, None)
            if step is None:
                return self._data.read(size)
            self._hole, self._left = step
        if self._hole:
            taken = min(size, self._hole, CHUNK)
            self._hole -= taken
            return bytes(taken)
        data = self._data.read(min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Nothing is held."""


def _steps(sparse: Sparse) -> Iterator[tuple[int, int]]:
    """Each hole with the length of the data after it."""
    at = 0
    for offset, length in (*sparse.extents, (sparse.size, 0)):
        yield offset - at, length
        at = offset + length
