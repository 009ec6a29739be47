"""Images of today out of the documents of older formats."""

from __future__ import annotations

from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Layer
from oci_layout.model.config import Config
from oci_layout.model.v1 import V1Layer, upgraded_config
from oci_layout.streams.member import BytesMember
from oci_layout.where import Where


def make_image(
    steps: list[V1Layer], layers: list[Layer], *, made_from: str, findings: Findings
) -> Image | None:
    """An image with the config that its V1 documents come to.

    Args:
        steps: base first.
        layers: of the steps that have one, base first.
        made_from: what to call the origin.
        findings: told of what does not hold in the config.
    """
    raw = upgraded_config(steps[-1], steps, throwaway=len(layers) < len(steps))
    config = Config.from_bytes(raw, Where(member=made_from), findings)
    if config is None:
        return None
    return Image(
        config=config,
        config_member=BytesMember.of(made_from, raw),
        layers=tuple(layers),
        made_from=made_from,
    )
