"""All that one run writes, held against all that it reads: nothing that is read is replaced."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import attrs

from oci_layout.closing import Closing
from oci_layout.disk.folder import Identity, identity
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError, UsageError
from oci_layout.where import Where

STANDARD_STREAM = "-"
_HINT = "choose another name"
_FLOORS = 3  # of a layout: itself, blobs, one for each algorithm


@attrs.frozen(kw_only=True)
class _Read:
    """Something that is read: its name, its identity, and the folders that it is in."""

    path: str
    itself: Identity
    above: frozenset[Identity]


def _above(path: str) -> Iterator[Identity]:
    """The folders that a real path is in, from the nearest up."""
    folder = os.path.dirname(path)
    while True:
        try:
            yield identity(os.stat(folder))
        except OSError:
            return
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)


class Outputs(Closing):
    """The places of one run. A context manager, which lets go of them.

    Args:
        sources: paths that are read; ``-`` stands for a stream.
    """

    def __init__(self, *sources: str) -> None:
        self._read: list[_Read] = []
        self._places: list[tuple[str, Place]] = []
        for path in sources:
            self._add(path)

    def _add(self, path: str) -> None:
        if path == STANDARD_STREAM:
            return
        try:
            itself = identity(os.stat(path))
        except (OSError, ValueError):  # opening it will say so
            return
        # By the way that was given too: of a link, the folder that it is in.
        above = frozenset((*_above(os.path.realpath(path)), *_above(os.path.abspath(path))))
        self._read.append(_Read(path=path, itself=itself, above=above))

    def look(self, option: str, path: str) -> Place:
        """Look at a place that is to be written.

        Args:
            option: where the user named it, for messages.
            path: the place.

        Raises:
            UsageError: it names nothing that could be written, or another output.
            DestinationError: it is read in this run, is inside of that, or holds it; or there is
                no such folder.
        """
        place = Place.look(option, path)
        try:
            above = frozenset(_above(place.real))
            for read in self._read:
                _require_apart(place, above, read)
                _require_unlinked(place, read)
            for other, taken in self._places:
                same = place.name == taken.name and place.parent.identity == taken.parent.identity
                if same or (place.identity is not None and place.identity == taken.identity):
                    raise UsageError(what=f"{other} and {option} both name {path}")
                if taken.identity in above:
                    raise UsageError(what=f"{option} {path} is inside of what {other} names")
        except BaseException:
            place.close()
            raise
        self._places.append((option, place))
        return place

    def close(self) -> None:
        """Let go of the places."""
        for _, place in self._places:
            place.close()
        self._places.clear()


def _require_apart(place: Place, above: frozenset[Identity], read: _Read) -> None:
    if place.identity == read.itself:
        raise DestinationError(
            what="is the source itself", where=Where(file=place.path), hint=_HINT
        )
    if read.itself in above:
        raise DestinationError(
            what=f"is inside the source {read.path}", where=Where(file=place.path), hint=_HINT
        )
    if place.identity in read.above:
        raise DestinationError(
            what=f"holds the source {read.path}", where=Where(file=place.path), hint=_HINT
        )


def _require_unlinked(place: Place, read: _Read) -> None:
    """Refuse what a folder that is read has under another name: a layout may link to any file."""
    if place.kind is PlaceKind.ABSENT:
        return
    for path, link in _files(read.path, _FLOORS):
        with contextlib.suppress(OSError):
            same = identity(os.stat(path)) == place.identity
            # Of a file with two names the other one stays; a link would be left with nothing.
            if same or (link and place.identity in set(_above(os.path.realpath(path)))):
                raise DestinationError(
                    what=f"is read in this run, as {path}", where=Where(file=place.path), hint=_HINT
                )


def _files(folder: str, floors: int) -> Iterator[tuple[str, bool]]:
    """The files of a folder and whether each is a link; folders behind links are not entered."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield entry.path, entry.is_symlink()
            elif floors > 1:
                yield from _files(entry.path, floors - 1)
