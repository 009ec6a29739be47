"""What a page is made of: reports of verbs, or why one could not be had."""

from __future__ import annotations

import attrs

from oci_layout.comparison.report import Comparison
from oci_layout.inspection.report import InspectReport
from oci_layout.rootfs.usage import Usage
from oci_layout.targets.asking import CheckReport
from oci_layout.verification.report import VerifyReport

# What tells an image of a report from the others: digest of its manifest, image ID, its layers.
Key = tuple[str, str, tuple[str, ...]]


@attrs.frozen(kw_only=True)
class PageContents:
    """All that a page tells of one source.

    Args:
        inspected: what is inside.
        verified: what is wrong; text for why nobody knows.
        checked: what engines make of it; likewise.
        usages: what the layers of each image take; likewise.
    """

    inspected: InspectReport
    verified: VerifyReport | str
    checked: CheckReport | str
    usages: dict[Key, Usage | str]


@attrs.frozen(kw_only=True)
class PageReport:
    """What was written.

    Args:
        sources: as the user called them.
        output: likewise.
        size: bytes of the page.
        images: that it tells of.
        sound: whether ``verify`` found no error; None where nobody asked it.
        verdict: of the comparison; None of one source.
        shelved: sources of the shelf that it tells of; None where it tells of no shelf.
        failed: how many of them failed; likewise.
    """

    sources: tuple[str, ...]
    output: str
    size: int
    images: int
    sound: bool | None
    verdict: str | None
    shelved: int | None = None
    failed: int | None = None


__all__ = ["Comparison", "Key", "PageContents", "PageReport"]
