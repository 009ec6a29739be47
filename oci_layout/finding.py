"""Findings: what a source or a document says about itself that somebody should know.

Every parser takes a ``Findings`` and reports to it. One that fails fast turns the first error
into an exception (repack); one that collects goes on (verify). So there is one parser, not two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs

from oci_layout import errors
from oci_layout.codes import CODES
from oci_layout.errors import DamagedError
from oci_layout.limits import FINDINGS
from oci_layout.pythons import StrEnum
from oci_layout.where import NOWHERE, Where, elided


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def _known_code(finding: object, field: object, code: str) -> None:
    del finding, field
    if code not in CODES:
        raise AssertionError(f"there is no code {code!r}")


@attrs.frozen(kw_only=True)
class Finding:
    """One thing found, with a code out of ``codes.CODES``.

    Args:
        code: stable, and explained on the page of findings.
        severity: ``error``, ``warning`` or ``note``.
        message: what was found, in one line.
        where: the place.
        hint: what to do about it; empty where there is nothing to say.
    """

    code: str = attrs.field(validator=_known_code)
    severity: Severity
    message: str = attrs.field(converter=errors.message)
    where: Where = NOWHERE
    hint: str = attrs.field(default="", converter=elided)

    @classmethod
    def of(cls, error: DamagedError) -> Finding:
        """What was raised as an error, told of."""
        return cls(
            code=error.code,
            severity=Severity.ERROR,
            message=error.what,
            where=error.where,
            hint=error.hint,
        )

    def error(self) -> DamagedError:
        """What was found, to be raised."""
        return DamagedError(code=self.code, what=self.message, where=self.where, hint=self.hint)

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON value, its place in parts."""
        where = self.where
        return {
            "code": self.code,
            "severity": str(self.severity),
            "file": where.file,
            "member": where.member,
            "field": where.field,
            "image": where.image,
            "layer": where.layer,
            "offset": where.offset,
            "message": self.message,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.hint})" if self.hint else text


class Findings:
    """Collects findings, all of them, in the order they were made."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.left_out = 0  # of codes that were found too often to keep each
        self._counts: Counter[str] = Counter()

    def fresh(self) -> Findings:
        """An empty collector that takes findings as this one does."""
        return type(self)()

    def add(self, finding: Finding) -> None:
        """Take one finding.

        Raises:
            DamagedError: on an error, where this collector fails fast.
        """
        self._counts[finding.code] += 1
        if self._counts[finding.code] > FINDINGS:
            self.left_out += 1
            return
        self.found.append(finding)

    def error(self, code: str, message: str, where: Where = NOWHERE, hint: str = "") -> None:
        """Report something that does not hold."""
        self._make(code, Severity.ERROR, message, where, hint)

    def warning(self, code: str, message: str, where: Where = NOWHERE, hint: str = "") -> None:
        """Report something that holds, but that some reader will trip over."""
        self._make(code, Severity.WARNING, message, where, hint)

    def note(self, code: str, message: str, where: Where = NOWHERE, hint: str = "") -> None:
        """Report something worth knowing."""
        self._make(code, Severity.NOTE, message, where, hint)

    def report(self, finding: Finding, *, severity: Severity, image: str) -> None:
        """Pass a finding on, at another severity, as one of an image."""
        where = attrs.evolve(finding.where, image=image)
        self.add(attrs.evolve(finding, severity=severity, where=where))

    def damage(self, error: DamagedError) -> None:
        """Report what was raised as an error."""
        self.add(Finding.of(error))

    def _make(self, code: str, severity: Severity, message: str, where: Where, hint: str) -> None:
        self.add(Finding(code=code, severity=severity, message=message, where=where, hint=hint))

    @property
    def errors(self) -> list[Finding]:
        """The errors among what was found."""
        return [finding for finding in self.found if finding.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """The warnings among what was found."""
        return [finding for finding in self.found if finding.severity is Severity.WARNING]


# What --repair may write anew: what documents say of bytes that are there and whole.
REPAIRABLE = frozenset(
    {
        "digest-mismatch",
        "size-mismatch",
        "diffid-mismatch",
        "no-layout-marker",
        "layout-version",
        "null-list",
        "backslash-path",
        "mistyped-field",
    }
)


class FailFast(Findings):
    """Raises at the first error; keeps warnings and notes."""

    def add(self, finding: Finding) -> None:
        """Take one finding; an error is raised as ``DamagedError``."""
        super().add(finding)
        if finding.severity is Severity.ERROR:
            raise finding.error()


class Repairing(FailFast):
    """Takes what can be repaired for a warning; all other errors are raised."""

    def add(self, finding: Finding) -> None:
        """Take one finding; an error that is not repairable is raised as ``DamagedError``."""
        super().add(_repaired(finding))


class Deferring(Findings):
    """Keeps errors until one knows what was chosen, and whether they concern it.

    Args:
        repair: take what can be repaired for a warning.
    """

    def __init__(self, *, repair: bool = False) -> None:
        super().__init__()
        self._repair = repair

    def fresh(self) -> Findings:
        """An empty collector that takes findings as this one does."""
        return Deferring(repair=self._repair)

    def add(self, finding: Finding) -> None:
        """Take one finding."""
        super().add(_repaired(finding) if self._repair else finding)

    def settle(self, concerns: Callable[[Finding], bool]) -> None:
        """Let the errors that concern nobody pass as warnings.

        Args:
            concerns: whether a finding is about what was chosen.

        Raises:
            DamagedError: an error does, or too many were found to look at each.
        """
        for number, finding in enumerate(self.found):
            if finding.severity is Severity.ERROR:
                if self.left_out or concerns(finding):
                    raise finding.error()
                self.found[number] = attrs.evolve(finding, severity=Severity.WARNING)


def _repaired(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR or finding.code not in REPAIRABLE:
        return finding
    message = f"repaired: {finding.message}"
    return attrs.evolve(finding, severity=Severity.WARNING, message=message, hint="")
