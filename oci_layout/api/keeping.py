"""Layouts that are kept: their names, and what nothing leads to."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import attrs

from oci_layout.api.conversion import Job
from oci_layout.api.form import require_place, rewrite
from oci_layout.api.inspection import list_images
from oci_layout.api.words import Progress, made, path_at
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place
from oci_layout.errors import UsageError
from oci_layout.graph.nodes import Root
from oci_layout.model import dockersave, layout
from oci_layout.option import path_text
from oci_layout.plan.editing import NOTHING
from oci_layout.plan.keeping import Renamed, removed, tagged
from oci_layout.plan.options import Options
from oci_layout.plan.request import Attestations, Gc, Keeping, Rm, Tag
from oci_layout.plan.reshaping import Reshaped, removed_roots, tagged_roots
from oci_layout.sink.keeping import Collected, CollectReport, NamesReport, change_names, collect
from oci_layout.source.opening import STANDARD_INPUT, Source, open_source
from oci_layout.source.orphans import orphans_of
from oci_layout.source.transports import located


def tag(
    source: str | os.PathLike[str],
    old: str,
    new: str,
    dest: str | os.PathLike[str] | None = None,
    request: Tag | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> NamesReport:
    """Give an image one name more.

    Args:
        source: the folder of a layout; or what else is a source, which is written again.
        old: a name or digest of the image.
        new: the name it is to have.
        dest: as for ``repack``; None for a layout's folder, which is changed, and with
            ``in_place``.
        request: what is asked for; or else its fields as keywords, see ``Tag``.
        progress: told how far the work is.
        options: the fields of ``Tag``.

    Raises:
        SelectionError: there is no such image, or the new name is taken.
        DestinationError: the layout cannot be changed, or the destination refuses.
        DamagedError: the source does not hold.
    """
    asked = made(Tag, request, options)
    path = path_at(source)
    if _is_folder(path, dest, asked):
        change = partial(tagged, old=old, new=new, move=asked.move)
        return _folder(path, lambda place: change_names(place, change, dry_run=asked.dry_run))
    reshape = partial(tagged_roots, old=old, new=new, move=asked.move)
    return _names_written(path, dest, asked, reshape, progress)


def rm(
    source: str | os.PathLike[str],
    images: Sequence[str],
    dest: str | os.PathLike[str] | None = None,
    request: Rm | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> NamesReport:
    """Remove names, or what digests stand for; blobs of a layout's folder stay until ``gc``.

    Args:
        source: the folder of a layout; or what else is a source, which is written again.
        images: names, of which only the name goes, and with the last one the image; digests, of
            which every name goes, and which leave the indexes that list them.
        dest: as for ``tag``.
        request: what is asked for; or else its fields as keywords, see ``Rm``.
        progress: told how far the work is.
        options: the fields of ``Rm``.

    Raises:
        SelectionError: there is no such image, or nothing would be left of an index.
        DestinationError: the layout cannot be changed, or the destination refuses.
        DamagedError: the source does not hold.
    """
    asked = made(Rm, request, options)
    wanted = [images] if isinstance(images, str) else list(images)
    if not wanted:
        raise UsageError(what="nothing is named that is to be removed")
    attached = asked.attestations is Attestations.DROP
    path = path_at(source)
    if _is_folder(path, dest, asked):
        change = partial(removed, wanted=wanted, attached=attached)
        return _folder(path, lambda place: change_names(place, change, dry_run=asked.dry_run))
    reshape = partial(removed_roots, wanted=wanted, attached=attached)
    return _names_written(path, dest, asked, reshape, progress)


def gc(
    source: str | os.PathLike[str],
    dest: str | os.PathLike[str] | None = None,
    request: Gc | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> CollectReport:
    """Remove what nothing leads to: blobs, and layers of a docker-archive.

    Args:
        source: the folder of a layout; or what else is a source, which is written again.
        dest: as for ``tag``.
        request: what is asked for; or else its fields as keywords, see ``Gc``.
        progress: told how far the work is.
        options: the fields of ``Gc``.

    Raises:
        DestinationError: the layout cannot be changed, or the destination refuses.
        DamagedError: a document does not hold, so that nobody knows what it leads to.
    """
    asked = made(Gc, request, options)
    path = path_at(source)
    if _is_folder(path, dest, asked):
        return _folder(
            path,
            lambda place: collect(place, older_than=asked.older_than, dry_run=asked.dry_run),
        )
    found: list[Collected] = []

    def shape(opened: Source, job: Job, usual: Options) -> Options:
        del job
        blobs = [Collected(name=name, size=member.size) for name, member in orphans_of(opened)]
        found.extend(blobs)
        return attrs.evolve(usual, editing=NOTHING)

    written = rewrite(path, dest, asked, shape, progress=progress)
    return CollectReport(path=path, removed=tuple(found), dry_run=asked.dry_run, written=written)


def _names_written(
    path: str,
    dest: str | os.PathLike[str] | None,
    asked: Tag | Rm,
    reshape: Callable[[tuple[Root, ...]], Reshaped],
    progress: Progress | None,
) -> NamesReport:
    """Write a source again under other names."""
    done: list[Reshaped] = []

    def change(roots: tuple[Root, ...]) -> tuple[Root, ...]:
        done.append(reshape(roots))
        return done[-1].roots

    def shape(opened: Source, job: Job, usual: Options) -> Options:
        del opened, job
        return attrs.evolve(usual, editing=NOTHING, reshape=change)

    written = rewrite(path, dest, asked, shape, progress=progress)
    added = done[-1].added
    if not asked.dry_run and dest != STANDARD_INPUT:
        added = _known(added, path if dest is None else located(path_text(dest)).path)
    return NamesReport(
        path=path,
        added=added,
        removed=done[-1].removed,
        dry_run=asked.dry_run,
        written=written,
    )


def _known(names: tuple[Renamed, ...], path: str) -> tuple[Renamed, ...]:
    """The names with the digests that they stand for, where only the result tells them."""
    if all(each.digest is not None for each in names):
        return names
    there = {each.name: each.digest for each in list_images(path).images}
    return tuple(attrs.evolve(each, digest=there.get(each.name)) for each in names)


_DOCUMENTS = (layout.MARKER, layout.INDEX, dockersave.MANIFEST)
_Report = TypeVar("_Report")


def _is_folder(path: str, dest: str | os.PathLike[str] | None, asked: Keeping) -> bool:
    """Whether the folder of a layout is to be changed where it is; all else is written again.

    Raises:
        UsageError: nobody says where the result goes.
        NotAnImageError: there is nothing.
    """
    here = dest is None and path != STANDARD_INPUT
    there = [os.path.lexists(os.path.join(path, name)) for name in _DOCUMENTS]
    if here and there == [True, True, False]:
        return True
    if here and not os.path.lexists(path):
        open_source(path).close()  # says so
    require_place(dest, asked)
    return False


def _folder(path: str, change: Callable[[Place], _Report]) -> _Report:
    with Outputs() as outputs:
        return change(outputs.look("SOURCE", path))
