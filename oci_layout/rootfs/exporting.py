"""Where an export goes: a tar that appears whole, a stream, or a folder that appears whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import attrs

from oci_layout.disk.draft import Draft
from oci_layout.disk.outputs import STANDARD_STREAM, Outputs
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError, UsageError
from oci_layout.mediatype import Compression
from oci_layout.rootfs.dirout import write_folder
from oci_layout.rootfs.merge import Found
from oci_layout.rootfs.report import ExportReport
from oci_layout.rootfs.tarout import Totals, write_tar
from oci_layout.source.spool import write_all
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.pipeline import Stage
from oci_layout.streams.suffixes import archive_compression
from oci_layout.where import Where

Write = Callable[[bytes], object]


@attrs.frozen(kw_only=True)
class Target:
    """Where an export goes, and how.

    Args:
        path: as the user called it.
        packed: how a tar is packed; None for a folder.
        devices: whether device nodes are made in a folder.
        force: whether a tar may take the place of a file that is there.
    """

    path: str
    packed: Compression | None
    devices: bool
    force: bool

    @classmethod
    def parse(cls, path: str, *, devices: bool, force: bool) -> Target:
        """Tell by the name what is written.

        Raises:
            UsageError: options that mean nothing for it, or a suffix that is not written.
        """
        packed = Compression.NONE if path == STANDARD_STREAM else archive_compression(path)
        if packed is not None and devices:
            raise UsageError(what="--devices is for directories: a tar has them all")
        if force and (packed is None or path == STANDARD_STREAM):
            raise UsageError(what="--force is for archives", hint="a directory is never replaced")
        if devices and os.geteuid() != 0:
            raise UsageError(what="--devices needs root")
        return cls(path=path, packed=packed, devices=devices, force=force)

    @property
    def form(self) -> str:
        """A word for it."""
        return "directory" if self.packed is None else "archive"

    def look(self, outputs: Outputs) -> Place | None:
        """Look at the place before any work; None for a stream.

        Raises:
            DestinationError: what is there must not be touched.
        """
        if self.path == STANDARD_STREAM:
            return None
        place = outputs.look("--output", self.path)
        where, folder = Where(file=self.path), self.packed is None
        if place.kind is PlaceKind.FOLDER or (place.kind is PlaceKind.FILE and folder):
            hint = "" if folder else "a name that ends in .tar is that of an archive"
            raise DestinationError(
                what="exists already, and is never replaced", where=where, hint=hint
            )
        if place.kind is PlaceKind.OTHER or (place.kind is PlaceKind.EMPTY and not folder):
            raise DestinationError(what=f"is {place.kind.value}", where=where)
        if place.kind is PlaceKind.FILE and not self.force:
            raise DestinationError(what="exists already", where=where, hint="--force replaces it")
        return place


def export_to(
    found: Iterable[Found],
    target: Target,
    place: Place | Write | None,
    report: ExportReport,
    tmp: str | None,
) -> ExportReport:
    """Write the files of an image; nothing appears where one cannot be.

    Args:
        found: the files.
        target: where they go.
        place: as it was found; for a stream, what takes its bytes.
        report: what is known of it before.
        tmp: directory for what does not stay in memory.

    Raises:
        DamagedError: what the files raise.
        DestinationError: the destination refuses.
    """
    if not isinstance(place, Place):
        if place is None:
            raise AssertionError("nowhere to write")
        totals = write_tar(found, place)
        return attrs.evolve(report, files=totals.files, size=totals.size)
    if target.packed is None:
        owners = os.geteuid() == 0
        with Draft(place, directory=True, replace=False, tree=True) as draft:
            made = write_folder(found, draft.folder, owners=owners, devices=target.devices, tmp=tmp)
            draft.appear()
        return attrs.evolve(
            report,
            files=made.files,
            owners=owners,
            devices_left_out=made.devices_left_out,
            attributes_left_out=made.attributes_left_out,
        )
    with Draft(place, directory=False, replace=target.force) as draft:
        totals = _packed(found, target.packed, draft.fd)
        draft.appear()
    return attrs.evolve(report, files=totals.files, size=totals.size)


def _packed(found: Iterable[Found], packed: Compression, fd: int) -> Totals:
    """Write a tar into a file, packed in a thread of its own."""
    encoder = Encoding(packed).encoder()

    def write(data: bytes) -> None:
        write_all(fd, encoder.compress(data))

    stage = Stage(write)
    try:
        totals = write_tar(found, stage.feed)
        stage.finish()
    finally:
        stage.abandon()
    write_all(fd, encoder.flush())
    return totals
