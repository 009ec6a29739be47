"""What is to be done: each source of this run held against what is known of it from before."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from oci_layout import __version__
from oci_layout.batchlines.kinds import Status
from oci_layout.errors import DestinationError
from oci_layout.shelf.results import Results
from oci_layout.shelf.state import Planned, Row, State
from oci_layout.shelf.walk import Found, Walk
from oci_layout.where import Where


@attrs.frozen(kw_only=True)
class Planner:
    """Plans a run.

    Args:
        state: what is known.
        kind: of the rows there.
        asked: mark of what is asked for.
        results: what comes of the sources.
        rehash: whether content tells what has changed, which workers read.
    """

    state: State
    kind: str
    asked: str
    results: Results
    rehash: bool

    def known(self, path: str) -> Row | None:
        """What is known of a path; None for nothing."""
        return self.state.row(path, self.kind)

    def plan(self, walk: Walk, tick: Callable[[], object]) -> tuple[int, int, int]:
        """Walk the shelves, and say of each source whether there is anything to do.

        Returns:
            How many sources there are, how many have something to do, and the bytes of those.

        Raises:
            DestinationError: two sources would have one result.
        """
        every = todo = size = 0
        with self.state.planning():
            for number, found in enumerate(walk):
                planned = self._planned(number, found)
                if not self.state.plan(planned):
                    walk.passed["twice"] += 1
                    continue
                every += 1
                todo += planned.todo
                size += planned.size if planned.todo else 0
                tick()
        both = self.state.one_result_for_two()
        if both is not None:
            result, first, second = both
            raise DestinationError(
                what=f"would be the result of two sources: {first} and {second}",
                where=Where(file=result),
                hint="--exclude leaves one out; or a destination for each shelf",
            )
        return every, todo, size

    def _planned(self, number: int, found: Found) -> Planned:
        planned = Planned(
            number=number,
            path=found.key,
            called=found.path,
            files=found.files,
            sure=found.sure,
            may_hold=found.may_hold,
            mark=found.marked.mark,
            size=found.marked.size,
            result="" if found.error else self.results.place_of(found),
            todo=not found.error,
            error=found.error,
        )
        if found.error or self.rehash:
            return planned
        row = self.state.row(found.key, self.kind)
        if row is None or not self.holds(row, planned):
            return planned
        none = row.status == Status.NO_IMAGE
        return attrs.evolve(planned, todo=False, result="" if none else planned.result)

    def holds(self, row: Row, planned: Planned, *, by_mark: bool = True) -> bool:
        """Whether what is known of a source is still all there is to say.

        Args:
            row: what is known.
            planned: what is there.
            by_mark: whether the source must look as it did.
        """
        if row.status not in (Status.DONE, Status.NO_IMAGE) or row.asked != self.asked:
            return False
        if row.version != __version__ or (by_mark and not planned.mark == row.mark != ""):
            return False
        if row.status == Status.NO_IMAGE:
            return not planned.sure
        return self.results.hold(row, planned)
