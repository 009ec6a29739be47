"""Comparison: two sources and their images joined."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from typing import Any

from oci_layout.api.bases import open_asked, open_bases
from oci_layout.api.words import Progress, made
from oci_layout.api.work import Work
from oci_layout.blobs.pool import Pool
from oci_layout.comparison.pairing import Candidate
from oci_layout.comparison.reading import Reading
from oci_layout.comparison.report import Comparison
from oci_layout.comparison.request import Diff
from oci_layout.comparison.run import compare_sources
from oci_layout.errors import UsageError
from oci_layout.filediff.comparing import Comparing
from oci_layout.filediff.ignoring import Ignored
from oci_layout.filediff.report import FilesReport
from oci_layout.graph.selection import Choice
from oci_layout.option import path_text
from oci_layout.platform import Platform
from oci_layout.rootfs.comparing import compare_trees
from oci_layout.rootfs.layers import layer_tars
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

    No layer is read where documents state what it is, unless files are asked for: digests and
    diff_ids are taken at their word, which ``verify`` checks.

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
        UsageError: standard input twice, no platform, or something is ignored that is not
            compared.
    """
    asked = made(Diff, request, options)
    _require_files(asked)
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
        how = Comparing(ignored=tuple(map(Ignored, asked.ignore)), tmp=asked.tmp)
        trees = partial(_trees, pool=pool, how=how) if asked.rootfs else None
        return compare_sources(
            opened[0],
            opened[1],
            (choices[0], choices[1]),
            pool,
            reading=Reading(files=asked.files, trees=trees, how=how),
            start=progress.start if progress is not None else None,
        )


def _require_files(asked: Diff) -> None:
    """What is ignored of files needs files that are compared.

    Raises:
        UsageError: none are.
    """
    words = [str(each) for each in map(Ignored, asked.ignore) if each.of_files]
    if words and not (asked.files or asked.rootfs):
        raise UsageError(
            what=f"--ignore {words[0]} is about files, and none are compared",
            hint="add --files, for those of each layer, or --rootfs, for those of a container",
        )


def _trees(a: Candidate, b: Candidate, *, pool: Pool, how: Comparing) -> FilesReport:
    """What containers of two images would see, held against each other."""
    layers = [layer_tars(each.image, each.root.label, each.source.label, pool) for each in (a, b)]
    return compare_trees(layers[0], layers[1], how)
