"""Asking about a file that is made for it."""

from __future__ import annotations

from pathlib import Path

import oci_layout
from oci_layout.targets.answer import Answer
from tests.interop.shown import HERE


def answer(path: Path, target: str, *, full: bool = False, image: str = "") -> Answer:
    """What `check` says of one target."""
    images = (image,) if image else ()
    report = oci_layout.check(
        str(path), targets=target, platform=f"linux/{HERE}", full=full, images=images
    )
    (found,) = report.answers
    return found


def codes(found: Answer) -> dict[str, set[str]]:
    """The rules that are spoken of, by the place they are spoken of in."""
    return {
        "reasons": {each.rule.code for each in found.reasons},
        "losses": {each.rule.code for each in found.losses},
        "notes": {each.rule.code for each in found.notes},
    }


def names(found: Answer) -> list[str]:
    """All names of what comes out."""
    return [name for image in found.images for name in image.names]
