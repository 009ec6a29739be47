"""The report of a verification, as data."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.finding import Finding, Severity
from oci_layout.platform import Platform


@attrs.frozen(kw_only=True)
class ImageCheck:
    """What was checked of one image.

    Args:
        names: it goes by.
        platform: it runs on.
        manifest: digest of its manifest; None where it has none.
        image_id: digest of its config.
        blobs: read and checked, documents included.
        bytes: of those.
        seconds: spent on its layers; a layer that images share counts for each.
        sound: whether nothing was found that makes it unusable.
    """

    names: tuple[str, ...]
    platform: Platform
    manifest: Digest | None
    image_id: Digest
    blobs: int
    bytes: int
    seconds: float
    sound: bool


@attrs.frozen(kw_only=True)
class VerifyReport:
    """What a verification found.

    Args:
        source: what was looked at.
        source_kind: what that is.
        check: ``full``, ``digests`` (diff_ids not recomputed) or ``quick`` (no blob read).
        images: each image.
        findings: all of them, errors first.
        left_out: findings of codes that were found too often to list each.
        blobs: read.
        bytes: read.
        seconds: taken.
    """

    source: str
    source_kind: str
    check: str
    images: tuple[ImageCheck, ...]
    findings: tuple[Finding, ...]
    left_out: int
    blobs: int
    bytes: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether there is an error among what was found."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def failed_strictly(self) -> bool:
        """Whether there is an error or a warning among what was found."""
        return any(finding.severity is not Severity.NOTE for finding in self.findings)

    def to_json(self, *, strict: bool = False) -> dict[str, Any]:
        """The report as a JSON value; warnings count for the verdict when strict."""
        failed = self.failed_strictly if strict else self.failed
        return {
            "source": self.source,
            "source_kind": self.source_kind,
            "check": self.check,
            "verdict": "damaged" if failed else "sound",
            "images": [
                {
                    "names": list(image.names),
                    "platform": str(image.platform),
                    "manifest": str(image.manifest) if image.manifest is not None else None,
                    "image_id": str(image.image_id),
                    "blobs": image.blobs,
                    "bytes": image.bytes,
                    "seconds": round(image.seconds, 3),
                    "sound": image.sound,
                }
                for image in self.images
            ],
            "findings": [finding.to_json() for finding in self.findings],
            "findings_left_out": self.left_out,
            "blobs": self.blobs,
            "bytes": self.bytes,
            "seconds": self.seconds,
        }
