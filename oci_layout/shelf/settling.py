"""What was done is kept, results get their places, and it is told of: in that order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from oci_layout import __version__
from oci_layout.batchlines.kinds import Status, Verb
from oci_layout.batchlines.values import SourceReport
from oci_layout.errors import DestinationError, LayoutError
from oci_layout.shelf.report import SHOWN
from oci_layout.shelf.results import Results
from oci_layout.shelf.state import Planned, Row, State
from oci_layout.shelf.task import Outcome
from oci_layout.shelf.warned import Tally

_UNREADABLE = 3  # exit status of a source that cannot be read


class Settler:
    """Settles sources.

    Args:
        verb: that was done with them.
        kind: of the rows of the state.
        asked: mark of what was asked for.
        state: takes what is to be known.
        results: what comes of the sources.
        tell: told what became of each.
    """

    def __init__(
        self,
        *,
        verb: Verb,
        kind: str,
        asked: str,
        state: State,
        results: Results,
        tell: Callable[[SourceReport], object],
    ) -> None:
        self._verb, self._kind, self._asked = verb, kind, asked
        self._state, self._results, self._told = state, results, tell
        self.counts: Counter[Status] = Counter()
        self.bytes = 0
        self.failures: list[tuple[str, str]] = []
        self.warned = Tally()

    def settle(self, done: Sequence[tuple[Planned, Outcome]]) -> None:
        """Settle what was done."""
        known = [self._state.row(planned.path, self._kind) for planned, _ in done]
        rows = [self._row(*each, before) for each, before in zip(done, known, strict=True)]
        self._keep(done, rows)
        placed: list[str] = []
        for index, (planned, outcome) in enumerate(done):
            if not rows[index].staged:
                continue
            try:
                self._results.place(rows[index], known[index])
                placed.append(planned.path)
            except DestinationError as error:
                rows[index] = self._lost(planned, known[index], error)
                self._keep([(planned, outcome)], [rows[index]])
        self._state.placed(self._kind, placed)
        for (planned, outcome), row in zip(done, rows, strict=True):
            status = Status.UNCHANGED if outcome.status is Status.UNCHANGED else Status(row.status)
            if status is Status.DONE:  # of one that failed, the failure is told
                self.warned.add(outcome.warned)
            report = self._report(planned, row, status)
            self._tell(attrs.evolve(report, left_out=outcome.left_out))

    def _keep(self, done: Sequence[tuple[Planned, Outcome]], rows: Sequence[Row]) -> None:
        paths = [planned.path for planned, _ in done]
        self._state.put(self._kind, zip(paths, rows, strict=True))

    def _row(self, planned: Planned, outcome: Outcome, known: Row | None) -> Row:
        known = known or Row()
        if outcome.status is Status.UNCHANGED:
            return attrs.evolve(known, mark=planned.mark)
        row = attrs.evolve(
            known,
            mark=planned.mark,
            asked=self._asked,
            version=__version__,
            digest=outcome.digest,
            status=str(outcome.status),
            exit_status=outcome.exit_status,
            error=outcome.error,
            size=planned.size,
            seconds=outcome.seconds,
            staged="",
            report=outcome.report,
            used=outcome.used,
            was_image=known.was_image or bool(outcome.report or outcome.left_out),
        )
        if not outcome.staged or outcome.status is not Status.DONE:
            return row  # a result of before is still there, and ours
        return self._results.told(row, planned, outcome)

    @staticmethod
    def _lost(planned: Planned, known: Row | None, error: LayoutError) -> Row:
        """A source whose result got no place."""
        return attrs.evolve(
            known or Row(),
            mark=planned.mark,
            status=str(Status.FAILED),
            exit_status=error.exit_status,
            error=str(error),
            size=planned.size,
            report=b"",
            used=(),
        )

    def refused(self, planned: Planned, error: LayoutError) -> None:
        """Settle a source that could not be begun."""
        outcome = Outcome(status=Status.FAILED, exit_status=error.exit_status, error=str(error))
        self.settle([(planned, outcome)])

    def leave(self, planned: Planned) -> None:
        """Tell of a source with nothing to do: it is as it was, or cannot be read."""
        if planned.error:
            row = Row(error=planned.error, exit_status=_UNREADABLE)
            self._tell(self._report(planned, row, Status.FAILED))
            return
        row = self._state.row(planned.path, self._kind) or Row()
        status = Status.NO_IMAGE if row.status == Status.NO_IMAGE else Status.UNCHANGED
        self._tell(self._report(planned, row, status))

    def _report(self, planned: Planned, row: Row, status: Status) -> SourceReport:
        failed = status in (Status.FAILED, Status.NO_IMAGE)
        return SourceReport(
            source=planned.called,
            verb=self._verb,
            status=status,
            result="" if failed else self._results.called(planned),
            size=planned.size,
            seconds=row.seconds,
            error=row.error,
            exit_status=row.exit_status,
            packed=row.report,
        )

    def _tell(self, report: SourceReport) -> None:
        self.counts[report.status] += 1
        if report.status is Status.DONE:
            self.bytes += report.size
        if report.status is Status.FAILED and len(self.failures) < SHOWN:
            self.failures.append((report.source, report.error))
        self._told(report)
