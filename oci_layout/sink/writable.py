"""What may be written where: a place as it was found, held against what is to be made there."""

from __future__ import annotations

import stat

from oci_layout.disk.folder import Folder
from oci_layout.disk.names import OLD_INDEX
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError
from oci_layout.model import dockersave, layout
from oci_layout.where import Where

_LAYOUT_FILES = {layout.MARKER, layout.INDEX, dockersave.MANIFEST, OLD_INDEX}


def require_writable(place: Place, *, directory: bool, force: bool, append: bool = False) -> None:
    """Refuse a destination that must not be written.

    Args:
        place: as it was found.
        directory: whether a directory is to be written, else an archive.
        force: replace an archive, or a clean layout.
        append: add to a layout.

    Raises:
        DestinationError: what is there must not be touched.
        OSError: it cannot be looked at.
    """
    if place.kind is PlaceKind.ABSENT:
        return
    folder = place.kind in (PlaceKind.EMPTY, PlaceKind.FOLDER)
    if append and not (directory and folder):
        raise DestinationError(
            what="is no layout directory to append to", where=Where(file=place.path)
        )
    if folder and not directory:
        raise DestinationError(
            what="is a directory, and an archive was to be written", where=Where(file=place.path)
        )
    if directory and not folder:
        raise DestinationError(
            what="is not a directory",
            where=Where(file=place.path),
            hint="a name without .tar is that of a directory",
        )
    if place.kind is PlaceKind.FOLDER:
        _require_layout(place, force=force, append=append)
    elif place.kind is PlaceKind.OTHER:
        raise DestinationError(what="is not a regular file", where=Where(file=place.path))
    elif place.kind is PlaceKind.FILE and not force:
        raise DestinationError(
            what="exists already", where=Where(file=place.path), hint="--force replaces it"
        )


def _require_layout(place: Place, *, force: bool, append: bool) -> None:
    with place.parent.enter(place.name) as folder:
        if not force and not append:
            foreign = foreign_entry(folder)
            if foreign is not None:
                raise DestinationError(
                    what=f"exists already, and is no OCI layout ({foreign})",
                    where=Where(file=place.path),
                    hint="choose another destination",
                )
            raise DestinationError(
                what="exists already",
                where=Where(file=place.path),
                hint="--force replaces it, --append adds to it",
            )
        if append:
            if not _is(folder, layout.MARKER, stat.S_ISREG):
                raise DestinationError(
                    what="is no OCI layout to append to", where=Where(file=place.path)
                )
            return
        foreign = foreign_entry(folder)
    if foreign is not None:
        raise DestinationError(
            what=f"is not a clean OCI layout ({foreign}), and is never replaced",
            where=Where(file=place.path),
            hint="choose another destination",
        )


def _is(folder: Folder, name: str, kind: object) -> bool:
    status = folder.status(name)
    return status is not None and callable(kind) and bool(kind(status.st_mode))


def foreign_entry(folder: Folder) -> str | None:
    """What in a directory does not belong to a layout; None for a clean layout."""
    if not _is(folder, layout.MARKER, stat.S_ISREG):
        return "there is no oci-layout file"
    for name in folder.names():
        fits = stat.S_ISDIR if name == "blobs" else stat.S_ISREG
        if name not in {*_LAYOUT_FILES, "blobs"} or not _is(folder, name, fits):
            return f"it holds {name!r}"
    if folder.status("blobs") is None:
        return None
    with folder.enter("blobs") as blobs:
        for algorithm in blobs.names():
            if not _is(blobs, algorithm, stat.S_ISDIR):
                return f"it holds {'blobs/' + algorithm!r}"
            with blobs.enter(algorithm) as inner:
                for name in inner.names():
                    if not name.isalnum() or _is(inner, name, stat.S_ISDIR):
                        return f"it holds {f'blobs/{algorithm}/{name}'!r}"
    return None
