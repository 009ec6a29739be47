"""A layer as it goes out, and what its media type is then."""

from __future__ import annotations

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import TargetError
from oci_layout.graph.nodes import Layer
from oci_layout.mediatype import Compression, Family, LayerType


@attrs.frozen(kw_only=True)
class Packed:
    """A layer as it goes out.

    Args:
        layer: as it came.
        digest: of the bytes that go out.
        size: of the bytes that go out.
        compression: how they are packed.
        diff_id: of the tar inside; None where neither config nor work told.
        reencoded: whether the bytes are others than came.
        edited: whether the tar inside is another than came.
    """

    layer: Layer
    digest: Digest
    size: int
    compression: Compression
    diff_id: Digest | None
    reencoded: bool
    edited: bool = False

    def media_type(self, target: Family) -> str:
        """The media type of these bytes.

        Raises:
            TargetError: the target has none.
        """
        kind, descriptor = self.layer.type, self.layer.descriptor
        if kind is None and descriptor is not None and self.layer.opaque and target is Family.OCI:
            return descriptor.media_type
        stated = kind.compression if kind is not None else Compression.NONE
        untold = self.layer.opaque or self.layer.there is None  # no bytes that tell: it stays
        told = LayerType(
            family=target,
            compression=stated if untold else self.compression,
            foreign=kind is not None and kind.foreign,
            encrypted=kind is not None and kind.encrypted,
        )
        text = told.render()
        if text is None:
            raise TargetError(what=f"{target} has no media type for a layer like {self.digest}")
        return text

    @property
    def own_type(self) -> str | None:
        """The media type that it has; None where it has none, or one that is not its bytes'."""
        kind, descriptor = self.layer.type, self.layer.stated or self.layer.descriptor
        if kind is None or descriptor is None or descriptor.digest != self.digest:
            return None
        untold = self.layer.opaque or self.layer.there is None
        true = untold or kind.compression is self.compression
        return descriptor.media_type if true else None
