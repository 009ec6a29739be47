"""Indexes of platforms: the 32-bit side of a host, other spellings, several of one platform."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import zstandard

from tests.builders.artifacts import Built, make_index, of_image
from tests.builders.image import Image
from tests.builders.layout import name_annotations
from tests.builders.shapes import GZIP, archive_of, stored
from tests.builders.typed import TAR

Make = Callable[[Image, Path], Path]
NARROWER = {"amd64": {"architecture": "386"}, "arm64": {"architecture": "arm", "variant": "v7"}}
SPELLED = {"amd64": "x86_64", "arm64": "aarch64"}
OTHER = {"amd64": "arm64", "arm64": "amd64"}
ZSTD_NOTE = {"io.github.containers.compression.zstd": "true"}
Entry = tuple[Built, dict[str, Any]]


def _of(image: Image, **platform: str) -> tuple[Image, dict[str, str]]:
    """The image for another platform, and that platform."""
    here = {key: value for key, value in image.config.items() if key != "variant"}
    return replace(image, config={**here, **platform}), {"os": "linux", **platform}


def _written(image: Image, entries: list[Entry], absent: set[int], dest: Path) -> Path:
    """An archive of one index, without the blobs of some of its entries."""
    listed = [built.entry(**more) for built, more in entries]
    there = [built for number, (built, _) in enumerate(entries) if number not in absent]
    index = make_index(listed, *there)
    entry = index.entry(annotations=name_annotations(image.names[0]))
    return archive_of([entry], dest, index)


def _narrower(image: Image) -> tuple[Image, dict[str, str]]:
    return _of(image, **NARROWER[image.config["architecture"]])


def _beside_narrower(*, there: bool) -> Make:
    def make(image: Image, dest: Path) -> Path:
        other, platform = _narrower(image)
        entries = [
            (of_image(image), {"platform": image.platform}),
            (of_image(other), {"platform": platform}),
        ]
        return _written(image, entries, set() if there else {1}, dest)

    return make


def _narrower_alone(image: Image, dest: Path) -> Path:
    other, platform = _narrower(image)
    return _written(image, [(of_image(other), {"platform": platform})], set(), dest)


def _called(**platform: str) -> Make:
    """The index says something else of the platform than the config does."""

    def make(image: Image, dest: Path) -> Path:
        stated = {"os": "linux", "architecture": image.config["architecture"], **platform}
        return _written(image, [(of_image(image), {"platform": stated})], set(), dest)

    return make


def _spelled(image: Image, dest: Path) -> Path:
    return _called(architecture=SPELLED[image.config["architecture"]])(image, dest)


def _without_platform(image: Image, dest: Path) -> Path:
    """The first entry says nothing of its platform, and is for another machine."""
    other, _ = _of(image, architecture=OTHER[image.config["architecture"]])
    entries = [(of_image(other), {}), (of_image(image), {"platform": image.platform})]
    return _written(image, entries, set(), dest)


def packings(image: Image) -> tuple[Built, Built]:
    """One image packed with gzip and with zstd, as ``--add-compression`` keeps both."""
    raws = [layer.raw for layer in image.layers]
    packed = [gzip.compress(raw, mtime=0) for raw in raws]
    smaller = [zstandard.ZstdCompressor().compress(raw) for raw in raws]
    return (
        stored(image, [(GZIP, data, {}) for data in packed]),
        stored(image, [(f"{TAR}+zstd", data, {}) for data in smaller]),
    )


def _twice(*, absent: set[int], noted: bool = True) -> Make:
    def make(image: Image, dest: Path) -> Path:
        first, second = packings(image)
        notes = {"annotations": ZSTD_NOTE} if noted else {}
        entries: list[Entry] = [
            (first, {"platform": image.platform}),
            (second, {"platform": image.platform, **notes}),
        ]
        return _written(image, entries, absent, dest)

    return make


PLATFORMS: dict[str, Make] = {
    "the 32-bit side absent": _beside_narrower(there=False),
    "the 32-bit side there": _beside_narrower(there=True),
    "the 32-bit side alone": _narrower_alone,
    "spelled as the kernel does": _spelled,
    "in upper case": _called(os="Linux"),
    "a variant above the host": _called(variant="v3"),
    "an entry without platform": _without_platform,
    "two packings": _twice(absent=set()),
    "two packings, the second unmarked": _twice(absent=set(), noted=False),
    "two packings, the first absent": _twice(absent={0}),
    "two packings, the second absent": _twice(absent={1}),
}
