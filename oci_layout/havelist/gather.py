"""What a source has, without its bytes."""

from __future__ import annotations

import attrs

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Image, Layer
from oci_layout.graph.walk import every_image
from oci_layout.havelist.values import Finds, HaveList, HeldImage, HeldLayer, chains_of
from oci_layout.mediatype import Compression, Family, LayerType
from oci_layout.source.opening import Source
from oci_layout.source.orphans import stated_digest
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.member import Member


def have_of(source: Source, before: HaveList | None = None) -> HaveList:
    """What a source has. Reads the first bytes of layers that no manifest describes.

    An image of which a layer is not there counts by its blobs alone: whoever loads it may have
    nothing of it in the end.

    Args:
        source: opened.
        before: what is there before it is loaded: all engines find there what it leaves out.
    """
    blobs: dict[Digest, int | None] = {}
    images: list[HeldImage] = []
    known: dict[Layer, HeldLayer] = {}
    for root, image in every_image(source.roots):
        layers = tuple(_held(layer, known) for layer in image.layers)
        chains = chains_of([layer.diff_id for layer in image.layers])
        lacking = [
            (layer.digest, chain)
            for layer, chain in zip(image.layers, chains, strict=True)
            if layer.member is None
        ]
        there = before is not None and all(before.holds(Finds.EVERY, *each) for each in lacking)
        if lacking and not there:
            blobs |= {each.digest: each.size for each in layers if each.digest is not None}
            continue
        if lacking:
            layers = tuple(
                attrs.evolve(held, digest=layer.digest)
                for held, layer in zip(layers, image.layers, strict=True)
            )
        names = tuple(str(name) for name in root.names)
        images.append(_image(image, names, tuple(zip(layers, chains, strict=True))))
    blobs |= _blobs(source)
    for image_ in images:
        for digest in (image_.manifest, image_.config, *(each.digest for each in image_.layers)):
            if digest is not None:
                blobs.pop(digest, None)
    return HaveList(images=tuple(images), blobs=blobs)


def _image(
    image: Image, names: tuple[str, ...], layers: tuple[tuple[HeldLayer, Digest | None], ...]
) -> HeldImage:
    return HeldImage(
        names=names,
        platform=str(image.platform),
        manifest=image.descriptor.digest if image.descriptor is not None else None,
        config=None if image.made_from else image.config.digest,
        layers=tuple(
            HeldLayer(
                digest=layer.digest,
                media_type=layer.media_type,
                size=layer.size,
                diff_id=layer.diff_id,
                chain=chain,
            )
            for layer, chain in layers
        ),
    )


def _held(layer: Layer, known: dict[Layer, HeldLayer]) -> HeldLayer:
    """A layer as it is stored; what no manifest describes is told by its first bytes."""
    held = known.get(layer)
    if held is None:
        member = layer.member
        digest, media_type = layer.digest, ""
        if layer.descriptor is not None:
            media_type = layer.descriptor.media_type
        elif member is not None and _packed(member) is Compression.NONE:
            digest = digest or layer.diff_id  # the digest of a raw layer is its diff_id
            raw = LayerType(family=Family.DOCKER, compression=Compression.NONE)
            media_type = raw.render() or ""
        size = member.size if member is not None else layer.size
        held = known[layer] = HeldLayer(
            digest=digest if member is not None else None,
            media_type=media_type,
            size=size,
            diff_id=None if layer.opaque else layer.diff_id,
        )
    return held


def _packed(member: Member) -> Compression:
    return sniff(member.head(SNIFF_BYTES))


def _blobs(source: Source) -> dict[Digest, int | None]:
    """All blobs that lie there by their digest, whoever names them."""
    found: dict[Digest, int | None] = {}
    for name in source.kind.may_be_blobs(source.store, source.archive):
        member = source.store.find(name)
        digest = stated_digest(name)
        if member is not None and digest is not None:
            found[digest] = member.size
    return found
