"""Where blobs are looked for: by digest, and layers by diff_id, in one source after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from oci_layout.digest import Digest
from oci_layout.graph.nodes import Image, ImageIndex, Layer, Node, Root
from oci_layout.graph.walk import images
from oci_layout.mediatype import Compression
from oci_layout.source.blobs import Blobs
from oci_layout.streams.compression import SNIFF_BYTES, sniff
from oci_layout.streams.member import Member

if TYPE_CHECKING:
    from oci_layout.source.restoring import Restorer


class Holdings:
    """What one source holds: blobs under their names, and what its images make known of them.

    Args:
        blobs: its blobs by digest; None where it has none (docker-archive, V1).
        held: its images.
        lender: what to call the source in names of members that another takes from it; empty for
            itself.
    """

    def __init__(self, blobs: Blobs | None, held: Iterable[Image], lender: str = "") -> None:
        self._blobs, self._lender = blobs, lender
        self._held = held
        self._layers: dict[Digest, Layer] | None = None
        self._configs: dict[Digest, Member] = {}

    def _known(self) -> dict[Digest, Layer]:
        """Layers by diff_id, the first of each: gone through when somebody asks."""
        if self._layers is None:
            self._layers = {}
            stacks: set[tuple[Layer, ...]] = set()
            for image in self._held:
                self._configs.setdefault(image.config.digest, image.config_member)
                if image.layers in stacks:
                    continue
                stacks.add(image.layers)
                for layer in image.layers:
                    if layer.member is not None and layer.diff_id is not None and not layer.opaque:
                        self._layers.setdefault(layer.diff_id, layer)
        return self._layers

    def find(self, digest: Digest) -> Member | None:
        """The bytes of a blob, unchecked; None when it is not there."""
        member = self._find(digest)
        return self._lent(member) if member is not None else None

    def _lent(self, member: Member) -> Member:
        """A member, under a name that no member of another source has."""
        if not self._lender:
            return member
        return attrs.evolve(member, name=f"{self._lender}: {member.name}")

    def _find(self, digest: Digest) -> Member | None:
        member = self._blobs.find(digest) if self._blobs is not None else None
        if member is not None:
            return member
        # The digest of a raw layer is its diff_id, whatever its file is called.
        layer = self._known().get(digest)
        if layer is not None and layer.member is not None and _raw(layer.member):
            return layer.member
        return self._configs.get(digest)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are there, base first, one of each diff_id."""
        return tuple(
            attrs.evolve(layer, member=self._lent(layer.member))
            for layer in self._known().values()
            if layer.member is not None
        )

    def layer(self, diff_id: Digest) -> Layer | None:
        """A layer that is there and has this tar inside, as its config states; None without."""
        layer = self._known().get(diff_id)
        if layer is None or layer.member is None:
            return None
        return attrs.evolve(layer, member=self._lent(layer.member)) if self._lender else layer


def _raw(member: Member) -> bool:
    return sniff(member.head(SNIFF_BYTES)) is Compression.NONE


class Chain:
    """Holdings one after the other; the first that has something gives it.

    Args:
        links: where to look, in order.
    """

    def __init__(self, links: Sequence[Holdings]) -> None:
        self._links = tuple(links)

    def find(self, digest: Digest) -> Member | None:
        """The bytes of a blob, unchecked; None when it is nowhere."""
        found = (link.find(digest) for link in self._links)
        return next((member for member in found if member is not None), None)

    def layer(self, diff_id: Digest) -> Layer | None:
        """A layer that has this tar inside, as its config states; None when it is nowhere."""
        found = (link.layer(diff_id) for link in self._links)
        return next((layer for layer in found if layer is not None), None)


def completed(
    roots: Sequence[Root], own: Holdings, bases: Sequence[Holdings], tmp: str | None = None
) -> tuple[Root, ...]:
    """The roots, with what their layers lack taken from elsewhere.

    A blob of the very digest counts as there. Another one of the same diff_id becomes the
    layer's substitute: what is made of it keeps the image ID, and not the manifest's digest.

    Args:
        roots: of one source.
        own: what that source holds itself.
        bases: what others hold, in the order in which they are asked.
        tmp: directory for old layers that have to be unpacked.
    """
    if not any(_lacking(image) for root in roots for image in images(root.node)):
        return tuple(roots)
    from oci_layout.source.restoring import Restorer  # noqa: PLC0415  a fast start

    everywhere = Chain([own, *bases])
    filling = _Filling(Chain(bases), everywhere, Restorer(roots, everywhere, tmp))
    return tuple(filling.root(root) for root in roots)


class _Filling:
    """Gives layers their bytes.

    Args:
        others: asked for blobs by digest; the source itself has been.
        everywhere: asked for layers by diff_id.
        restorer: makes layers again of deltas.
    """

    def __init__(self, others: Chain, everywhere: Chain, restorer: Restorer) -> None:
        self._others, self._everywhere, self._restorer = others, everywhere, restorer
        self._stacks: dict[tuple[Layer, ...], tuple[Layer, ...]] = {}

    def root(self, root: Root) -> Root:
        if not any(_lacking(image) for image in images(root.node)):
            return root
        return attrs.evolve(root, node=self._node(root.node))

    def _node(self, node: Node) -> Node:
        if isinstance(node, ImageIndex):
            return attrs.evolve(node, children=tuple(map(self._node, node.children)))
        return self.image(node) if isinstance(node, Image) else node

    def image(self, image: Image) -> Image:
        if not _lacking(image):
            return image
        layers = self._stacks.get(image.layers)
        if layers is None:
            layers = self._stacks[image.layers] = tuple(map(self._layer, image.layers))
        return attrs.evolve(image, layers=layers)

    def _layer(self, layer: Layer) -> Layer:
        if layer.member is not None:
            return layer
        member = self._others.find(layer.digest) if layer.digest is not None else None
        if member is not None:
            return attrs.evolve(layer, member=member)
        if layer.diff_id is None or layer.foreign or layer.opaque:
            return layer
        substitute = self._everywhere.layer(layer.diff_id)
        restored = self._restorer.layer(layer) if substitute is None else None
        return restored or attrs.evolve(layer, substitute=substitute)


def _lacking(image: Image) -> bool:
    return any(layer.member is None for layer in image.layers)
