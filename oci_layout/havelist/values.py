"""What somebody has, as values: images with their layers, and blobs."""

from __future__ import annotations

import enum
import functools
import itertools
from collections.abc import Mapping, Sequence

import attrs

from oci_layout.digest import Digest, chain_ids


class Finds(enum.Enum):
    """How an engine finds a layer that an archive does not hold.

    Docker's classic store asks for the chain (moby image/tarexport/load.go); containerd, and Docker
    on its store, for the blob (core/images/archive/importer.go); podman for the blob, also as the
    tar inside of one that it has (containers/image storage_dest.go, TryReusingBlob).
    """

    NOTHING = "nothing"  # it keeps no image
    EVERY = "every"  # what each of those finds that keep images
    # Each with a target that looks so.
    CHAIN = "docker"
    BLOB = "containerd"
    BLOB_OR_TAR = "podman"


def chains_of(diff_ids: Sequence[Digest | None]) -> list[Digest | None]:
    """The chain ID of each layer, base first; None from the first on whose tar is not known."""
    known = list(itertools.takewhile(lambda diff_id: diff_id is not None, diff_ids))
    found: list[Digest | None] = list(chain_ids(each for each in known if each is not None))
    return found + [None] * (len(diff_ids) - len(known))


@attrs.frozen(kw_only=True)
class HeldLayer:
    """A layer that is there; what is not known is None.

    Args:
        digest: of the blob.
        media_type: of the blob; empty when it is not known.
        size: bytes of the blob.
        diff_id: of the tar inside.
        chain: the chain ID of it on the layers below.
    """

    digest: Digest | None = None
    media_type: str = ""
    size: int | None = None
    diff_id: Digest | None = None
    chain: Digest | None = None


@attrs.frozen(kw_only=True)
class HeldImage:
    """An image that is there; what is not known is None or empty.

    Args:
        names: as its engine writes them.
        platform: ``os/arch``, with a variant.
        manifest: digest of its manifest.
        config: digest of its config, its image ID.
        layers: base first.
    """

    names: tuple[str, ...] = ()
    platform: str = ""
    manifest: Digest | None = None
    config: Digest | None = None
    layers: tuple[HeldLayer, ...] = ()

    @property
    def label(self) -> str:
        """What to call it."""
        return self.names[0] if self.names else str(self.config or self.manifest or "an image")


@attrs.frozen(kw_only=True, slots=False, eq=False)
class HaveList:
    """What somebody has.

    Args:
        images: each with its layers.
        blobs: others, with their sizes where these are known.
    """

    images: tuple[HeldImage, ...] = ()
    blobs: Mapping[Digest, int | None] = attrs.field(factory=dict)

    @classmethod
    def union(cls, every: Sequence[HaveList]) -> HaveList:
        """All of it."""
        blobs: dict[Digest, int | None] = {}
        for each in every:
            blobs.update(each.blobs)
        return cls(images=tuple(image for each in every for image in each.images), blobs=blobs)

    def holds(self, finds: Finds, digest: Digest | None, chain: Digest | None) -> bool:
        """Whether an engine that has this finds a layer.

        Args:
            finds: how it looks.
            digest: of the blob that documents name; None where they name none.
            chain: the chain ID.
        """
        by_chain = chain is not None and chain in self._index.chains
        by_blob = digest is not None and digest in self._index.digests
        if finds is Finds.NOTHING:
            return False
        if finds is Finds.CHAIN:
            return by_chain
        if finds is Finds.BLOB:
            return by_blob
        if finds is Finds.BLOB_OR_TAR:
            return by_blob or (digest is not None and digest in self._index.diff_ids)
        return by_chain and by_blob

    @property
    def chains(self) -> frozenset[Digest]:
        """The chain IDs of all layers."""
        return frozenset(self._index.chains)

    def packed(self, diff_id: Digest) -> tuple[HeldLayer, ...]:
        """The layers with this tar inside, however they are packed."""
        return tuple(self._index.diff_ids.get(diff_id, ()))

    def owner(self, digest: Digest | None, chain: Digest | None) -> HeldImage | None:
        """An image that has a layer: by its chain, else by its blob; None where no image does."""
        by_chain = self._index.chains.get(chain) if chain is not None else None
        if by_chain is not None:
            return by_chain
        return self._index.digests.get(digest) if digest is not None else None

    @functools.cached_property
    def _index(self) -> _Index:
        return _Index.of(self)


@attrs.frozen(kw_only=True)
class _Index:
    chains: Mapping[Digest, HeldImage]
    digests: Mapping[Digest, HeldImage | None]
    diff_ids: Mapping[Digest, list[HeldLayer]]

    @classmethod
    def of(cls, have: HaveList) -> _Index:
        chains: dict[Digest, HeldImage] = {}
        digests: dict[Digest, HeldImage | None] = dict.fromkeys(have.blobs)
        diff_ids: dict[Digest, list[HeldLayer]] = {}
        for image in have.images:
            for layer in image.layers:
                if layer.chain is not None:
                    chains.setdefault(layer.chain, image)
                if layer.digest is not None and digests.get(layer.digest) is None:
                    digests[layer.digest] = image
                if layer.diff_id is not None:
                    same = diff_ids.setdefault(layer.diff_id, [])
                    if layer not in same[:_ALIKE]:
                        same.append(layer)
        return cls(chains=chains, digests=digests, diff_ids=diff_ids)


_ALIKE = 8  # packings of one tar that are compared


@attrs.frozen(kw_only=True)
class Thinning:
    """What whoever reads a result has, and how he looks for it.

    Args:
        have: what he has.
        finds: how he looks.
    """

    have: HaveList
    finds: Finds = Finds.EVERY
