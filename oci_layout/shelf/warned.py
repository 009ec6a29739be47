"""What the sources of a shelf warn of, counted by code: there may be thousands of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from oci_layout.finding import Finding, Severity


@attrs.frozen(kw_only=True)
class Warned:
    """All that was found under one code.

    Args:
        code: out of ``codes.CODES``.
        severity: ``warning``; ``error`` where the verb goes on after one, as ``inspect`` does.
        sources: how many say so.
        first: what the first of them says, its place with it.
    """

    code: str
    severity: Severity
    first: str
    sources: int = 1


def of_source(findings: Iterable[Finding], told: Callable[[Finding], str]) -> tuple[Warned, ...]:
    """What one source warns of. Notes are none.

    Args:
        findings: of its report.
        told: makes a text of one, which says of what source it is.
    """
    first: dict[str, Finding] = {}
    for each in findings:
        if each.severity is not Severity.NOTE:
            first.setdefault(each.code, each)
    return tuple(
        Warned(code=code, severity=each.severity, first=told(each)) for code, each in first.items()
    )


class Tally:
    """Counts what sources warn of, and keeps one example of each code."""

    def __init__(self) -> None:
        self._all: dict[str, Warned] = {}

    def add(self, warned: Sequence[Warned]) -> None:
        """Take what one source warns of."""
        for each in warned:
            known = self._all.get(each.code)
            self._all[each.code] = (
                each if known is None else attrs.evolve(known, sources=known.sources + each.sources)
            )

    def most_first(self) -> tuple[Warned, ...]:
        """All of them, by how many sources say so."""
        return tuple(sorted(self._all.values(), key=lambda each: (-each.sources, each.code)))
