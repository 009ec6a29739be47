"""What lies some floors below a folder: a bounded look, since most folders are none of ours."""

from __future__ import annotations

import os
from collections.abc import Callable

from oci_layout.limits import REGISTRY_ENTRIES

_SCANNED = 6  # folders that are looked into before one is found: no other folder is walked


def folders_below(path: str, floors: int, taken: Callable[[str], bool]) -> list[str] | None:
    """The folders below one that somebody takes, floor by floor; into those nobody looks.

    Args:
        path: the folder.
        floors: how many are looked at.
        taken: whether a folder is one of them, by its path.

    Returns:
        Paths below the folder; None where there are more folders than anybody looks at.
    """
    found: list[str] = []
    floor, looked, scanned = [""], 0, 0
    for _ in range(floors):
        below: list[str] = []
        for folder in floor:
            if not found and scanned == _SCANNED:
                return found
            scanned += 1
            for name in _folders(os.path.join(path, folder)):
                looked += 1
                if looked > REGISTRY_ENTRIES:
                    return None
                inner = os.path.join(folder, name)
                (found if taken(os.path.join(path, inner)) else below).append(inner)
        floor = below
    return found


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
