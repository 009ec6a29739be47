"""Unpacking: sniffed by the first bytes, bounded, strict about how a stream ends."""

from __future__ import annotations

import bz2
import contextlib
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol, cast

import zstandard

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams import zstdframes
from oci_layout.streams.growth import Growth
from oci_layout.streams.reader import Reader

igzip_lib: Any = None
with contextlib.suppress(ImportError):  # no wheel for this machine: zlib does the work, slower
    igzip_lib = importlib.import_module("isal.igzip_lib")

_READ = 256 << 10
SNIFF_BYTES = 512


def sniff(head: bytes) -> Compression:
    """How bytes are packed, by their beginning.

    Args:
        head: the first 512 bytes, fewer only where there are no more.
    """
    if head[257:262] == b"ustar":  # a tar may begin with a file called BZh9...
        return Compression.NONE
    if head[:3] == b"\x1f\x8b\x08":
        return Compression.GZIP
    if head[:4] == zstdframes.MAGIC or zstdframes.is_skippable(head):
        return Compression.ZSTD
    if head[:3] == b"BZh" and head[4:10] in {b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"}:
        return Compression.BZIP2
    if head[:6] == b"\xfd7zXZ\x00":
        return Compression.XZ
    return Compression.NONE


class _Decompressor(Protocol):
    """What bz2, lzma and isal's igzip have in common: one stream, output bounded."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _ZlibMember:
    """One gzip member through zlib, with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(0, max_length))

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.eof and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _gzip_member() -> _Decompressor:
    if igzip_lib is None:
        return _ZlibMember()
    member: _Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return member


def _xz_stream() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY)


_STREAMS: dict[Compression, tuple[Callable[[], _Decompressor], bytes]] = {
    Compression.GZIP: (_gzip_member, b"\x1f\x8b"),
    Compression.BZIP2: (bz2.BZ2Decompressor, b"BZh"),
    Compression.XZ: (_xz_stream, b"\xfd7zXZ\x00"),
}
_BROKEN: tuple[type[Exception], ...] = (
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    lzma.LZMAError,
    *((igzip_lib.error,) if igzip_lib is not None else ()),
)


class _Guard:
    """Stops a bomb: both far out of proportion and large."""

    def __init__(self, where: str, growth: Growth) -> None:
        self._where, self._growth = where, growth
        self.packed = self.unpacked = self._beyond = 0

    def check(self) -> None:
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


def _corrupt(where: str, compression: Compression, detail: str) -> DamagedError:
    return DamagedError(
        what=f"{compression} data does not decompress: {detail}", where=where, code="corrupt-stream"
    )


class _Streams:
    """A run of gzip members, bzip2 or xz streams, one after the other."""

    def __init__(self, reader: Reader, compression: Compression, guard: _Guard, where: str) -> None:
        self._reader, self._guard, self._where = reader, guard, where
        self._compression = compression
        self._new, self._magic = _STREAMS[compression]
        self._stream = self._new()
        self._input = b""
        self._done = False

    def read(self, size: int, /) -> bytes:
        while not self._done:
            if self._stream.eof:
                self._next()
                continue
            if not self._input and self._stream.needs_input and not self._fill():
                raise DamagedError(
                    what=f"the {self._compression} data ends in the middle of a stream",
                    where=self._where,
                    code="truncated-stream",
                )
            try:
                data = self._stream.decompress(self._input, size)
            except _BROKEN as error:
                raise _corrupt(self._where, self._compression, str(error)) from error
            self._input = b""
            if data:
                self._guard.unpacked += len(data)
                self._guard.check()
                return data
        return b""

    def _fill(self) -> bool:
        self._input = self._reader.read(_READ)
        self._guard.packed += len(self._input)
        return bool(self._input)

    def _next(self) -> None:
        """Go on to another stream, or find the end."""
        rest = self._stream.unused_data
        if self._compression is Compression.XZ:
            rest = self._skip_xz_padding(rest)
        while len(rest) < len(self._magic) and self._fill():
            rest += self._input
        self._input = rest
        if not rest:
            self._done = True
        elif rest.startswith(self._magic):
            self._stream = self._new()
        else:
            raise DamagedError(
                what=f"something that is not {self._compression} follows the end of the stream",
                where=self._where,
                code="trailing-garbage",
            )

    def _skip_xz_padding(self, rest: bytes) -> bytes:
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


class _Zstd:
    """A run of zstd frames."""

    def __init__(self, reader: Reader, guard: _Guard, where: str) -> None:
        self._guard, self._where = guard, where
        self._walker = zstdframes.FrameWalker()
        self._pull = _Pull(reader, guard, self._walker)
        context = zstandard.ZstdDecompressor(max_window_size=limits.ZSTD_WINDOW)
        source = cast("IO[bytes]", self._pull)  # zstandard only ever calls read
        self._out = context.stream_reader(source, read_size=_READ, read_across_frames=True)

    def read(self, size: int, /) -> bytes:
        try:
            data = self._out.read(size)
        except zstandard.ZstdError as error:
            if self._walker.window > limits.ZSTD_WINDOW:
                raise DamagedError(
                    what=f"a zstd frame asks for a window of {self._walker.window} bytes, "
                    f"where at most {limits.ZSTD_WINDOW} are given",
                    where=self._where,
                    code="zstd-window",
                ) from error
            if self._walker.garbage:
                raise self._garbage() from error
            raise _corrupt(self._where, Compression.ZSTD, str(error)) from error
        if data:
            self._guard.unpacked += len(data)
            self._guard.check()
            return data
        while self._pull.read(_READ):  # what libzstd left unread is walked all the same
            pass
        if self._walker.garbage:
            raise self._garbage()
        if not self._walker.complete:
            raise DamagedError(
                what="the zstd data ends in the middle of a frame",
                where=self._where,
                code="truncated-stream",
            )
        return b""

    def _garbage(self) -> DamagedError:
        return DamagedError(
            what="something that is not zstd follows the end of a frame",
            where=self._where,
            code="trailing-garbage",
        )


class _Pull:
    """The file-like object that zstandard reads: counts and walks what it hands on.

    It knows nothing of what reads it. zstandard's reader takes no part in garbage collection: in a
    cycle it would never be freed, nor would its window of up to 8 MiB and more.
    """

    def __init__(self, reader: Reader, guard: _Guard, walker: zstdframes.FrameWalker) -> None:
        self._reader, self._guard, self._walker = reader, guard, walker

    def read(self, size: int) -> bytes:
        data = self._reader.read(size)
        self._guard.packed += len(data)
        self._walker.feed(data)
        return data


def decoded(
    reader: Reader, compression: Compression, where: str, *, growth: Growth | None = None
) -> Reader:
    """A reader of the unpacked bytes; its end is reached only if the packed bytes are whole.

    Args:
        reader: the packed bytes; read to their end by the time the result is.
        compression: what ``sniff`` said.
        where: name for messages.
        growth: what this and other readers may grow to; None for one of its own.

    Raises:
        DamagedError: while reading: ``corrupt-stream``, ``truncated-stream``,
            ``trailing-garbage``, ``zstd-window``, ``bomb``.
    """
    if compression is Compression.NONE:
        return reader
    guard = _Guard(where, growth or Growth())
    if compression is Compression.ZSTD:
        return _Zstd(reader, guard, where)
    return _Streams(reader, compression, guard, where)
