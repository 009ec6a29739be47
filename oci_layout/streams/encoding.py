"""Packing: the same bytes whatever number of threads does the work."""

from __future__ import annotations

import contextlib
import importlib
import zlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import zstandard

from oci_layout.mediatype import Compression
from oci_layout.streams.pipeline import Pipeline

if TYPE_CHECKING:
    from concurrent.futures import Future

isal_zlib: Any = None
with contextlib.suppress(ImportError):  # no wheel for this machine: zlib does the work, slower
    isal_zlib = importlib.import_module("isal.isal_zlib")

_LEVELS = {Compression.GZIP: range(1, 10), Compression.ZSTD: range(1, 20)}
_ISAL_LEVELS = range(1, 4)
_GZIP_LEVEL, _ZLIB_LEVEL, _ZSTD_LEVEL = 1, 6, 3

# Blocks are packed apart, each without the 32 KiB before it: at this size that costs 0.1 %.
_BLOCK = 512 << 10
# RFC 1952, 2.3: deflate, no flags, no time, no name, an unknown system.
_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_DEFLATE_END = b"\x03\0"  # RFC 1951, 3.2.6: a last block, of fixed codes, with nothing in it


class Encoder(Protocol):
    """Packs bytes piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Take some, give what is ready."""
        ...

    def flush(self) -> bytes:
        """Give the rest; nothing follows."""
        ...


class _Identity:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class _Deflate(Protocol):
    """What zlib and isal's zlib have in common."""

    def compressobj(self, level: int, *, wbits: int) -> Any: ...
    def crc32(self, data: bytes, value: int, /) -> int: ...


class _GzipBlocks:
    """One gzip member out of blocks that were packed apart, side by side where there is a pipeline.

    Each block ends on a byte (a sync flush, RFC 1951 by way of zlib's manual), so that blocks
    can stand one after the other.
    """

    def __init__(self, deflate: _Deflate, level: int, pipeline: Pipeline | None) -> None:
        self._deflate, self._level, self._pipeline = deflate, level, pipeline
        self._parts: list[bytes] = []
        self._held = 0
        self._crc, self._size = 0, 0
        self._packing: deque[Future[bytes]] = deque()
        self._ready = [_GZIP_HEAD]

    def compress(self, data: bytes, /) -> bytes:
        self._crc = self._deflate.crc32(data, self._crc)
        self._size += len(data)
        self._parts.append(data)
        self._held += len(data)
        if self._held >= _BLOCK:
            held = b"".join(self._parts)
            whole = len(held) - len(held) % _BLOCK
            for at in range(0, whole, _BLOCK):
                self._begin(held[at : at + _BLOCK])
            self._parts = [held[whole:]]
            self._held = len(held) - whole
        return self._take()

    def flush(self) -> bytes:
        if self._held:
            self._begin(b"".join(self._parts))
        while self._packing:
            self._ready.append(self._packing.popleft().result())
        size = self._size & 0xFFFFFFFF
        end = _DEFLATE_END + self._crc.to_bytes(4, "little") + size.to_bytes(4, "little")
        return self._take() + end

    def _begin(self, block: bytes) -> None:
        if self._pipeline is None:
            self._ready.append(self._pack(block))
            return
        self._packing.append(self._pipeline.executor.submit(self._pack, block))
        while len(self._packing) > self._pipeline.count + 1:
            self._ready.append(self._packing.popleft().result())

    def _pack(self, block: bytes) -> bytes:
        packer = self._deflate.compressobj(self._level, wbits=-15)
        packed: bytes = packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)
        return packed

    def _take(self) -> bytes:
        ready, self._ready = self._ready, []
        return ready[0] if len(ready) == 1 else b"".join(ready)


@attrs.frozen
class Encoding:
    """How a layer is to be packed.

    Args:
        compression: none, gzip or zstd: what an image may hold.
        level: 1 to 9 for gzip, 1 to 19 for zstd; None for the default.
    """

    compression: Compression
    level: int | None = None

    @classmethod
    def parse(cls, text: str) -> Encoding:
        """Read ``none``, ``gzip``, ``gzip:6``, ``zstd``, ``zstd:19``.

        Raises:
            ValueError: another word, or a level that is not there.
        """
        name, colon, level = text.partition(":")
        if name == "none" and not colon:
            return cls(Compression.NONE)
        if name in {"gzip", "zstd"}:
            compression = Compression(name)
            if not colon:
                return cls(compression)
            levels = _LEVELS[compression]
            if level.isascii() and level.isdigit() and len(level) < 3 and int(level) in levels:
                return cls(compression, int(level))
            raise ValueError(f"{name} has levels {levels[0]} to {levels[-1]}, not {level!r}")
        raise ValueError(f"{text!r} is not one of none, gzip[:LEVEL], zstd[:LEVEL]")

    @property
    def _isal(self) -> bool:
        return isal_zlib is not None and (self.level is None or self.level in _ISAL_LEVELS)

    @property
    def encoder_name(self) -> str:
        """What will do the work: the same bytes come out only of the same encoder."""
        if self.compression is Compression.NONE:
            return "none"
        if self.compression is Compression.ZSTD:
            version = ".".join(map(str, zstandard.ZSTD_VERSION))
            return f"zstd {version} level {self.level or _ZSTD_LEVEL}"
        if self._isal:
            return f"isal {_isal_version()} level {self.level or _GZIP_LEVEL}"
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION} level {self.level or _ZLIB_LEVEL}"

    def encoder(self, pipeline: Pipeline | None = None) -> Encoder:
        """A fresh encoder. Its gzip carries neither time nor name (RFC 1952).

        Args:
            pipeline: threads it may use; the bytes are the same with them and without.
        """
        if self.compression is Compression.NONE:
            return _Identity()
        if self.compression is Compression.ZSTD:
            # One worker and many give the same bytes; no worker at all gives others.
            # Jobs of 2 MiB keep a context under 20 MB, for half a per cent more bytes.
            settings = zstandard.ZstdCompressionParameters.from_level(
                self.level or _ZSTD_LEVEL,
                write_checksum=True,
                write_content_size=False,
                threads=1 if pipeline is None else pipeline.count,
                job_size=2 << 20,
            )
            return zstandard.ZstdCompressor(compression_params=settings).compressobj()
        if self._isal:
            return _GzipBlocks(isal_zlib, self.level or _GZIP_LEVEL, pipeline)
        return _GzipBlocks(_Zlib(), self.level or _ZLIB_LEVEL, pipeline)


class _Zlib:
    """The standard library's zlib."""

    compressobj: Callable[..., Any] = staticmethod(zlib.compressobj)
    crc32 = staticmethod(zlib.crc32)


def _isal_version() -> str:
    import isal  # noqa: PLC0415  only to name the encoder in a report

    return str(isal.__version__)
