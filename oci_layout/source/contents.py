"""What a store holds: which kind of source it is, and the images that its views come to."""

from __future__ import annotations

from oci_layout.errors import NotAnImageError
from oci_layout.source.kinds import KINDS, Contents, Reading


def read(reading: Reading) -> Contents:
    """What is there.

    Args:
        reading: the store, and what is told of it.

    Raises:
        NotAnImageError: nothing that describes an image.
    """
    for kind in KINDS:
        if kind.told(reading):
            return kind.read(reading)
    cut = next((each for each in reading.findings.errors if each.code == "truncated"), None)
    hint = f"the archive is cut short: {cut.where}" if cut is not None else ""
    names = [name for _, name in zip(range(4), reading.store.names(), strict=False)]
    inside = ", ".join(repr(name[:60]) for name in names) or "nothing"
    raise NotAnImageError(
        what=f"no image: there is neither index.json nor manifest.json (found {inside})",
        where=reading.store.label,
        hint=hint,
    )
