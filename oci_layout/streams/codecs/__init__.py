"""Every compression that is known: one file each."""

from __future__ import annotations

from oci_layout.streams.codecs import bzip2, gzip, xz, zstd
from oci_layout.streams.codecs.codec import Codec

CODECS: tuple[Codec, ...] = (gzip.CODEC, zstd.CODEC, bzip2.CODEC, xz.CODEC)
BY_NAME = {codec.compression: codec for codec in CODECS}
PACKERS = {codec.compression: codec.packer for codec in CODECS if codec.packer is not None}
