"""A file that grows line by line beside the work, for who reads along."""

from __future__ import annotations

import os

from oci_layout.disk.draft import Draft
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import PlaceKind, failed
from oci_layout.disk.sidefile import is_stream
from oci_layout.errors import DestinationError
from oci_layout.where import Where


class LineFile:
    """A file of lines; a new and empty one takes the place of an old one at once.

    A line is written whole by one call. What is killed leaves the lines so far.

    Args:
        option: where the user named it, for messages.
        path: the file; a pipe or a device is written as it is.
        outputs: all that this run writes and reads.

    Raises:
        UsageError: see ``Outputs.look``.
        DestinationError: likewise; or it is a folder, or cannot be written.
    """

    def __init__(self, option: str, path: str, outputs: Outputs) -> None:
        self._name, self._fd = f"{option} {path}", -1
        try:
            if is_stream(path):
                self._fd = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
                return
            place = outputs.look(option, path)
            if place.kind not in (PlaceKind.ABSENT, PlaceKind.FILE):
                raise DestinationError(what=f"is {place.kind.value}", where=Where(file=self._name))
            with Draft(place, directory=False, replace=True) as draft:
                self._fd = os.dup(draft.fd)
                draft.appear()
        except OSError as error:
            self.close()
            raise failed(error, self._name) from error
        except BaseException:
            self.close()
            raise

    def write(self, line: bytes) -> None:
        """Write a line.

        Args:
            line: with its end.

        Raises:
            DestinationError: the disk refused, or the reader of a pipe has gone.
        """
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise failed(error, self._name) from error

    def close(self) -> None:
        """Let go of it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
