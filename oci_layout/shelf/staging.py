"""Results of a batch: they are finished in a stage beside the destination, and get their places.

Only the main process gives places, after it has written down what it gives them to. So a killed run
leaves nothing of which nobody knows whose it is, and workers that outlive it touch nothing.
"""

from __future__ import annotations

import os
import secrets

from oci_layout import temporary
from oci_layout.disk import shifting
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError
from oci_layout.shelf import marks
from oci_layout.shelf.state import Row, State
from oci_layout.where import Where

_STAGED = "staged"


class Stage:
    """The stage of one run, below the folder of what is known.

    Args:
        folder: of what is known.
        force: whether an archive that is none of ours may be replaced.
    """

    def __init__(self, folder: str, *, force: bool) -> None:
        self._all, self._force = os.path.join(folder, _STAGED), force
        self.folder = os.path.join(self._all, secrets.token_hex(4))
        temporary.register(self, self.close)
        shifting.make_folder(self.folder)

    def recover(self, state: State, verb: str) -> None:
        """Give the results their places that a killed run had finished.

        Args:
            state: what is known.
            verb: that was done.
        """
        for path, row in state.unplaced(verb):
            if marks.of_result(row.result) != row.result_mark:
                if marks.of_result(row.staged) != row.result_mark:
                    continue
                try:
                    self._shift(row.staged, row.result, replace=self._may(row.result, row))
                except DestinationError:  # whoever makes it again hears of that
                    continue
            state.placed(verb, [path])

    def clear(self) -> None:
        """Remove what killed runs left, once all has been taken out of it that is of use."""
        shifting.clear(self._all, but=os.path.basename(self.folder))

    def require_free(self, result: str, known: Row | None) -> None:
        """Refuse a place with something that must not be replaced.

        Args:
            result: the place.
            known: of the source whose result it is to be.

        Raises:
            DestinationError: there is such a thing.
        """
        if os.path.lexists(result) and not self._may(result, known):
            raise DestinationError(
                what="is there already, and is not what layout batch wrote",
                where=Where(file=result),
                hint="move it away" + ("" if self._force else "; --force replaces an archive"),
            )

    def _may(self, result: str, known: Row | None) -> bool:
        if self._force and os.path.isfile(result) and not os.path.islink(result):
            return True
        if known is None or known.result != result:
            return False
        mark = marks.of_result(result)
        return mark != "" and mark in (known.result_mark, known.old_mark)

    def place(self, staged: str, result: str, known: Row | None) -> None:
        """Give a result its place (``give``), and remove the folder that it lay in."""
        self.give(staged, result, known)
        shifting.remove(os.path.dirname(staged))

    def give(self, staged: str, result: str, known: Row | None) -> None:
        """Give a result its place; what it replaces is left in the folder that it lay in.

        Args:
            staged: where it lies.
            result: the place.
            known: of its source, before this result.

        Raises:
            DestinationError: something stands there that must not be replaced, or the disk refuses.
        """
        self.require_free(result, known)
        self._shift(staged, result, replace=self._may(result, known))

    @staticmethod
    def _shift(staged: str, result: str, *, replace: bool) -> None:
        shifting.make_folder(os.path.dirname(result))
        with Place.look("--output", result) as place:
            shifting.shift(
                os.path.dirname(staged), os.path.basename(staged), place, replace=replace
            )

    def close(self) -> None:
        """Remove the stage."""
        shifting.remove(self.folder)
        temporary.forget(self)


def destination(path: str, outputs: Outputs) -> str:
    """The folder that takes the results, made where it is not there.

    Args:
        path: as the user called it.
        outputs: all that this run writes.

    Raises:
        UsageError: it names nothing that could be written.
        DestinationError: it is no folder, or cannot be made.
    """
    place = outputs.look("--output", path)
    if place.kind in (PlaceKind.FILE, PlaceKind.OTHER):
        raise DestinationError(
            what=f"is {place.kind.value}, and a folder takes the results", where=Where(file=path)
        )
    shifting.make_folder(path)
    return path
