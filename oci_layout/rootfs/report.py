"""What is told of an export."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class ExportReport:
    """What was written.

    Args:
        source: as the user called it.
        image: its name, or a digest.
        platform: of the image.
        output: as the user called it.
        form: ``archive`` or ``directory``.
        files: files, folders, links and whatever else there is.
        size: bytes of an archive, before it was packed; None for a directory.
        owners: whether files have the owners that they have in the image.
        devices_left_out: device nodes, and links to them, that a directory does not have.
        attributes_left_out: extended attributes that could not be set in a directory.
    """

    source: str
    image: str
    platform: str
    output: str
    form: str
    files: int
    size: int | None = None
    owners: bool = True
    devices_left_out: int = 0
    attributes_left_out: int = 0
