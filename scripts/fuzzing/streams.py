"""Targets that read one stream: an archive, a layer, what is packed."""

# ruff: noqa: ARG001  every target is called alike, with a folder
from __future__ import annotations

import functools
import io
import os
import random
import tarfile

from oci_layout.errors import LayoutError
from oci_layout.finding import Findings
from oci_layout.mediatype import Compression
from oci_layout.streams.codecs.zstdframes import FrameWalker
from oci_layout.streams.compression import decoded, sniff
from oci_layout.streams.growth import Growth
from oci_layout.streams.layerfiles import read_layer
from oci_layout.streams.reader import HeldFile
from oci_layout.streams.tarindex import TarScanner
from oci_layout.streams.tarwalk import TarWalker
from oci_layout.where import Where
from scripts.fuzzing import seeds, tars, values, worlds
from scripts.fuzzing.targets import Target, known, require, void


def _archive(rng: random.Random) -> bytes:
    seed = rng.choice(list(seeds.archives().values()))
    return tars.change(rng, list(tars.split(seed)), rng.choice([1, 1, 2, 4]))


def _held(data: bytes) -> HeldFile:
    fd = os.memfd_create("fuzz")
    os.write(fd, data)
    return HeldFile.adopt(fd, "x")


def _scan(data: bytes, room: str) -> None:
    findings = Findings()
    with _held(data) as file:
        for member in TarScanner(file, findings):
            require(
                0 <= member.offset <= member.offset + member.size <= file.size, "beyond the end"
            )
    known(findings.found)


@functools.cache
def _raw_layers() -> tuple[bytes, ...]:
    forms = (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)
    return (*(seeds.rich_layer(form) for form in forms), seeds.plain_layer("a"))


def _layer(rng: random.Random) -> bytes:
    members = list(tars.split(rng.choice(_raw_layers())))
    return tars.change(rng, members, rng.choice([1, 1, 2, 4]))


def _files(data: bytes, room: str) -> None:
    walker = TarWalker()
    for at in range(0, len(data), 1000):
        walker.feed(data[at : at + 1000])
    void(walker.whole)
    for file in read_layer(io.BytesIO(data), Where(), contents=True):
        require(not file.path.startswith("/"), "a path that begins with a slash")
        void(file.whiteout)


def _packed(rng: random.Random) -> bytes:
    raw = _layer(rng) if rng.random() < 0.2 else rng.choice(_raw_layers())
    like = rng.choice([b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b""])
    parts = [worlds.packed(raw, like)] * rng.choice([1, 1, 1, 2])
    if rng.random() < 0.2:
        parts.append(worlds.packed(b"", like))
    if rng.random() < 0.2:
        parts.insert(0, b"\x50\x2a\x4d\x18\x04\0\0\0abcd")
    data = b"".join(parts)
    return values.garble(rng, data) if rng.random() < 0.8 else data


def _unpack(data: bytes, room: str) -> None:
    frames = FrameWalker()
    if data[:4] == b"\x28\xb5\x2f\xfd":
        frames.feed(data)
        void(frames.complete)
    kind = sniff(data[:512])
    for compression in {kind, Compression.GZIP, Compression.ZSTD}:
        try:
            reader = decoded(io.BytesIO(data), compression, Where(), growth=Growth(1 << 20))
            total = 0
            while piece := reader.read(1 << 16):
                total += len(piece)
                require(total < 1 << 28, "an unbounded stream")
        except LayoutError:
            continue


STREAMS = (
    Target(name="tarindex", make=_archive, run=_scan),
    Target(name="layer", make=_layer, run=_files),
    Target(name="unpack", make=_packed, run=_unpack),
)
