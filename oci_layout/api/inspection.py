"""Inspection: a source and its tree joined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oci_layout.api.words import Progress, one_of, parse_platforms
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.selection import Choice
from oci_layout.inspection.documents import DOCUMENTS, raw
from oci_layout.inspection.tree import chosen, layer_bytes, tree
from oci_layout.platform import Platform
from oci_layout.source.opening import Source, open_source


@contextmanager
def _chosen(
    source: str, images: tuple[str, ...], platforms: tuple[Platform | str, ...], tmp: str | None
) -> Iterator[tuple[Source, tuple[Root, ...]]]:
    choice = Choice(images=images, platforms=parse_platforms(platforms))
    with open_source(source, findings=Findings(), tmp=tmp, lone=True) as opened:
        yield opened, chosen(opened, choice)


def inspect(
    source: str,
    *,
    images: tuple[str, ...] = (),
    platforms: tuple[Platform | str, ...] = (),
    largest: int | None = None,
    tmp: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """What is inside a source: the value that ``layout inspect --json`` prints.

    No layer is read unless asked: documents, and the first 512 bytes of each layer.

    Args:
        source: a path, or ``-`` for standard input.
        images: names or digests to show; all by default.
        platforms: ``os/arch[/variant]`` to show; all by default.
        largest: read every layer, count its files, and name so many of the largest.
        tmp: directory for spooling a compressed archive or standard input.
        progress: told how far the reading of layers is.

    Raises:
        DamagedError: nothing can be shown of it, so damaged it is.
        NotAnImageError: it is not an image of any kind.
        SelectionError: no such image or platform.
    """
    with _chosen(source, images, platforms, tmp) as (opened, roots):
        if progress is None or largest is None:
            return tree(opened, roots, largest=largest)
        progress.start(layer_bytes(roots))
        return tree(opened, roots, largest=largest, advance=progress.advance)


def inspect_raw(
    source: str,
    what: str,
    *,
    images: tuple[str, ...] = (),
    platforms: tuple[Platform | str, ...] = (),
    tmp: str | None = None,
) -> bytes:
    """The exact bytes of the one ``index``, ``manifest`` or ``config`` that is chosen.

    Args:
        source: a path, or ``-`` for standard input.
        what: which document.
        images: names or digests to choose from.
        platforms: ``os/arch[/variant]`` to choose from.
        tmp: directory for spooling a compressed archive or standard input.

    Raises:
        DamagedError: nothing can be shown of it, so damaged it is.
        NotAnImageError: it is not an image of any kind.
        SelectionError: there is no such document, or more than one.
    """
    one_of("what", what, DOCUMENTS)
    with _chosen(source, images, platforms, tmp) as (opened, roots):
        return raw(opened, roots, what)
