"""Have-lists: what sources hold, without their bytes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from oci_layout.api.bases import open_asked, open_bases
from oci_layout.api.words import Progress, made, path_at
from oci_layout.errors import UsageError
from oci_layout.havelist.gather import have_of
from oci_layout.havelist.request import Have
from oci_layout.havelist.values import HaveList
from oci_layout.source.opening import STANDARD_INPUT


def have(
    sources: Sequence[str | os.PathLike[str]],
    request: Have | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> HaveList:
    """What sources hold: images with their layers, and blobs; no layer is read.

    Args:
        sources: paths; ``-`` for standard input, once.
        request: what is asked for; or else its fields as keywords, see ``Have``.
        progress: told how far spooling is.
        options: the fields of ``Have``.

    Raises:
        DamagedError: one is cut short, before it says what it holds.
        NotAnImageError: one is not an image of any kind.
    """
    asked = made(Have, request, options)
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    every = [path_at(each) for each in sources]
    if not every or every.count(STANDARD_INPUT) > 1:
        raise UsageError(what="at least one source, and standard input once at the most")
    with ExitStack() as stack:
        bases = open_bases(asked, stack)
        found = []
        for path in dict.fromkeys(every):
            with ExitStack() as inner:  # one at a time is open
                found.append(have_of(open_asked(path, asked, inner, progress, bases=bases)))
    return HaveList.union(found)
