"""Where something is: the place that an error or a finding speaks of, in parts."""

from __future__ import annotations

import attrs

from oci_layout.counting import plural

_TEXT = 500  # characters of a name in a message


def elided(text: str, room: int = _TEXT) -> str:
    """A text cut to so many characters: its middle gives way to the count of what is missing."""
    if len(text) <= room:
        return text
    half = (room - 30) // 2
    return f"{text[:half]}...({plural(len(text) - 2 * half, 'character')})...{text[-half:]}"


@attrs.frozen(kw_only=True)
class Where:
    """A place, each text cut to the size of a message; a part that says nothing is empty.

    Args:
        file: a file or directory, as the user called it: a source, a destination, a file of keys.
        image: name or short digest of the image concerned.
        layer: number of the layer, from 0.
        member: name inside the source (tar member, file of a layout); empty for the source itself.
        field: path of a JSON field, as ``manifests[2].platform.os``.
        offset: byte offset in the file; in the unpacked tar, where the member is a layer.
    """

    file: str = attrs.field(default="", converter=elided)
    image: str = attrs.field(default="", converter=elided)
    layer: int | None = None
    member: str = attrs.field(default="", converter=elided)
    field: str = attrs.field(default="", converter=elided)
    offset: int | None = None

    def __str__(self) -> str:
        """The place from the outside in."""
        parts = [
            self.file,
            self.image,
            f"layer {self.layer}" if self.layer is not None else "",
            self.member,
            self.field,
            f"offset {self.offset}" if self.offset is not None else "",
        ]
        return ": ".join(part for part in parts if part)

    def at(self, field: str) -> Where:
        """The same place, at another field path."""
        return Where(
            file=self.file,
            image=self.image,
            layer=self.layer,
            member=self.member,
            field=field,
            offset=self.offset,
        )

    def of(self, file: str) -> Where:
        """The same place, in a file where it names none."""
        return self if self.file or not file else attrs.evolve(self, file=file)


NOWHERE = Where()
