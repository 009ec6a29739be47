"""Media types: the table of Docker and OCI, both ways, total, nothing lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oci_layout import mediatype
from oci_layout.mediatype import (
    Compression,
    Family,
    Kind,
    LayerType,
    document_kind,
    document_type,
)

D = "application/vnd.docker."
O = "application/vnd.oci.image."  # noqa: E741  beside D it reads well

DOCUMENTS = [
    (Kind.MANIFEST, D + "distribution.manifest.v2+json", O + "manifest.v1+json"),
    (Kind.INDEX, D + "distribution.manifest.list.v2+json", O + "index.v1+json"),
    (Kind.CONFIG, D + "container.image.v1+json", O + "config.v1+json"),
]
LAYERS = [
    (D + "image.rootfs.diff.tar", O + "layer.v1.tar", Compression.NONE, False),
    (D + "image.rootfs.diff.tar.gzip", O + "layer.v1.tar+gzip", Compression.GZIP, False),
    (D + "image.rootfs.diff.tar.zstd", O + "layer.v1.tar+zstd", Compression.ZSTD, False),
    (
        D + "image.rootfs.foreign.diff.tar",
        O + "layer.nondistributable.v1.tar",
        Compression.NONE,
        True,
    ),
    (
        D + "image.rootfs.foreign.diff.tar.gzip",
        O + "layer.nondistributable.v1.tar+gzip",
        Compression.GZIP,
        True,
    ),
]


@pytest.mark.parametrize(("kind", "docker", "oci"), DOCUMENTS)
def test_documents_both_ways(kind: Kind, docker: str, oci: str) -> None:
    assert document_kind(docker) == (kind, Family.DOCKER)
    assert document_kind(oci) == (kind, Family.OCI)
    assert document_type(kind, Family.DOCKER) == docker
    assert document_type(kind, Family.OCI) == oci


@pytest.mark.parametrize(("docker", "oci", "compression", "foreign"), LAYERS)
def test_layers_both_ways(docker: str, oci: str, compression: Compression, foreign: bool) -> None:
    for text, family in ((docker, Family.DOCKER), (oci, Family.OCI)):
        layer = LayerType.parse(text)
        assert layer == LayerType(family=family, compression=compression, foreign=foreign)
        assert layer.render() == text
        assert document_kind(text) == (Kind.LAYER, family)
    one = LayerType(family=Family.DOCKER, compression=compression, foreign=foreign)
    other = LayerType(family=Family.OCI, compression=compression, foreign=foreign)
    assert (one.render(), other.render()) == (docker, oci)


def test_schema_1_is_known_and_never_written() -> None:
    for text in (mediatype.SCHEMA1, mediatype.SCHEMA1_SIGNED):
        assert document_kind(text)[0] is Kind.SCHEMA1
    written = {document_type(kind, family) for kind, _, _ in DOCUMENTS for family in Family}
    assert not written & {mediatype.SCHEMA1, mediatype.SCHEMA1_SIGNED}


def test_every_layer_type_has_its_answer() -> None:
    """Either a text that is read back as the same, or none, and that only where none exists."""
    for family, compression, foreign, encrypted in itertools.product(
        Family, Compression, (False, True), (False, True)
    ):
        layer = LayerType(
            family=family, compression=compression, foreign=foreign, encrypted=encrypted
        )
        text = layer.render()
        none_exists = (
            compression in (Compression.BZIP2, Compression.XZ)
            or (family is Family.DOCKER and encrypted)
            or (family is Family.DOCKER and foreign and compression is Compression.ZSTD)
        )
        assert (text is None) == none_exists, layer
        if text is not None:
            assert LayerType.parse(text) == layer


@pytest.mark.parametrize(
    ("text", "compression", "foreign"),
    [
        (O + "layer.v1.tar+encrypted", Compression.NONE, False),
        (O + "layer.v1.tar+gzip+encrypted", Compression.GZIP, False),
        (O + "layer.v1.tar+zstd+encrypted", Compression.ZSTD, False),
        (O + "layer.nondistributable.v1.tar+gzip+encrypted", Compression.GZIP, True),
    ],
)
def test_encrypted_layers(text: str, compression: Compression, foreign: bool) -> None:
    layer = LayerType.parse(text)
    assert layer is not None
    assert (layer.encrypted, layer.compression, layer.foreign) == (True, compression, foreign)
    assert layer.render() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "application/octet-stream",
        "application/vnd.in-toto+json",
        O + "layer.v1.tar+br",
        O + "layer.v1.tar.gzip",
        O + "layer.v1.targzip",
        O + "layer.v2.tar",
        D + "image.rootfs.diff.tar+gzip",
        D + "image.rootfs.diff.tar.gz",
        D + "image.rootfs.diff.tar.gzip ",
        (O + "layer.v1.tar").upper(),
        O + "manifest.v2+json",
    ],
)
def test_not_a_layer(text: str) -> None:
    assert LayerType.parse(text) is None
    assert document_kind(text) == (Kind.OTHER, None)


@given(st.text(max_size=80) | st.text(max_size=12).map(lambda tail: O + "layer.v1.tar" + tail))
def test_any_text_has_an_answer(text: str) -> None:
    kind, family = document_kind(text)
    assert (family is None) == (kind is Kind.OTHER)
    layer = LayerType.parse(text)
    if layer is not None and layer.family is Family.OCI:
        assert layer.render() == text
