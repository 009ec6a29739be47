"""gzip (RFC 1952): by isal where there is a wheel of it for this machine, else by zlib."""

from __future__ import annotations

import contextlib
import importlib
import zlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from oci_layout.mediatype import Compression
from oci_layout.streams.codecs.codec import Codec, Encoder, Guard, Packer
from oci_layout.streams.codecs.runs import Decompressor, Kind, Streams
from oci_layout.streams.pipeline import Pipeline
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

if TYPE_CHECKING:
    from concurrent.futures import Future

igzip_lib: Any = None
isal_zlib: Any = None
with contextlib.suppress(ImportError):  # no wheel for this machine: zlib does the work, slower
    igzip_lib = importlib.import_module("isal.igzip_lib")
    isal_zlib = importlib.import_module("isal.isal_zlib")

_ISAL_LEVELS = range(1, 4)
_LEVEL, _ZLIB_LEVEL = 1, 6
_COST = 5 << 20

# Blocks are packed apart, each without the 32 KiB before it: at this size that costs 0.1 %.
_BLOCK = 512 << 10
# RFC 1952, 2.3: deflate, no flags, no time, no name, an unknown system.
_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_DEFLATE_END = b"\x03\0"  # RFC 1951, 3.2.6: a last block, of fixed codes, with nothing in it


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


def _gzip_member() -> Decompressor:
    if igzip_lib is None:
        return _ZlibMember()
    member: Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return member


class _Deflate(Protocol):
    """What zlib and isal's zlib have in common."""

    def compressobj(self, level: int, *, wbits: int) -> Any: ...
    def crc32(self, data: bytes, value: int, /) -> int: ...


class _Blocks:
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
        self._ready = [_HEAD]

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


class _Zlib:
    """The standard library's zlib."""

    compressobj: Callable[..., Any] = staticmethod(zlib.compressobj)
    crc32 = staticmethod(zlib.crc32)


def _isal(level: int | None) -> bool:
    return isal_zlib is not None and (level is None or level in _ISAL_LEVELS)


def _encoder(level: int | None, pipeline: Pipeline | None) -> Encoder:
    """Its gzip carries neither time nor name."""
    if _isal(level):
        return _Blocks(isal_zlib, level or _LEVEL, pipeline)
    return _Blocks(_Zlib(), level or _ZLIB_LEVEL, pipeline)


def _name(level: int | None) -> str:
    if _isal(level):
        return f"isal {_isal_version()} level {level or _LEVEL}"
    return f"zlib {zlib.ZLIB_RUNTIME_VERSION} level {level or _ZLIB_LEVEL}"


def _isal_version() -> str:
    import isal  # noqa: PLC0415  only to name the encoder in a report

    return str(isal.__version__)


_BROKEN = (zlib.error, OSError, EOFError, ValueError)
_KIND = Kind(
    name="gzip",
    magic=b"\x1f\x8b",
    passed_over=True,
    new=_gzip_member,
    broken=_BROKEN if igzip_lib is None else (*_BROKEN, igzip_lib.error),
)


def _reader(reader: Reader, guard: Guard, where: Where) -> Reader:
    return Streams(reader, guard, where, _KIND)


CODEC = Codec(
    compression=Compression.GZIP,
    begins=lambda head: head[:3] == b"\x1f\x8b\x08",
    reader=_reader,
    packer=Packer(
        levels=range(1, 10),
        level=_LEVEL,
        suffixes=(".tar.gz", ".tgz"),
        new=_encoder,
        name=_name,
        cost=lambda _: _COST,
    ),
)
