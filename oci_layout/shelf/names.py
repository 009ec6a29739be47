"""Names of ours on a shelf and beside a destination, and what results are called."""

from __future__ import annotations

import os
import re

from oci_layout.disk.names import stem
from oci_layout.model.volumelist import SUFFIX
from oci_layout.plan.request import Format

_STATE = ".layout-batch"
_OURS = re.compile(r"\..+(\.layout-[0-9a-f]{8}(-old)?\.tmp|\.layout-batch)", re.DOTALL)
_LONGEST = 255
_PACKED = re.compile(r"(\.tar)?\.(gz|zst|xz|bz2|lz4)$|\.(tar|tgz|tzst|tbz2?|txz)$", re.IGNORECASE)
# Parts of a split file: what follows the name of the archive.
_PART = re.compile(r"\.(tar|tgz|tzst|tbz2?|txz|gz|zst|xz|bz2|lz4)[._-]?(part[._-]?)?\w{2,6}$")
FOLDERS = (Format.DIR, Format.REGISTRY)


def is_ours(name: str) -> bool:
    """Whether a name is that of a draft, or of what a batch knows."""
    return name.startswith(".") and _OURS.fullmatch(name) is not None


def state_beside(path: str) -> str:
    """The folder in which a batch keeps what it knows, beside a destination or a report.

    A destination that is a file system of its own has it inside: what is finished in there gets
    its name by renaming.
    """
    real = os.path.realpath(path)
    folder, name = os.path.split(real)
    if os.path.ismount(real):
        return os.path.join(real, stem("dest", _LONGEST) + _STATE)
    return os.path.join(folder, stem(name, _LONGEST) + _STATE)


def result_of(below: str, parts: int, target: Format) -> str:
    """What the result of a source is called, below the destination.

    Args:
        below: path of the source below its shelf.
        parts: files that the source is made of.
        target: format of the result: images of a folder, or archives.
    """
    name = bare(below, parts)
    return name if target in FOLDERS else f"{name}.tar"


def bare(below: str, parts: int) -> str:
    """A source's name without what says that it is an archive, or one of several files."""
    if below.endswith(SUFFIX):
        return below.removesuffix(SUFFIX)
    if parts > 1:
        match = _PART.search(below)
        if match is not None:
            below = below[: match.start()] + f".{match[1]}"
    match = _PACKED.search(below)
    bare_name = below[: match.start()] if match is not None else below
    return bare_name if os.path.basename(bare_name) else below
