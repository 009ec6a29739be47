"""zstd (RFC 8878), by libzstd."""

from __future__ import annotations

from typing import IO, cast

from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.streams.codecs import zstdframes
from oci_layout.streams.codecs.codec import READ, Codec, Encoder, Guard, Packer, corrupt
from oci_layout.streams.pipeline import Pipeline
from oci_layout.streams.reader import Reader
from oci_layout.where import Where

_LEVEL = 3
_COST = 20 << 20
_COSTS = ((16, 160 << 20), (10, 60 << 20))  # from a level on: its tables, for each thread


class _Zstd:
    """A run of zstd frames."""

    def __init__(self, reader: Reader, guard: Guard, where: Where) -> None:
        self._guard, self._where = guard, where
        self._walker = zstdframes.FrameWalker()
        self._pull = _Pull(reader, guard, self._walker)
        import zstandard  # noqa: PLC0415  a fast start

        self._error = zstandard.ZstdError
        context = zstandard.ZstdDecompressor(max_window_size=guard.memory)
        source = cast("IO[bytes]", self._pull)  # zstandard only ever calls read
        self._out = context.stream_reader(source, read_size=READ, read_across_frames=True)

    def read(self, size: int, /) -> bytes:
        try:
            data = self._out.read(size)
        except self._error as error:
            if self._walker.window > self._guard.memory:
                raise DamagedError(
                    what=f"a zstd frame asks for a window of {self._walker.window} bytes, "
                    f"where at most {self._guard.memory} are given",
                    where=self._where,
                    hint="layout repack and verify give more with --limit-memory",
                    code="zstd-window",
                ) from error
            if self._walker.garbage:
                raise self._garbage() from error
            raise corrupt(self._where, "zstd", str(error)) from error
        if data:
            self._guard.unpacked += len(data)
            self._guard.check()
            return data
        while self._pull.read(READ):  # what libzstd left unread is walked all the same
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
    cycle it would never be freed, nor would its window of 8 MiB and more.
    """

    def __init__(self, reader: Reader, guard: Guard, walker: zstdframes.FrameWalker) -> None:
        self._reader, self._guard, self._walker = reader, guard, walker

    def read(self, size: int) -> bytes:
        data = self._reader.read(size)
        self._guard.packed += len(data)
        self._walker.feed(data)
        return data


def _encoder(level: int | None, pipeline: Pipeline | None) -> Encoder:
    import zstandard  # noqa: PLC0415  a fast start

    # One worker and many give the same bytes; no worker at all gives others.
    # Jobs of 2 MiB keep a context under 20 MB, for half a per cent more bytes.
    settings = zstandard.ZstdCompressionParameters.from_level(
        level or _LEVEL,
        write_checksum=True,
        write_content_size=False,
        threads=1 if pipeline is None else pipeline.count,
        job_size=2 << 20,
    )
    return zstandard.ZstdCompressor(compression_params=settings).compressobj()


def _name(level: int | None) -> str:
    import zstandard  # noqa: PLC0415  likewise

    version = ".".join(map(str, zstandard.ZSTD_VERSION))
    return f"zstd {version} level {level or _LEVEL}"


def _cost(level: int | None) -> int:
    return next((cost for least, cost in _COSTS if (level or 0) >= least), _COST)


CODEC = Codec(
    compression=Compression.ZSTD,
    begins=lambda head: head[:4] == zstdframes.MAGIC or zstdframes.is_skippable(head),
    reader=_Zstd,
    packer=Packer(
        levels=range(1, 20),
        level=_LEVEL,
        suffixes=(".tar.zst", ".tzst"),
        new=_encoder,
        name=_name,
        cost=_cost,
    ),
)
