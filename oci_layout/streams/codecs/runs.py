"""Streams that may stand one after the other: gzip members, bzip2 and xz streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from oci_layout.errors import DamagedError
from oci_layout.streams.codecs.codec import READ, Guard, corrupt
from oci_layout.streams.reader import Reader
from oci_layout.where import Where


class Decompressor(Protocol):
    """What bz2, lzma and isal's igzip have in common: one stream, output bounded."""

    @property
    def eof(self) -> bool:
        """Whether the stream is at its end."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether nothing comes out before more goes in."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What followed the end."""
        ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack some, as much as is asked for at the most."""
        ...


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Kind:
    """What kind of streams they are.

    Args:
        name: for messages.
        magic: what each begins with.
        new: unpacks one.
        broken: what it raises where bytes do not unpack.
        padding: whether zero bytes may follow a stream (xz-file-format.txt 2.2).
        passed_over: whether some readers pass over what follows, and a guard may ask for it.
    """

    name: str
    magic: bytes
    new: Callable[[], Decompressor]
    broken: tuple[type[Exception], ...]
    padding: bool = False
    passed_over: bool = False


class Streams:
    """A run of gzip members, bzip2 or xz streams, one after the other.

    Args:
        reader: the packed bytes.
        guard: told of all that passes.
        where: the place, for messages.
        kind: what the streams are.
    """

    def __init__(self, reader: Reader, guard: Guard, where: Where, kind: Kind) -> None:
        self._reader, self._guard, self._where = reader, guard, where
        self._kind = kind
        self._stream = self._kind.new()
        self._input = b""
        self._done = False

    def read(self, size: int, /) -> bytes:
        """Unpacked bytes; none at the end.

        Raises:
            DamagedError: the stream is cut short, does not unpack, or something follows it.
        """
        while not self._done:
            if self._stream.eof:
                self._next()
                continue
            if not self._input and self._stream.needs_input and not self._fill():
                raise DamagedError(
                    what=f"the {self._kind.name} data ends in the middle of a stream",
                    where=self._where,
                    code="truncated-stream",
                )
            try:
                data = self._stream.decompress(self._input, size)
            except self._kind.broken as error:
                raise corrupt(self._where, self._kind.name, str(error)) from error
            self._input = b""
            if data:
                self._guard.unpacked += len(data)
                self._guard.check()
                return data
        return b""

    def _fill(self) -> bool:
        self._input = self._reader.read(READ)
        self._guard.packed += len(self._input)
        return bool(self._input)

    def _next(self) -> None:
        """Go on to another stream, or find the end."""
        rest = self._stream.unused_data
        if self._kind.padding:
            rest = self._skip_padding(rest)
        while len(rest) < len(self._kind.magic) and self._fill():
            rest += self._input
        self._input = rest
        if not rest:
            self._done = True
        elif rest.startswith(self._kind.magic):
            self._stream = self._kind.new()
        elif self._guard.passes_rest and self._kind.passed_over:
            self._guard.followed = self._done = True
            while self._fill():
                pass
        else:
            raise DamagedError(
                what=f"something that is not {self._kind.name} follows the end of the stream",
                where=self._where,
                code="trailing-garbage",
            )

    def _skip_padding(self, rest: bytes) -> bytes:
        # xz-file-format.txt 2.2: stream padding is zero bytes, a multiple of four.
        after = rest.lstrip(b"\0")
        padding = len(rest) - len(after)
        while not after and self._fill():
            after = self._input.lstrip(b"\0")
            padding += len(self._input) - len(after)
        if padding % 4:
            raise DamagedError(
                what=f"{padding} zero bytes follow the end of an xz stream, no multiple of four",
                where=self._where,
                code="trailing-garbage",
            )
        return after
