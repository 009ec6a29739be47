"""Comparison: two sources and their images joined."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from oci_layout.api.bases import open_asked, open_bases
from oci_layout.api.words import Progress, made
from oci_layout.api.work import Work
from oci_layout.comparison.report import Comparison
from oci_layout.comparison.request import Diff
from oci_layout.comparison.run import compare_sources
from oci_layout.errors import UsageError
from oci_layout.graph.selection import Choice
from oci_layout.option import path_text
from oci_layout.platform import Platform
from oci_layout.source.opening import STANDARD_INPUT, Source
from oci_layout.source.transports import located


def diff(
    a: str | os.PathLike[str] | Source,
    b: str | os.PathLike[str] | Source,
    request: Diff | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Comparison:
    """Compare the images of two sources, whichever way each is packed.

    No layer is read where documents state what it is: digests and diff_ids are taken at their
    word, which ``verify`` checks.

    Args:
        a: a path, ``-`` for standard input, or an open source.
        b: another.
        request: what is asked for; or else its fields as keywords, see ``Diff``.
        progress: told how far the reading of layers is.
        options: the fields of ``Diff``.

    Raises:
        NotAnImageError: one of them is not an image of any kind.
        DamagedError: a layer that has to be read cannot be.
        SelectionError: no such image or platform.
        UsageError: standard input twice, or no platform.
    """
    asked = made(Diff, request, options)
    if a == b == STANDARD_INPUT:
        raise UsageError(what="standard input can be read once")
    wanted = tuple(each for each in asked.platforms if isinstance(each, Platform))
    choices, opened = [], []
    with ExitStack() as stack:
        bases = open_bases(asked, stack)
        for source, images in ((a, asked.images_a), (b, asked.images_b)):
            chosen = (*asked.images, *images)
            if not isinstance(source, Source):
                where = located(path_text(source))
                chosen += (where.image,) if where.image else ()
                opened.append(
                    open_asked(where.path, asked, stack, progress, bases=bases, lone=True)
                )
            else:
                opened.append(source)
            choices.append(Choice(images=chosen, platforms=wanted))
        pool = stack.enter_context(Work.of(jobs=None, limit=None, progress=progress).pool())
        return compare_sources(
            opened[0],
            opened[1],
            (choices[0], choices[1]),
            pool,
            files=asked.files,
            start=progress.start if progress is not None else None,
        )
