"""What reading every blob found, as reasons not to load."""

from __future__ import annotations

from oci_layout.finding import Severity
from oci_layout.mediatype import Compression
from oci_layout.streams.compression import sniff
from oci_layout.streams.member import Member
from oci_layout.streams.tarheader import BLOCK, looks_like_tar
from oci_layout.targets.answer import Prediction
from oci_layout.targets.facts import Facts

# Only the layer's tar is another than the config says: the stored bytes are what they should be.
_INNER = "diffid-mismatch"
# It is all there, and holds what nobody unpacks.
_MEMBER = "layer-member"
# The stored bytes are others than the manifest says; the tar inside may still be the right one.
_OUTER = ("digest-mismatch", "size-mismatch")


def report_damage(
    facts: Facts,
    member: Member,
    label: str,
    reading: Prediction,
    *,
    stored: bool = True,
    diff_ids: bool = True,
    unpacks: bool = True,
) -> None:
    """Add what was found in a blob; nothing where no blob was read.

    Args:
        facts: the source.
        member: the blob.
        label: what to call it.
        reading: told.
        stored: whether the engine compares digests of stored bytes.
        diff_ids: whether it compares diff_ids.
        unpacks: whether it unpacks layers.
    """
    for finding in (facts.damage or {}).get(member.name, ()):
        if finding.severity is not Severity.ERROR or (finding.code in _OUTER and not stored):
            continue
        if finding.code == _MEMBER:
            if unpacks:
                reading.fail("layer-member", f"{label}: {finding.message}")
        elif finding.code != _INNER:
            reading.fail("damaged-blob", f"{label}: {finding.message}")
        elif diff_ids:
            reading.fail("diff-id", f"{label}: {finding.message}")


def report_no_tar(member: Member, label: str, reading: Prediction) -> None:
    """Tell of a layer that begins as nothing that an engine unpacks; one of no bytes is empty.

    Args:
        member: the layer.
        label: what to call it.
        reading: told.
    """
    head = member.head(BLOCK)
    if head and sniff(head) is Compression.NONE and not looks_like_tar(head):
        reading.fail("no-tar", f"{label} is no tar, packed or not")
