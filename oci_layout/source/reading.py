"""Reading a document's bytes: bounded, and told to the findings where it cannot be done."""

from __future__ import annotations

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.streams.reader import Member


def read_bounded(member: Member, findings: Findings) -> bytes | None:
    """All bytes of a document; None when it is too large or cannot be read (reported)."""
    try:
        return member.read(limits.DOCUMENT_BYTES)
    except DamagedError as error:
        findings.damage(error)
        return None
