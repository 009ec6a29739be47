"""What one report may list: a few small documents can list each other without end."""

from __future__ import annotations

import attrs

from oci_layout import limits
from oci_layout.errors import SelectionError


@attrs.define(eq=False, repr=False, match_args=False)
class Shown:
    """Counts what a report repeats, so that it stays what somebody could read."""

    _size: int = attrs.field(default=0, init=False)
    _held: int = attrs.field(default=0, init=False)

    def take(self, size: int = 0, held: int = 0) -> None:
        """Count a document that is shown.

        Args:
            size: its bytes.
            held: layers or blobs that it lists.

        Raises:
            SelectionError: it is more than anybody could read.
        """
        self._size += size
        self._held += held
        for count, most, what in (
            (self._size, limits.SHOWN_BYTES, "bytes of documents"),
            (self._held, limits.SHOWN_BLOBS, "layers and blobs"),
        ):
            if count > most:
                raise SelectionError(
                    what=f"more than {most} {what}, repeated ones included",
                    hint="choose with --image or --platform",
                )
