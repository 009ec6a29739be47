"""A file that is written beside the result: a report, or sums."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from types import TracebackType

import attrs

from oci_layout.disk.draft import Draft
from oci_layout.disk.names import require_path
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import PlaceKind, failed
from oci_layout.errors import DestinationError
from oci_layout.where import Where


class SideFile:
    """A file that is there whole, or as it was before. A context manager.

    Entered before the work, so that a place that cannot be written costs none. A pipe or a device
    that the user names (``/dev/stderr``, ``>(jq .)``) is written as it is.

    Args:
        option: where the user named it, for messages.
        path: the file.
        outputs: all that this run writes and reads.

    Raises:
        UsageError: see ``Outputs.look``.
        DestinationError: likewise; or it is a folder, or cannot be written.
    """

    def __init__(self, option: str, path: str, outputs: Outputs) -> None:
        self._option, self._path, self._outputs = option, path, outputs
        self._closing = ExitStack()
        self._draft: Draft | None = None
        self._fd = -1

    def __enter__(self) -> SideFile:
        try:
            return self._opened()
        except DestinationError as error:  # of several files that are written, say which
            named = f"{self._option} {error.where.file or self._path}"
            error.where = attrs.evolve(error.where, file=named)
            raise

    def _opened(self) -> SideFile:
        require_path(self._option, self._path)
        try:
            if is_stream(self._path):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                self._fd = os.open(self._path, flags)
                self._closing.callback(os.close, self._fd)
                os.set_blocking(self._fd, True)
                return self
        except OSError as error:
            raise failed(error, self._path) from error
        place = self._outputs.look(self._option, self._path)
        if place.kind not in (PlaceKind.ABSENT, PlaceKind.FILE):
            raise DestinationError(what=f"is {place.kind.value}", where=Where(file=self._path))
        self._draft = self._closing.enter_context(Draft(place, directory=False, replace=True))
        self._fd = self._draft.fd
        return self

    def write(self, data: bytes) -> None:
        """Write all of it, and let it appear.

        Raises:
            DestinationError: the disk refused; what was there before is there still.
        """
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            if self._draft is not None:
                self._draft.appear()
        except OSError as error:
            raise failed(error, f"{self._option} {self._path}") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()


def is_stream(path: str) -> bool:
    """Whether a path is that of a pipe or a device, which is written as it is."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
