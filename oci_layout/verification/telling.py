"""What is told of signatures: errors first, and each thing once for all images of one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from oci_layout import limits
from oci_layout.finding import Finding, Findings, Severity
from oci_layout.where import NOWHERE, Where

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


class Telling:
    """Collects findings, and passes them on with the errors first.

    A collector keeps so many findings of a code, whatever their severity: notes about signatures of
    strangers must not take the place of the error that an image is not signed.
    """

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._known: set[Hashable] = set()
        self._counts: Counter[tuple[str, Severity]] = Counter()
        self._left_out = 0

    def add(
        self,
        code: str,
        severity: Severity,
        message: str,
        where: Where = NOWHERE,
        hint: str = "",
        *,
        same: Hashable = None,
    ) -> None:
        """Take a finding.

        Args:
            code: of it.
            severity: of it.
            message: what is wrong.
            where: its place.
            hint: what to do.
            same: what makes two of one name and severity the same; its message where it is None.
        """
        key = (code, severity, where.image, message if same is None else same)
        if key in self._known:
            return
        self._known.add(key)
        self._counts[code, severity] += 1
        if self._counts[code, severity] > limits.FINDINGS:
            self._left_out += 1
            return
        self._found.append(
            Finding(code=code, severity=severity, message=message, where=where, hint=hint)
        )

    def pass_on(self, findings: Findings) -> None:
        """Give them all to a collector, errors first."""
        for finding in sorted(self._found, key=lambda each: _RANK[each.severity]):
            findings.add(finding)
        findings.left_out += self._left_out
