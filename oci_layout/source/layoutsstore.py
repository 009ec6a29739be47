"""A folder of image layouts, one for each repository, as zot keeps them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from oci_layout.limits import REGISTRY_ENTRIES
from oci_layout.model import layout
from oci_layout.source.rootedstore import RootedStore

_FLOORS = 5  # parts of a repository's name
_SCANNED = 6  # folders that are looked into before one is found: no other folder is walked
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
    found: list[str] = []
    floor, looked, scanned = [""], 0, 0
    for _ in range(_FLOORS):
        below: list[str] = []
        for folder in floor:
            if not found and scanned == _SCANNED:
                return None
            scanned += 1
            for name in _folders(os.path.join(path, folder)):
                looked += 1
                if looked > REGISTRY_ENTRIES:
                    return None
                inner = f"{folder}/{name}" if folder else name
                there = os.path.join(path, inner)
                if all(
                    os.path.isfile(os.path.join(there, each))
                    for each in (layout.MARKER, layout.INDEX)
                ):
                    found.append(inner)
                else:
                    below.append(inner)
        floor = below
    return LayoutsStore(path, sorted(found)) if len(found) >= _FEWEST else None


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
