"""Comparison: two sources and their images joined."""

from __future__ import annotations

from contextlib import ExitStack

from oci_layout.api.words import Progress, parse_platforms
from oci_layout.api.work import Work
from oci_layout.comparison.report import Comparison
from oci_layout.comparison.run import compare_sources
from oci_layout.errors import UsageError
from oci_layout.finding import Findings
from oci_layout.graph.selection import Choice
from oci_layout.platform import Platform
from oci_layout.source.opening import STANDARD_INPUT, Source, open_source


def compare(
    a: str | Source,
    b: str | Source,
    *,
    images: tuple[str, ...] = (),
    images_a: tuple[str, ...] = (),
    images_b: tuple[str, ...] = (),
    platforms: tuple[Platform | str, ...] = (),
    files: bool = False,
    tmp: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the images of two sources, whichever way each is packed.

    No layer is read where documents state what it is: digests and diff_ids are taken at their
    word, which ``verify`` checks.

    Args:
        a: a path, ``-`` for standard input, or an open source.
        b: another.
        images: names or digests to take of both; all by default.
        images_a: names or digests to take of the first.
        images_b: names or digests to take of the second.
        platforms: ``os/arch[/variant]`` to compare; all by default.
        files: compare the first layer that differs file by file.
        tmp: directory for spooling a compressed archive or standard input.
        progress: told how far the reading of layers is.

    Raises:
        NotAnImageError: one of them is not an image of any kind.
        DamagedError: a layer that has to be read cannot be.
        SelectionError: no such image or platform.
        UsageError: standard input twice, or no platform.
    """
    if a == b == STANDARD_INPUT:
        raise UsageError(what="standard input can be read once")
    wanted = parse_platforms(platforms)
    choices = (
        Choice(images=(*images, *images_a), platforms=wanted),
        Choice(images=(*images, *images_b), platforms=wanted),
    )
    with ExitStack() as stack:
        opened = []
        for source in (a, b):
            if isinstance(source, str):
                read = open_source(source, findings=Findings(), tmp=tmp, lone=True)
                opened.append(stack.enter_context(read))
            else:
                opened.append(source)
        pool = stack.enter_context(Work.of(jobs=None, limit=None, progress=progress).pool())
        return compare_sources(
            opened[0],
            opened[1],
            choices,
            pool,
            files=files,
            start=progress.start if progress is not None else None,
        )
