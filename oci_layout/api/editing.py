"""Editing: a source is opened, what is to be edited of it is found, and it is written as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import attrs

from oci_layout.api.bases import open_bases
from oci_layout.api.conversion import Job, convert_sources, files_read, read_besides
from oci_layout.api.words import Progress, chosen_at, made, watch_of
from oci_layout.blobs.compress import AUTO
from oci_layout.blobs.run import is_late
from oci_layout.blobs.task import TaskList, member_key
from oci_layout.digest import Digest
from oci_layout.disk.outputs import Outputs
from oci_layout.errors import DestinationError, SelectionError, TargetError, UsageError, damage_in
from oci_layout.finding import FailFast, Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.referrers import spellings
from oci_layout.graph.selection import Choice, describe, select
from oci_layout.graph.walk import every_image, images, walk
from oci_layout.mediatype import Compression, Family
from oci_layout.option import path_text
from oci_layout.plan.editing import Editing, identity
from oci_layout.plan.edits import Wanted
from oci_layout.plan.namerules import Renames
from oci_layout.plan.options import Options
from oci_layout.plan.report import Report
from oci_layout.plan.request import Edit, Format, Repack, Sparse
from oci_layout.platform import Platform
from oci_layout.sink.destination import Destination, Form
from oci_layout.source.kinds import DIR, DOCKER, DOCKER_STORE, HYBRID, LAYOUT, REGISTRY, V1
from oci_layout.source.opening import STANDARD_INPUT, Source, open_source
from oci_layout.source.restoring import is_delta
from oci_layout.source.transports import located
from oci_layout.where import Where

_FORMATS = {
    DOCKER: Format.DOCKER,
    DOCKER_STORE: Format.DOCKER,
    V1: Format.DOCKER,
    DIR: Format.DIR,
    REGISTRY: Format.REGISTRY,
}
_PACKED = (Compression.NONE, Compression.GZIP, Compression.ZSTD)


def edit(
    source: str | os.PathLike[str],
    dest: str | os.PathLike[str] | None = None,
    request: Edit | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Edit configs, annotations, platforms, times and names of the images of a source.

    Args:
        source: a path, or ``-`` for standard input.
        dest: as for ``repack``; None with ``in_place`` or ``dry_run``.
        request: what is asked for; or else its fields as keywords, see ``Edit``.
        progress: told how far the work is.
        options: the fields of ``Edit``.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    asked = made(Edit, request, options)
    if dest is not None and asked.in_place:
        raise UsageError(what="a destination, and --in-place", hint="leave one out")
    if dest is None and not asked.in_place and not asked.dry_run:
        raise UsageError(what="a destination is needed", hint="-o DEST, or --in-place")
    wanted = Wanted.parse(asked)
    renames = Renames.parse(tuple(asked.names), tuple(asked.name_files))
    if not wanted and not renames:
        raise UsageError(what="nothing is to be edited", hint="--label, --env, --name ...")
    path, asked = chosen_at(source, asked)
    if asked.in_place and path == STANDARD_INPUT:
        raise UsageError(what="--in-place: standard input has no place", hint="-o DEST")
    patch = [asked.patch] if asked.patch is not None else []
    read = [] if asked.in_place else files_read(path)
    with Outputs(*read, *read_besides(asked), *patch) as outputs, ExitStack() as stack:
        beside = path if asked.in_place else None if dest is None else path_text(dest)
        opened = stack.enter_context(
            open_source(
                path,
                findings=FailFast(),
                tmp=asked.tmp or _beside(beside),
                limit=asked.limit,
                memory=asked.limit_memory,
                watch=watch_of(progress),
                bases=open_bases(asked, stack),
                host=asked.registry_host,
            )
        )
        kind = opened.kind
        to = _FORMATS.get(kind, Format.OCI)
        if asked.in_place:
            destination = _in_place(opened, path)
        elif dest is None:
            destination = Destination.nowhere(to)
            if opened.archive:
                destination = Destination(path="", form=Form.ARCHIVE)
        else:
            destination = Destination.at(located(path_text(dest)), to)
        if destination.name is not None:
            if renames:
                raise UsageError(what="--name, and a name in the destination", hint="leave one out")
            renames = Renames.single(destination.name)
        asked_for = _repack(asked, to, replaces=asked.in_place and not destination.in_place)
        job = Job.look(asked_for, destination, outputs, progress)
        shaped = Options.of(asked_for, docker_view=to is Format.DOCKER or kind is HYBRID)
        with damage_in(opened.label):
            editing = _editing(opened, asked, wanted, job)
            if renames:
                editing = attrs.evolve(editing, index=None)
            return convert_sources(
                [opened], job, attrs.evolve(shaped, renames=renames, editing=editing)
            )


def _beside(path: str | None) -> str | None:
    """The directory for temporary files: that of the result."""
    if path is None or path == STANDARD_INPUT:
        return None
    return os.path.dirname(os.path.realpath(path))


def _repack(asked: Edit, to: Format, *, replaces: bool) -> Repack:
    """The conversion that leaves all as it is: the form, the media types, what is absent."""
    return Repack(
        to=to,
        compression=AUTO,
        sparse=Sparse.KEEP,
        attestations=asked.attestations,
        preserve_digests=asked.preserve_digests,
        dry_run=asked.dry_run,
        force=asked.force or replaces,
        bases=asked.bases,
        registry_host=asked.registry_host,
        limit=asked.limit,
        limit_memory=asked.limit_memory,
        jobs=asked.jobs,
        tmp=asked.tmp,
    )


def _in_place(source: Source, path: str) -> Destination:
    """The source as a destination.

    Raises:
        DestinationError: it is none that is written in one piece.
    """
    why = ""
    if source.folder or path != source.label:
        why = "it is a folder of something else"
    elif source.volumes or source.parts:
        why = "it lies in several files"
    elif source.kind not in (DOCKER, V1, HYBRID, LAYOUT):
        why = f"it is {source.kind}"
    elif source.outer not in _PACKED or source.inner is not Compression.NONE:
        why = f"{source.inner if source.outer in _PACKED else source.outer} is not written"
    if why:
        raise DestinationError(
            what=f"is not edited in place: {why}", where=Where(file=path), hint="-o DEST"
        )
    if source.archive:
        return Destination(path=path, form=Form.ARCHIVE, outer=source.outer, told=True)
    plain = source.kind is LAYOUT
    return Destination(path=path, form=Form.DIRECTORY, told=True, in_place=plain)


def _editing(source: Source, asked: Edit, wanted: Wanted, job: Job) -> Editing:
    """What is to be edited in a source.

    Raises:
        SelectionError: no such image or platform, or no image at all.
        DamagedError: a layer cannot be read whose times are to be edited.
        TargetError: its layers are told as deltas.
    """
    if any(is_delta(root.node) for root in source.roots):
        raise TargetError(
            what="layers are told as deltas, which are of images as they are",
            hint="layout repack --base completes it first",
        )
    platforms = tuple(each for each in asked.platforms if isinstance(each, Platform))
    choice = Choice(images=tuple(asked.images), platforms=platforms)
    chosen = select(source.roots, choice, Findings())
    found = frozenset(identity(image) for root in chosen for image in images(root.node))
    if not found:
        raise SelectionError(
            what="there is no image to edit", hint=f"the source has {describe(source.roots)}"
        )
    editing = Editing(
        wanted=wanted,
        images=found,
        index=source.contents.index,
        attached=frozenset(_attached(source.roots, found)),
    )
    if not wanted.layers:
        return editing
    return attrs.evolve(editing, late=_late(source, editing, job))


def _attached(roots: tuple[Root, ...], found: frozenset[Digest]) -> Iterator[str]:
    """The digests that change: those of images, and of indexes that lead to one."""
    for root in roots:
        for node in walk(root.node):
            inner = {identity(image) for image in images(node)}
            if node.descriptor is not None and inner & found:
                yield from spellings(node.descriptor.digest)


def _late(source: Source, editing: Editing, job: Job) -> frozenset[str]:
    """The layers that have files after the latest time: each is read to know it."""
    latest = editing.wanted.latest
    tasks = TaskList(Family.OCI, AUTO)
    for root, image in every_image(source.roots):
        for number, layer in enumerate(image.layers if editing.holds(image) else ()):
            if not layer.opaque:
                tasks.layer(layer, Where(image=root.label, layer=number))
    if latest is None:
        return frozenset()
    seconds = latest.seconds
    with attrs.evolve(job.work, progress=None).pool() as pool:
        every = list(tasks)
        found = pool.do_all(every, lambda task: is_late(task, seconds, pool))
    return frozenset(member_key(task.member) for task in every if found[task.key])
