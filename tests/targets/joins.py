"""Results of `merge` whose documents are of both vocabularies, or of several platforms."""

from __future__ import annotations

import uuid
from pathlib import Path

import oci_layout
from tests.builders import (
    make_attestation,
    name_annotations,
    write_docker_archive,
    write_oci_layout,
)
from tests.builders.artifacts import Built, make_index, of_image, write_layout
from tests.builders.image import Family, Image
from tests.builders.platforms import OTHER
from tests.interop.shown import HERE
from tests.targets.makes import Make, Maker

NAME = "example.com/app:1"


def layout_of(m: Maker, image: Image, family: Family) -> Path:
    """A layout with one image, of one vocabulary."""
    return write_oci_layout([image], m.path(""), family=family)


def attested(m: Maker, image: Image) -> Path:
    """A layout of an index with one image and what BuildKit attests of it."""
    part = of_image(image)
    entry, blobs = make_attestation(image)
    index = make_index([part.entry(platform=image.platform), entry], part)
    whole = Built(index.document, index.media_type, {**index.below, **blobs})
    return write_layout(m.path(""), [whole.entry(annotations=name_annotations(NAME))], whole)


def side_by_side(*, pure: bool) -> Make:
    """Two images that keep their digests, one of Docker's media types and one of OCI's."""

    def make(m: Maker) -> Path:
        sources = [
            layout_of(m, m.image("example.com/one:1"), "docker"),
            layout_of(m, m.image("example.com/two:1"), "oci"),
        ]
        oci_layout.merge(sources, dest := m.path(), preserve_digests=True, pure=pure)
        return dest

    return make


def joined(*, families: tuple[Family, Family] | None, pure: bool, attests: bool = False) -> Make:
    """One image for this machine and for another one.

    Args:
        families: whose media types each keeps; None for images of `docker save`.
        pure: without manifest.json.
        attests: whether the one for this machine comes in an index, with an attestation.
    """

    def make(m: Maker) -> Path:
        images = [m.image(NAME, architecture=each) for each in (OTHER[HERE], HERE)]
        if families is None:
            sources = [write_docker_archive([each], m.path()) for each in images]
        else:
            pairs = zip(images, families, strict=True)
            sources = [layout_of(m, image, family) for image, family in pairs]
        if attests:
            sources[1] = attested(m, images[1])
        preserve = families is not None and "docker" in families
        oci_layout.merge(
            sources, dest := m.path(), multi_platform=True, preserve_digests=preserve, pure=pure
        )
        return dest

    return make


def beside_another(m: Maker) -> Path:
    """One image of two platforms, and another one under a name of its own."""
    sources = [
        write_docker_archive([m.image(NAME, architecture=OTHER[HERE])], m.path()),
        write_docker_archive([m.image(NAME), m.image(f"other:{uuid.uuid4().hex[:8]}")], m.path()),
    ]
    oci_layout.merge(sources, dest := m.path(), multi_platform=True)
    return dest


JOINS: dict[str, Make] = {
    "side by side": side_by_side(pure=False),
    "side by side, pure": side_by_side(pure=True),
    "several platforms": joined(families=None, pure=False),
    "several platforms, pure": joined(families=None, pure=True),
    "several platforms, attested": joined(families=("oci", "oci"), pure=False, attests=True),
    "several platforms, of Docker's types": joined(families=("docker", "docker"), pure=False),
    "several platforms, of both": joined(families=("oci", "docker"), pure=False),
    "several platforms, of both, pure": joined(families=("docker", "oci"), pure=True),
    "several platforms, beside another": beside_another,
}
