"""What it means for those who load or push the two images."""

from __future__ import annotations

import attrs

from oci_layout.comparison.sides import Side
from oci_layout.digest import Digest


@attrs.frozen(kw_only=True)
class Consequences:
    """What engines and registries make of the two.

    Args:
        docker: whether Docker's classic image store shows one image ID: the config's digest.
        containerd: whether the containerd image store does: there it is the digest of the index or
            manifest; None where one side has neither, and an engine makes it on loading.
        registry: whether a registry shows one digest for both; None as for containerd.
        shared: layers of the second image that a registry with the first has already.
        uploads: layers of the second image that it has not.
        upload_bytes: of those.
    """

    docker: bool
    containerd: bool | None
    registry: bool | None
    shared: int
    uploads: int
    upload_bytes: int

    @property
    def moves_tag(self) -> bool | None:
        """Whether a push of the second moves a tag of the first to another digest."""
        return None if self.registry is None else not self.registry


def consequences(a: Side, b: Side) -> Consequences:
    """What follows of two images.

    Args:
        a: the first, taken for the one that is there already.
        b: the second.
    """
    same_top = None if a.top is None or b.top is None else a.top == b.top
    there = {layer.digest for layer in a.layers}
    fresh: dict[Digest | None, int] = {
        layer.digest: layer.layer.size for layer in b.layers if layer.digest not in there
    }
    return Consequences(
        docker=a.config == b.config,
        containerd=same_top,
        registry=same_top,
        shared=sum(layer.digest in there for layer in b.layers),
        uploads=len(fresh),
        upload_bytes=sum(fresh.values()),
    )
