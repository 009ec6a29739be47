"""Editing: a source is opened, what is to be edited of it is found, and it is written as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import attrs

from oci_layout.api.conversion import Job, read_besides
from oci_layout.api.form import require_place, rewrite
from oci_layout.api.words import Progress, choice_of, chosen_at, made
from oci_layout.blobs.compress import AUTO
from oci_layout.blobs.run import is_late
from oci_layout.blobs.task import TaskList, member_key
from oci_layout.digest import Digest
from oci_layout.errors import SelectionError, UsageError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Root
from oci_layout.graph.referrers import spellings
from oci_layout.graph.selection import describe, select
from oci_layout.graph.walk import every_image, images, walk
from oci_layout.mediatype import Family
from oci_layout.plan.editing import Editing, identity
from oci_layout.plan.edits import Wanted
from oci_layout.plan.namerules import Renames
from oci_layout.plan.options import Options
from oci_layout.plan.report import Report
from oci_layout.plan.request import Edit
from oci_layout.source.opening import Source
from oci_layout.where import Where


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
    require_place(dest, asked)
    wanted = Wanted.parse(asked)
    renames = Renames.parse(tuple(asked.names), tuple(asked.name_files))
    if not wanted and not renames:
        raise UsageError(what="nothing is to be edited", hint="--label, --env, --name ...")
    path, asked = chosen_at(source, asked)

    def shape(opened: Source, job: Job, usual: Options) -> Options:
        names, name = renames, job.destination.name
        if name is not None:
            if names:
                raise UsageError(what="--name, and a name in the destination", hint="leave one out")
            names = Renames.single(name)
        editing = _editing(opened, asked, wanted, job)
        if names:
            editing = attrs.evolve(editing, index=None)
        return attrs.evolve(usual, renames=names, editing=editing)

    read = [*read_besides(asked), *([asked.patch] if asked.patch is not None else [])]
    return rewrite(path, dest, asked, shape, read=read, progress=progress)


def _editing(source: Source, asked: Edit, wanted: Wanted, job: Job) -> Editing:
    """What is to be edited in a source.

    Raises:
        SelectionError: no such image or platform, or no image at all.
        DamagedError: a layer cannot be read whose times are to be edited.
    """
    choice = choice_of(asked)
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
