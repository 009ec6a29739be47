"""Packing: the same bytes whatever number of threads does the work."""

from __future__ import annotations

import attrs

from oci_layout.mediatype import Compression
from oci_layout.streams.codecs import PACKERS
from oci_layout.streams.codecs.codec import Encoder
from oci_layout.streams.pipeline import Pipeline


class _Identity:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


@attrs.frozen
class Encoding:
    """How a layer is to be packed.

    Args:
        compression: none, or one that is written: what an image may hold.
        level: one that the compression has; None for the default.
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
        compression = next((each for each in PACKERS if each == name), None)
        if compression is None:
            words = ", ".join(f"{each}[:LEVEL]" for each in PACKERS)
            raise ValueError(f"{text!r} is not one of none, {words}")
        if not colon:
            return cls(compression)
        levels = PACKERS[compression].levels
        if level.isascii() and level.isdigit() and len(level) < 3 and int(level) in levels:
            return cls(compression, int(level))
        raise ValueError(f"{name} has levels {levels[0]} to {levels[-1]}, not {level!r}")

    @property
    def encoder_name(self) -> str:
        """What will do the work: the same bytes come out only of the same encoder."""
        packer = PACKERS.get(self.compression)
        return "none" if packer is None else packer.name(self.level)

    @property
    def cost(self) -> int:
        """Bytes of memory that it takes, for each thread."""
        packer = PACKERS.get(self.compression)
        return 0 if packer is None else packer.cost(self.level)

    def encoder(self, pipeline: Pipeline | None = None) -> Encoder:
        """A fresh encoder.

        Args:
            pipeline: threads it may use; the bytes are the same with them and without.
        """
        packer = PACKERS.get(self.compression)
        return _Identity() if packer is None else packer.new(self.level, pipeline)
