"""Inspection: a source and its tree joined."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from oci_layout.api.bases import open_bases
from oci_layout.api.words import Progress, chosen_at, made, watch_of
from oci_layout.errors import UsageError, damage_in
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.selection import Choice
from oci_layout.inspection.documents import DOCUMENTS, raw
from oci_layout.inspection.report import InspectReport
from oci_layout.inspection.request import Inspect
from oci_layout.inspection.tree import chosen, layer_bytes, tree
from oci_layout.platform import Platform
from oci_layout.source.opening import Source, open_source


@contextmanager
def _chosen(
    source: str | os.PathLike[str], asked: Inspect, progress: Progress | None = None
) -> Iterator[tuple[Source, tuple[Root, ...]]]:
    path, asked = chosen_at(source, asked)
    platforms = tuple(each for each in asked.platforms if isinstance(each, Platform))
    choice = Choice(images=tuple(asked.images), platforms=platforms)
    with ExitStack() as stack:
        bases = open_bases(asked, stack)
        opened = stack.enter_context(
            open_source(
                path,
                findings=Findings(),
                tmp=asked.tmp,
                lone=True,
                watch=watch_of(progress),
                bases=bases,
                host=asked.registry_host,
                namespace=asked.namespace,
            )
        )
        stack.enter_context(damage_in(opened.label))
        yield opened, chosen(opened, choice)


def inspect(
    source: str | os.PathLike[str],
    request: Inspect | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> InspectReport:
    """What is inside a source.

    No layer is read unless asked: documents, and the first 512 bytes of each layer.

    Args:
        source: a path, or ``-`` for standard input.
        request: what is asked for; or else its fields as keywords, see ``Inspect``.
        progress: told how far the reading of layers is.
        options: the fields of ``Inspect``.

    Raises:
        DamagedError: nothing can be shown of it, so damaged it is.
        NotAnImageError: it is not an image of any kind.
        SelectionError: no such image or platform.
    """
    asked = made(Inspect, request, options)
    largest = asked.largest if asked.layers else None
    with _chosen(source, asked, progress) as (opened, roots):
        if progress is None or largest is None:
            return tree(opened, roots, largest=largest)
        progress.start(layer_bytes(roots))
        return tree(opened, roots, largest=largest, advance=progress.advance)


def inspect_raw(
    source: str | os.PathLike[str],
    what: str,
    request: Inspect | None = None,
    **options: Any,
) -> bytes:
    """The exact bytes of the one ``index``, ``manifest`` or ``config`` that is chosen.

    Args:
        source: a path, or ``-`` for standard input.
        what: which document.
        request: what to choose; or else its fields as keywords, see ``Inspect``.
        options: the fields of ``Inspect``.

    Raises:
        DamagedError: nothing can be shown of it, so damaged it is.
        NotAnImageError: it is not an image of any kind.
        SelectionError: there is no such document, or more than one.
    """
    asked = made(Inspect, request, options)
    if what not in DOCUMENTS:
        raise UsageError(what=f"{what!r} is none of {', '.join(DOCUMENTS)}")
    with _chosen(source, asked) as (opened, roots):
        return raw(opened, roots, what)
