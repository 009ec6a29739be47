"""Inspection: a source and its tree joined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oci_layout.api.words import one_of, parse_platforms
from oci_layout.finding import Findings
from oci_layout.inspection.tree import chosen, raw, tree
from oci_layout.mediatype import Family
from oci_layout.plan.options import Options
from oci_layout.platform import Platform
from oci_layout.source.graph import Root
from oci_layout.source.opening import Source, open_source


@contextmanager
def _chosen(
    source: str, images: tuple[str, ...], platforms: tuple[Platform | str, ...], tmp: str | None
) -> Iterator[tuple[Source, tuple[Root, ...]]]:
    options = Options(target=Family.OCI, images=images, platforms=parse_platforms(platforms))
    with open_source(source, findings=Findings(), tmp=tmp, lone=True) as opened:
        yield opened, chosen(opened, options)


def inspect(
    source: str,
    *,
    images: tuple[str, ...] = (),
    platforms: tuple[Platform | str, ...] = (),
    tmp: str | None = None,
) -> dict[str, Any]:
    """What is inside a source, without reading a layer.

    Args:
        source: a path, or ``-`` for standard input.
        images: names or digests to show; all by default.
        platforms: ``os/arch[/variant]`` to show; all by default.
        tmp: directory for spooling a compressed archive or standard input.

    Raises:
        NotAnImageError: it is not an image of any kind.
        SelectionError: no such image or platform.
    """
    with _chosen(source, images, platforms, tmp) as (opened, roots):
        return tree(opened, roots)


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
        NotAnImageError: it is not an image of any kind.
        SelectionError: there is no such document, or more than one.
    """
    one_of("what", what, ("index", "manifest", "config"))
    with _chosen(source, images, platforms, tmp) as (opened, roots):
        return raw(opened, roots, what)
