"""Reading a document's bytes: bounded, and told to the findings where it cannot be done."""

from __future__ import annotations

import attrs

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.streams.member import Member
from oci_layout.where import Where


@attrs.define(eq=False, repr=False, match_args=False)
class Allowance:
    """How much all documents of a source may come to: they stay in memory.

    Each counts once however often it is mentioned. One that is refused is reported once.
    """

    _left: int = attrs.field(factory=lambda: limits.DOCUMENTS_BYTES, init=False)
    _taken: dict[str, bool] = attrs.field(factory=dict, init=False)
    _told: bool = attrs.field(default=False, init=False)

    @property
    def spent(self) -> int:
        """Bytes of all documents that were read."""
        return limits.DOCUMENTS_BYTES - self._left

    def take(self, member: Member) -> bool:
        """Whether a document may still be read; then it counts."""
        if member.name not in self._taken:
            fits = member.size <= self._left
            self._left -= member.size if fits else 0
            self._taken[member.name] = fits
        return self._taken[member.name]

    def refuse(self, member: Member, findings: Findings) -> None:
        """Report the first document that may not be read."""
        if not self._told:
            self._told = True
            findings.error(
                "document-too-large",
                f"the documents of this source come to more than {limits.DOCUMENTS_BYTES} bytes; "
                "this one and maybe others were not read",
                Where(member=member.name),
                "split the source",
            )


def read_bounded(
    member: Member, findings: Findings, allowance: Allowance | None = None
) -> bytes | None:
    """All bytes of a document; None when it is too large or cannot be read (reported).

    Args:
        member: the document.
        findings: told why it is not read.
        allowance: what all documents may come to together; None for one that is not kept.
    """
    try:
        small = member.size <= limits.DOCUMENT_BYTES
        if allowance is not None and small and not allowance.take(member):
            allowance.refuse(member, findings)
            return None
        return member.read(limits.DOCUMENT_BYTES)
    except DamagedError as error:
        findings.damage(error)
        return None
