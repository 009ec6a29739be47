"""The volumes of a result, as lines for people."""

from __future__ import annotations

from collections.abc import Sequence

from oci_layout.cli.cells import columns, wrapped
from oci_layout.cli.text import abridged, shown, size_text
from oci_layout.plan.report import VolumeReport

_IMAGES = 4  # of a volume that are shown


def volume_lines(volumes: Sequence[VolumeReport], width: int) -> list[str]:
    """What to load, in order, and the sums, as ``sha256sum`` writes and checks them.

    Args:
        volumes: of the result.
        width: columns of the terminal.
    """
    rows = [(shown(each.file), f"{size_text(each.size)}  {_holds(each)}") for each in volumes]
    lines = ["load in this order:", *columns(rows, "  ")]
    partial = [each.partial for each in volumes if each.partial]
    if partial:
        named = ", ".join(map(shown, partial))
        lines += wrapped(f"then these can be removed: {named}", width, "", "  ")
    return [*lines, "", *(f"{each.sha256}  {shown(each.file)}" for each in volumes)]


def _holds(volume: VolumeReport) -> str:
    """What a volume brings."""
    named = [abridged(name) for name in volume.images[:_IMAGES]]
    more = len(volume.images) - _IMAGES
    if more > 0:
        named[-1] += f" and {more} more"
    if volume.partial:
        named.append(f"layers of {abridged(volume.partial_of)} (as {abridged(volume.partial)})")
    return ", ".join(named) or "what is attached to images"
