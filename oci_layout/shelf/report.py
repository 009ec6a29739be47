"""What became of all sources of a shelf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout.batchlines.kinds import Status, Verb
from oci_layout.batchlines.values import Summary
from oci_layout.errors import NameConflict, SelectionError
from oci_layout.plan.report import Report
from oci_layout.shelf.warned import Warned

SHOWN = 20  # failures, warnings and rules that are kept for the end


@attrs.frozen(kw_only=True)
class BatchReport:
    """What became of a shelf.

    Args:
        verb: that was done with each source.
        counts: of sources, by what became of them.
        passed: what was passed over, by why: links, excluded, ours, others.
        bytes: of the sources that were done.
        seconds: taken.
        failures: the first that failed, with the first error of each.
        warned: what the sources warn of that were done in this run, by code; most sources first.
        idle: rules for names for which no source that was done has an image; nothing is merged
            then.
        conflicts: the first names for which two sources have two images; nothing is merged then.
        conflicting: how many such names there are.
        merged: what became of all of them together; None where nothing was merged.
    """

    verb: Verb
    counts: Mapping[Status, int]
    passed: Mapping[str, int]
    bytes: int
    seconds: float
    failures: tuple[tuple[str, str], ...]
    warned: tuple[Warned, ...] = ()
    idle: tuple[str, ...] = ()
    conflicts: tuple[NameConflict, ...] = ()
    conflicting: int = 0
    merged: Report | None = None

    @property
    def exit_status(self) -> int:
        """That the command ends with: 0, 1 where a source failed, 4 where a name is to blame."""
        if self.idle or self.conflicts:
            return SelectionError.exit_status
        return int(self.failed > 0)

    @property
    def failed(self) -> int:
        """How many sources failed."""
        return self.counts.get(Status.FAILED, 0)

    @property
    def sources(self) -> int:
        """How many sources there were."""
        return sum(self.counts.values())

    @property
    def summary(self) -> Summary:
        """What the last line of a report says."""
        return Summary(
            verb=self.verb,
            counts=self.counts,
            passed=self.passed,
            bytes=self.bytes,
            seconds=self.seconds,
        )

    def to_json(self) -> dict[str, Any]:
        """The last line of a report."""
        return self.summary.to_json()

    def line(self) -> str:
        """One line of JSON, in ASCII, without its end."""
        return self.summary.line()
