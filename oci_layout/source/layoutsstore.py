"""A folder of image layouts, one for each repository, as zot keeps them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from oci_layout.model import layout
from oci_layout.source.below import folders_below
from oci_layout.source.rootedstore import RootedStore

_FLOORS = 5  # parts of a repository's name
_FEWEST = 2  # one layout alone is named itself


class LayoutsStore(RootedStore):
    """The files of several layouts.

    Args:
        path: the folder around them.
        folders: of each, below it.
    """

    def __init__(self, path: str, folders: Sequence[str]) -> None:
        super().__init__(path, path)
        self.folders = tuple(folders)


def layouts_below(path: str) -> LayoutsStore | None:
    """The layouts below a folder; None where there are not several.

    Args:
        path: the folder, which is none itself.

    Raises:
        ReadError: it cannot be read.
    """
    found = folders_below(path, _FLOORS, _is_layout) or []
    return LayoutsStore(path, sorted(found)) if len(found) >= _FEWEST else None


def _is_layout(folder: str) -> bool:
    return all(os.path.isfile(os.path.join(folder, each)) for each in (layout.MARKER, layout.INDEX))
