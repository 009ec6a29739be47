"""Parts of one file, as ``split`` of coreutils calls them: ``x.tar.partaa``, ``x.tar.00``.

The first part, what all names begin with, or that with a ``*`` behind it, stand for all of them.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Sequence

from oci_layout.errors import NotAnImageError
from oci_layout.limits import VOLUMES
from oci_layout.where import Where

# What parts are called by: other files that end in numbers (v1.00) are files of their own.
_STEM = re.compile(
    r".*(?:part|\.(?:tar|tgz|tzst|tbz2?|txz|gz|zst|xz|bz2|lz4))[._-]?", re.IGNORECASE | re.DOTALL
)
_SUFFIX = re.compile(r"[a-z]{2,6}|[0-9]{2,6}")
_FIRST = re.compile(r"a+|0+1?")
_WIDTHS = range(2, 7)  # of a suffix


def parts_of(path: str) -> tuple[str, list[str]] | None:
    """What all parts of a file are called, and the parts in order; None for any other path.

    Args:
        path: the first part, or what all of them begin with, also with ``*``.

    Raises:
        NotAnImageError: one is missing between others, or there are too many.
    """
    if os.path.lexists(path):
        match = re.search(r"(a{2,6}|0{2,6}|0{1,5}1)$", path)
        if match is None:
            return None
        stem, width = path[: match.start()], len(match[0])
    else:
        stem, width = path.removesuffix("*"), 0
    if not _STEM.fullmatch(os.path.basename(stem)):
        return None
    found = _suffixes(stem, path[len(stem) :] if width else "")
    if not found or (width and len(found) < 2):
        return None
    _require_all(stem, found)
    return f"{stem}*", [stem + each for each in found]


def without_parts(paths: Sequence[str]) -> list[str]:
    """Paths without the parts that the first part of a file stands for: a shell names them all."""
    found: list[str] = []
    behind: set[str] = set()
    for path in paths:
        if path in behind:
            continue
        parts = parts_of(path)
        if parts is not None and parts[1][0] == path:
            behind.update(parts[1][1:])
        found.append(path)
    return found


def parts_among(names: Iterable[str]) -> dict[str, list[str]]:
    """The split files among the names in one folder: the first part of each, and all its parts.

    Of one that lacks a part, the first one stands alone: opening it says what is missing.

    Args:
        names: of files.
    """
    groups: dict[tuple[str, bool], list[str]] = {}
    for name in names:
        for width in _WIDTHS:
            stem, end = name[:-width], name[-width:]
            if _SUFFIX.fullmatch(end) and _STEM.fullmatch(stem):
                groups.setdefault((stem, end.isdigit()), []).append(end)
    found = {}
    for (stem, _), ends in groups.items():
        ends.sort(key=_in_order)
        if len(ends) > 1 and _FIRST.fullmatch(ends[0]):
            try:
                _require_all(stem, ends)
            except NotAnImageError:
                del ends[1:]
            found[stem + ends[0]] = [stem + end for end in ends]
    return found


def _suffixes(stem: str, first: str) -> list[str]:
    """The ends of the names of parts beside each other, in order.

    Args:
        stem: what they begin with.
        first: the end of the first one; empty where nobody said.
    """
    folder, name = os.path.split(stem)
    try:
        with os.scandir(folder or ".") as entries:
            ends = [entry.name[len(name) :] for entry in entries if entry.name.startswith(name)]
    except OSError:
        return []
    ends = [end for end in ends if _SUFFIX.fullmatch(end)]
    for digits in (False, True):
        those = sorted((end for end in ends if end.isdigit() is digits), key=_in_order)
        if those and (not first or first.isdigit() is digits):
            return those
    return []


def _in_order(end: str) -> tuple[int, str]:
    return len(end), end


def _after(end: str) -> set[str]:
    """The ends that may follow one: split goes on with longer ones after ``yz`` and ``89``."""
    letters = "0123456789" if end.isdigit() else "abcdefghijklmnopqrstuvwxyz"
    first, last = letters[0], letters[-1]
    kept = end.rstrip(last)
    if not kept:
        return set()
    following = letters[letters.index(kept[-1]) + 1]
    found = {kept[:-1] + following + first * (len(end) - len(kept))}
    if len(kept) == 1 and following == last:
        found.add(last + first * (len(end) + 1))
    return found


def _require_all(stem: str, found: Sequence[str]) -> None:
    if len(found) > VOLUMES:
        raise NotAnImageError(what=f"more than {VOLUMES} parts", where=Where(file=f"{stem}*"))
    if not _FIRST.fullmatch(found[0]):
        first = ("0" if found[0].isdigit() else "a") * len(found[0])
        raise _missing(stem, stem + first, found[0])
    for before, end in itertools.pairwise(found):
        expected = _after(before)
        if end not in expected:
            missing = min(expected, key=_in_order, default="")
            raise _missing(stem, stem + missing, end)


def _missing(stem: str, missing: str, there: str) -> NotAnImageError:
    return NotAnImageError(
        what=f"the part {os.path.basename(missing)} is not there, and "
        f"{os.path.basename(stem + there)} is",
        where=Where(file=f"{stem}*"),
        hint="copy all parts into one folder",
    )
