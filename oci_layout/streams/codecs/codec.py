"""A compression as a value: all that is known of it in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams.growth import Growth
from oci_layout.streams.pipeline import Pipeline
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

READ = 256 << 10  # packed bytes that are read at a time


class Encoder(Protocol):
    """Packs bytes piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Take some, give what is ready."""
        ...

    def flush(self) -> bytes:
        """Give the rest; nothing follows."""
        ...


class Guard:
    """Stops a bomb: both far out of proportion and large.

    Args:
        where: the place, for messages.
        growth: what this and other readers may grow to.
        passes_rest: whether what follows the end of a gzip stream is passed over.
    """

    def __init__(self, where: Where, growth: Growth, *, passes_rest: bool = False) -> None:
        self._where, self._growth = where, growth
        self.passes_rest = passes_rest
        self.followed = False  # whether something was passed over
        self.memory = growth.memory
        self.packed = self.unpacked = self._beyond = 0

    def check(self) -> None:
        """Look at what was counted.

        Raises:
            DamagedError: it is a bomb.
        """
        beyond = max(0, self.unpacked - limits.BOMB_RATIO * self.packed)
        if beyond == self._beyond:
            return
        fits = self._growth.add(beyond - self._beyond)
        self._beyond = beyond
        if beyond and not fits:
            raise DamagedError(
                what=f"{self.packed} bytes have grown to {self.unpacked}: all that grows so comes "
                f"to more than {self._growth.limit}",
                where=self._where,
                hint="a decompression bomb? --limit raises the bound",
                code="bomb",
            )


def corrupt(where: Where, name: str, detail: str) -> DamagedError:
    """The error of a stream that does not unpack."""
    return DamagedError(
        what=f"{name} data does not decompress: {detail}", where=where, code="corrupt-stream"
    )


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Packer:
    """How a compression is written.

    Args:
        levels: that there are.
        level: the default.
        suffixes: of archives that are packed so as a whole.
        new: a fresh encoder of a level (None for the default), and threads it may use; the bytes
            are the same with them and without.
        name: what will do the work: the same bytes come out only of the same encoder.
        cost: bytes of memory that a level takes (measured, with room to spare).
    """

    levels: range
    level: int
    suffixes: tuple[str, ...]
    new: Callable[[int | None, Pipeline | None], Encoder]
    name: Callable[[int | None], str]
    cost: Callable[[int | None], int]


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Codec:
    """A compression.

    Args:
        compression: its name.
        begins: whether bytes begin a stream of it, by the first 512.
        reader: reads what is unpacked; the guard is told of all that passes.
        packer: how it is written; None where it is only read.
    """

    compression: Compression
    begins: Callable[[bytes], bool]
    reader: Callable[[Reader, Guard, Where], Reader]
    packer: Packer | None = None
