"""Inspection: a source and its tree joined."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs

from oci_layout.api.bases import open_asked
from oci_layout.api.words import Progress, choice_of, chosen_at, made
from oci_layout.errors import UsageError, damage_in
from oci_layout.graph.nodes import Root
from oci_layout.inspection.documents import DOCUMENTS, raw
from oci_layout.inspection.report import InspectReport
from oci_layout.inspection.request import Inspect
from oci_layout.inspection.tree import chosen, layer_bytes, tree
from oci_layout.source.opening import Source


@contextmanager
def _chosen(
    source: str | os.PathLike[str], asked: Inspect, progress: Progress | None = None
) -> Iterator[tuple[Source, tuple[Root, ...]]]:
    path, asked = chosen_at(source, asked)
    choice = choice_of(asked)
    with ExitStack() as stack:
        opened = open_asked(path, asked, stack, progress, lone=True)
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
        advance = None
        if progress is not None and largest is not None:
            progress.start(layer_bytes(roots))
            advance = progress.advance
        report = tree(opened, roots, largest=largest, advance=advance)
        if not asked.provenance:
            return report
        from oci_layout.inspection.provenance import provenances  # noqa: PLC0415  a fast start

        return attrs.evolve(report, provenance=provenances(roots))


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
