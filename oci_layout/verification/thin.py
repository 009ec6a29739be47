"""Thin images: their lower layers are left out, since whoever loads them has these."""

from __future__ import annotations

from oci_layout.counting import plural
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Image, Layer
from oci_layout.where import Where


def left_out(image: Image, *, marked: bool) -> tuple[Layer, ...]:
    """The layers that were left out of an image on purpose.

    Only the mark tells that: without it, what is missing may as well be lost.

    Args:
        image: the image.
        marked: whether its source says that it is thin.
    """
    return tuple(layer for layer in image.layers if layer.lacking) if marked else ()


def check_thin(image: Image, label: str, mark: str, source: str, findings: Findings) -> None:
    """Say of a thin image what it wants, or what has completed it.

    Args:
        image: the image.
        label: what to call it.
        mark: the images that its source names as those that complete it; empty without a mark.
        source: what to call the source.
        findings: told of it.
    """
    where = Where(image=label)
    missing = left_out(image, marked=bool(mark))
    if missing:
        size = sum(layer.size for layer in missing)
        brought = f" with {mark[:_SHOWN]}" if mark else ""
        findings.error(
            "thin",
            f"is thin: complete only{brought}; {plural(len(missing), 'layer')} "
            f"({plural(size, 'byte')}) left out, {missing[0].called} first",
            where,
            "--base SOURCE names what has them",
        )
    lenders = dict.fromkeys(
        layer.there.member.store
        for layer in image.layers
        if layer.there is not None and layer.there.member is not None
    )
    others = [each for each in lenders if each not in ("", source)]
    if others:
        findings.note("thin", f"is thin: complete with {', '.join(others)}", where)


_SHOWN = 200  # characters of a mark that a message has
