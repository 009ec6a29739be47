"""Whether layers can be those that a config names, as far as names and first bytes tell."""

from __future__ import annotations

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Image, Layer
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import SNIFF_BYTES, sniff


def same_layers(one: Image, other: Image) -> bool:
    """Whether two images name the same layers, one by one: by digest, or else by file."""
    pairs = zip(one.layers, other.layers, strict=False)
    return len(one.layers) == len(other.layers) and all(
        (a.digest is not None and a.digest == b.digest) or _file(a) == _file(b) for a, b in pairs
    )


def _file(layer: Layer) -> str | None:
    return layer.member.name if layer.member is not None else None


def contradicts(image: Image, diff_ids: tuple[Digest, ...]) -> bool:
    """Whether a layer that is named by its digest, and not packed, is none of the diff_ids."""
    return any(
        layer.digest is not None
        and layer.member is not None
        and layer.digest.algorithm == diff_id.algorithm
        and layer.digest != diff_id
        and sniff(layer.member.head(SNIFF_BYTES)) is Compression.NONE
        for layer, diff_id in zip(image.layers, diff_ids, strict=False)
    )


def fits(image: Image, diff_ids: tuple[Digest, ...]) -> bool:
    """Whether the layers can be those of the diff_ids, as far as names alone tell.

    The digest of an uncompressed layer is its diff_id. Only where one seems wrong is the blob
    looked at, to see whether it is uncompressed.
    """
    if len(image.layers) != len(diff_ids):
        return False
    known = frozenset(diff_ids)
    for layer, diff_id in zip(image.layers, diff_ids, strict=True):
        if layer.digest is None or layer.digest == diff_id or layer.member is None:
            continue
        if layer.digest.algorithm != diff_id.algorithm:
            continue
        kind = layer.type
        if layer.opaque or (kind is not None and kind.compression is not Compression.NONE):
            continue
        if layer.digest in known and sniff(layer.member.head(SNIFF_BYTES)) is Compression.NONE:
            return False
    return True
