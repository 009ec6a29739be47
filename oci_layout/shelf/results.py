"""What comes of sources beside a report: nothing, or a result for each, below a destination."""

from __future__ import annotations

import os
from typing import Protocol

import attrs

from oci_layout.batchlines.kinds import Verb
from oci_layout.errors import UsageError
from oci_layout.model import registry
from oci_layout.plan.request import Format, Repack
from oci_layout.shelf import marks, names
from oci_layout.shelf.staging import Stage
from oci_layout.shelf.state import Planned, Row, State
from oci_layout.shelf.task import Outcome
from oci_layout.shelf.walk import Found


class Results(Protocol):
    """What comes of sources."""

    @property
    def stage(self) -> str:
        """Folder that workers put results into; empty for no results."""
        ...

    def name_of(self, planned: Planned) -> str:
        """What a result is called in the stage."""
        ...

    def place_of(self, found: Found) -> str:
        """Where the result of a source goes, which is of no other; empty for nowhere."""
        ...

    def called(self, planned: Planned) -> str:
        """What a report calls the destination."""
        ...

    def ends_at(self, planned: Planned) -> str:
        """The path that what was staged gets in the end."""
        ...

    def hold(self, row: Row, planned: Planned) -> bool:
        """Whether what came of a source before is there still."""
        ...

    def require_free(self, planned: Planned, known: Row | None) -> None:
        """Refuse a source whose result would be in the way of something, before any work.

        Raises:
            DestinationError: it would.
        """
        ...

    def told(self, row: Row, planned: Planned, outcome: Outcome) -> Row:
        """What is to be known of a source that was done, with what lies in the stage."""
        ...

    def place(self, row: Row, known: Row | None) -> None:
        """Give a result its place, once it is known of.

        Raises:
            DestinationError: it gets none.
        """
        ...


class Nothing:
    """No results: what is read is told of."""

    stage = ""

    def name_of(self, planned: Planned) -> str:
        """Nothing."""
        del planned
        return ""

    def place_of(self, found: Found) -> str:
        """Nowhere."""
        del found
        return ""

    def called(self, planned: Planned) -> str:
        """Nothing."""
        del planned
        return ""

    def ends_at(self, planned: Planned) -> str:
        """Nowhere."""
        del planned
        return ""

    def hold(self, row: Row, planned: Planned) -> bool:
        """Nothing can have gone."""
        del row, planned
        return True

    def require_free(self, planned: Planned, known: Row | None) -> None:
        """Nothing can be in the way."""

    def told(self, row: Row, planned: Planned, outcome: Outcome) -> Row:
        """Nothing more."""
        del planned, outcome
        return row

    def place(self, row: Row, known: Row | None) -> None:
        """Nothing gets a place."""


class Mirrored:
    """A result for each source, below a destination, called as its source is below its shelf.

    Args:
        dest: the destination.
        target: format of the results.
        stage: where they are finished.
        state: knows what a killed run had finished.
    """

    def __init__(self, dest: str, target: Format, stage: Stage, state: State) -> None:
        self._dest, self._target, self._stage = dest, target, stage
        self.stage = stage.folder
        stage.recover(state, Verb.REPACK)
        stage.clear()

    def name_of(self, planned: Planned) -> str:
        """Its own name: that tells its form."""
        return os.path.basename(planned.result)

    def place_of(self, found: Found) -> str:
        """Below the destination."""
        below = names.result_of(found.below, len(found.files), self._target)
        return os.path.join(self._dest, below)

    def called(self, planned: Planned) -> str:
        """The place itself."""
        return planned.result

    def ends_at(self, planned: Planned) -> str:
        """The place itself."""
        return os.path.abspath(planned.result)

    def hold(self, row: Row, planned: Planned) -> bool:
        """Whether the result is there, and is what was written."""
        return row.result == planned.result and row.result_mark == marks.of_result(planned.result)

    def require_free(self, planned: Planned, known: Row | None) -> None:
        """Refuse a place with something in it that is not ours.

        Raises:
            DestinationError: there is such a thing.
        """
        self._stage.require_free(planned.result, known)

    def told(self, row: Row, planned: Planned, outcome: Outcome) -> Row:
        """What the result looks like."""
        return attrs.evolve(
            row,
            result=planned.result,
            result_mark=marks.of_result(outcome.staged),
            old_mark=row.result_mark if row.result == planned.result else "",
            staged=outcome.staged,
        )

    def place(self, row: Row, known: Row | None) -> None:
        """Let it appear.

        Raises:
            DestinationError: something stands there that must not be replaced.
        """
        self._stage.place(row.staged, row.result, known)


def of_registry(request: Repack) -> Repack:
    """What is asked of each source that is added to a registry's storage.

    Raises:
        UsageError: what does not go there.
    """
    if request.force:
        raise UsageError(what="--force: a registry's storage is added to, and not replaced")
    if request.volume_size is not None:
        raise UsageError(what="--volume-size: a registry's storage is not cut", hint="--to oci")
    return attrs.evolve(request, append=True)


class Registered(Nothing):
    """All sources in one registry's storage: workers add them to it, each on its own, tags last.

    Nothing is staged: any number of writers may add to a registry, and what a killed run has added
    is whole, and is found to be there by the next one.

    Args:
        dest: the root of the registry; it may be there.
    """

    def __init__(self, dest: str) -> None:
        self._dest = dest

    def called(self, planned: Planned) -> str:
        """The registry."""
        del planned
        return self._dest

    def ends_at(self, planned: Planned) -> str:
        """The registry."""
        del planned
        return os.path.abspath(self._dest)

    def hold(self, row: Row, planned: Planned) -> bool:
        """Whether the registry is there; what else is done to it is its own business."""
        del row, planned
        return os.path.isdir(os.path.join(self._dest, registry.ROOT))
