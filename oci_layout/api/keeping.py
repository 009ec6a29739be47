"""Layouts that are kept: what they hold, their names, and what nothing leads to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from oci_layout.api.bases import open_bases
from oci_layout.api.words import Progress, made, path_at, watch_of
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError, UsageError
from oci_layout.finding import Findings
from oci_layout.inspection.listing import ListReport, listing
from oci_layout.inspection.request import List
from oci_layout.plan.keeping import removed, tagged
from oci_layout.plan.request import Attestations, Gc, Rm, Tag
from oci_layout.sink.keeping import CollectReport, NamesReport, change_names, collect
from oci_layout.source.opening import open_source
from oci_layout.where import Where


def list_images(
    source: str | os.PathLike[str],
    request: List | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> ListReport:
    """The names in a source, and what each stands for; no layer is read.

    Args:
        source: a path, or ``-`` for standard input.
        request: what is asked for; or else its fields as keywords, see ``List``.
        progress: told how far spooling is.
        options: the fields of ``List``.

    Raises:
        DamagedError: nothing can be listed of it, so damaged it is.
        NotAnImageError: it is not an image of any kind.
    """
    asked = made(List, request, options)
    with ExitStack() as stack:
        opened = open_source(
            path_at(source),
            findings=Findings(),
            tmp=asked.tmp,
            watch=watch_of(progress),
            bases=open_bases(asked, stack),
            host=asked.registry_host,
        )
        return listing(stack.enter_context(opened))


def tag(
    layout: str | os.PathLike[str],
    old: str,
    new: str,
    request: Tag | None = None,
    **options: Any,
) -> NamesReport:
    """Give an image of a layout one name more.

    Args:
        layout: path of the folder.
        old: a name or digest of the image.
        new: the name it is to have.
        request: what is asked for; or else its fields as keywords, see ``Tag``.
        options: the fields of ``Tag``.

    Raises:
        SelectionError: there is no such image, or the new name is taken.
        DestinationError: the layout cannot be changed.
        DamagedError: its index does not hold.
    """
    asked = made(Tag, request, options)
    with Outputs() as outputs:
        place = _layout(outputs, path_at(layout))
        change = partial(tagged, old=old, new=new, move=asked.move)
        return change_names(place, change, dry_run=asked.dry_run)


def rm(
    layout: str | os.PathLike[str],
    images: Sequence[str],
    request: Rm | None = None,
    **options: Any,
) -> NamesReport:
    """Remove names of a layout, or what digests stand for; blobs stay until ``gc``.

    Args:
        layout: path of the folder.
        images: names, of which only the name goes; digests, of which every name goes, and which
            leave the indexes that list them.
        request: what is asked for; or else its fields as keywords, see ``Rm``.
        options: the fields of ``Rm``.

    Raises:
        SelectionError: there is no such image, or nothing would be left of an index.
        DestinationError: the layout cannot be changed.
        DamagedError: its index does not hold.
    """
    asked = made(Rm, request, options)
    wanted = [images] if isinstance(images, str) else list(images)
    if not wanted:
        raise UsageError(what="nothing is named that is to be removed")
    attached = asked.attestations is Attestations.DROP
    with Outputs() as outputs:
        place = _layout(outputs, path_at(layout))
        change = partial(removed, wanted=wanted, attached=attached)
        return change_names(place, change, dry_run=asked.dry_run)


def gc(layout: str | os.PathLike[str], request: Gc | None = None, **options: Any) -> CollectReport:
    """Remove blobs of a layout that nothing leads to.

    Args:
        layout: path of the folder.
        request: what is asked for; or else its fields as keywords, see ``Gc``.
        options: the fields of ``Gc``.

    Raises:
        DestinationError: the layout cannot be changed.
        DamagedError: a document does not hold, so that nobody knows what it leads to.
    """
    asked = made(Gc, request, options)
    with Outputs() as outputs:
        place = _layout(outputs, path_at(layout))
        return collect(place, older_than=asked.older_than, dry_run=asked.dry_run)


def _layout(outputs: Outputs, path: str) -> Place:
    """The layout that is to be changed."""
    place = outputs.look("LAYOUT", path)
    if place.kind is not PlaceKind.FOLDER:
        missing = place.kind is PlaceKind.ABSENT
        raise DestinationError(
            what="there is no such file or folder" if missing else "is no layout folder",
            where=Where(file=path),
            hint="" if missing else "layout repack --to oci makes one",
        )
    return place
