"""Layers and archives that zstd packed with a window of a chosen size."""

from __future__ import annotations

from pathlib import Path

import zstandard

from tests.builders.image import Image
from tests.builders.typed import TAR, Typed


def packed(data: bytes, log: int) -> bytes:
    """A zstd frame with a window of `1 << log` bytes, whatever its content needs."""
    parameters = zstandard.ZstdCompressionParameters(
        window_log=log, write_content_size=False, write_checksum=True
    )
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(data) + packer.flush()


def with_window(image: Image, dest: Path, log: int, *, hybrid: bool = False) -> Path:
    """An image whose top layer is packed so."""
    typed = Typed((TAR, f"{TAR}+zstd"), lambda data: packed(data, log))
    return typed.write(image, dest, hybrid=hybrid)
