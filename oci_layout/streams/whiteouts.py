"""Whiteouts: files of a layer that remove something of the layers below (image-spec, layer.md)."""

from __future__ import annotations

import enum
import posixpath

import attrs

_PREFIX = ".wh."
_OPAQUE = ".wh..wh..opq"
_META_PREFIX = ".wh..wh."


class WhiteoutKind(enum.Enum):
    """What a whiteout takes away from the layers below."""

    FILE = "file"  # one file or folder
    OPAQUE = "opaque"  # everything in a folder
    METADATA = "metadata"  # left by AUFS, ignored by every engine


@attrs.frozen
class Whiteout:
    """A file that is not one: it removes something of the layers below.

    Args:
        kind: what is removed.
        target: path of what is removed; for OPAQUE the folder (``.`` for the root) that is emptied.
    """

    kind: WhiteoutKind
    target: str


def whiteout(path: str) -> Whiteout | None:
    """The whiteout that a path stands for, if it does (layer.md, "Whiteouts").

    Args:
        path: name of a file in a layer, normalised.
    """
    folder, base = posixpath.split(path)
    if not base.startswith(_PREFIX):
        return None
    if base == _OPAQUE:
        return Whiteout(WhiteoutKind.OPAQUE, folder or ".")
    if base.startswith(_META_PREFIX):
        return Whiteout(WhiteoutKind.METADATA, path)
    name = base.removeprefix(_PREFIX)
    return Whiteout(WhiteoutKind.FILE, posixpath.join(folder, name)) if name else None
