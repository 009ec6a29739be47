"""The report of a verification, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from oci_layout.codes import ON_PURPOSE, WISHES
from oci_layout.digest import Digest
from oci_layout.finding import Finding, Severity
from oci_layout.model import gojson
from oci_layout.platform import Platform
from oci_layout.pythons import StrEnum

if TYPE_CHECKING:  # what nobody asks for need not be loaded
    from oci_layout.verification.chains import Attestation, Chain


class Verdict(StrEnum):
    """What is to be thought of a source."""

    SOUND = "sound"
    UNEXPECTED = "not as expected"
    INCOMPLETE = "incomplete"
    DAMAGED = "damaged"


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
        incomplete: whether it is not sound only since layers are left out of it on purpose.
        originals: digests of manifests that it had before it was converted, as they are kept.
    """

    names: tuple[str, ...]
    platform: Platform
    manifest: Digest | None
    image_id: Digest
    blobs: int
    bytes: int
    seconds: float
    sound: bool
    incomplete: bool = False
    originals: tuple[Digest, ...] = ()


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
        chains: what signs each image; None where nobody asked.
        attestations: that were asked for and hold.
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
    chains: tuple[Chain, ...] | None = None
    attestations: tuple[Attestation, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is an error among what was found."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def failed_strictly(self) -> bool:
        """Whether there is an error or a warning among what was found."""
        return any(finding.severity is not Severity.NOTE for finding in self.findings)

    def stated(self) -> str:
        """What the attestations state: the JSON of a predicate on each line."""
        return "".join(f"{gojson.encode(each.predicate)}\n" for each in self.attestations)

    def verdict(self, *, strict: bool = False) -> Verdict:
        """What counts, in a word; warnings count when strict.

        A source that only lacks what the caller expected of it, or what was left out on purpose,
        is not damaged.
        """
        counts = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        codes = {finding.code for finding in self.findings if finding.severity in counts}
        if not codes:
            return Verdict.SOUND
        if codes <= WISHES:
            return Verdict.UNEXPECTED
        return Verdict.INCOMPLETE if codes <= WISHES | ON_PURPOSE else Verdict.DAMAGED

    def to_json(self, *, strict: bool = False) -> dict[str, Any]:
        """The report as a JSON value; warnings count for the verdict when strict."""
        return {
            "source": self.source,
            "source_kind": self.source_kind,
            "check": self.check,
            "verdict": str(self.verdict(strict=strict)),
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
                    "originals": list(map(str, image.originals)),
                }
                for image in self.images
            ],
            **self._signatures(),
            "findings": [finding.to_json() for finding in self.findings],
            "findings_left_out": self.left_out,
            "blobs": self.blobs,
            "bytes": self.bytes,
            "seconds": self.seconds,
        }

    def _signatures(self) -> dict[str, Any]:
        if self.chains is None:
            return {}
        return {
            "signatures": [chain.to_json() for chain in self.chains],
            "attestations": [each.to_json() for each in self.attestations],
        }


def tally(verdicts: Iterable[Verdict], unreadable: int) -> dict[str, int]:
    """How many sources are what.

    Args:
        verdicts: of those that were read.
        unreadable: how many could not be.
    """
    counts = Counter(str(each) for each in verdicts)
    return {**{str(each): counts[each] for each in Verdict}, "not readable": unreadable}
