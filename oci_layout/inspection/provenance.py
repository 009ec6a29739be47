"""What attestations say of the images that are shown, as values of the report."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout.graph.nodes import Root
from oci_layout.graph.walk import every_image, stated_platform
from oci_layout.platform import Platform
from oci_layout.signatures.provenance import (
    Bill,
    Provenance,
    bill_of,
    provenance_of,
    word_for,
)
from oci_layout.signatures.stated import stated


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class StatedReport:
    """What one attestation says.

    Args:
        subject: digest of what it is about; None where it does not say.
        platform: of that, where it is an image that is here.
        present: whether that is here.
        predicate_type: what kind of statement it is.
        kind: the same in a word.
        envelope: whether it stands in a signed envelope, which ``verify`` checks.
        provenance: how the image was made, where it says so.
        sbom: what is in it, where it says so.
    """

    subject: str | None
    platform: Platform | None
    present: bool
    predicate_type: str
    kind: str
    envelope: bool
    provenance: Provenance | None
    sbom: Bill | None


def provenances(roots: Sequence[Root]) -> tuple[StatedReport, ...]:
    """What all attestations of some roots say, in the order in which they lie there.

    Args:
        roots: what is shown.
    """
    platforms = {
        str(image.descriptor.digest): stated_platform(image)
        for _, image in every_image(roots)
        if image.descriptor is not None
    }
    here = platforms.keys() | {
        str(root.node.descriptor.digest) for root in roots if root.node.descriptor is not None
    }
    found = []
    for each in stated(roots):
        subject = each.of[0] if each.of else None
        found.append(
            StatedReport(
                subject=subject,
                platform=platforms.get(subject or ""),
                present=subject in here,
                predicate_type=each.type,
                kind=word_for(each.type),
                envelope=each.signed,
                provenance=provenance_of(each.type, each.predicate),
                sbom=bill_of(each.type, each.predicate),
            )
        )
    return tuple(found)
