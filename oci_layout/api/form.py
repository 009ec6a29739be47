"""The form that a source has, written again: what is changed in it is asked of the caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from oci_layout.api.bases import open_asked
from oci_layout.api.conversion import Job, convert_sources, files_read
from oci_layout.api.words import Progress
from oci_layout.blobs.compress import AUTO
from oci_layout.disk.outputs import Outputs
from oci_layout.errors import DestinationError, TargetError, UsageError, damage_in
from oci_layout.finding import FailFast
from oci_layout.mediatype import Compression
from oci_layout.option import path_text
from oci_layout.plan.options import Options
from oci_layout.plan.report import Report
from oci_layout.plan.request import Attestations, Edit, Format, Keeping, Repack, Sparse
from oci_layout.sink.destination import Destination, Form
from oci_layout.source.kinds import DIR, DOCKER, DOCKER_STORE, HYBRID, LAYOUT, REGISTRY, V1
from oci_layout.source.opening import STANDARD_INPUT, Source
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

Shape = Callable[[Source, Job, Options], Options]


def require_place(dest: str | os.PathLike[str] | None, asked: Keeping) -> None:
    """Refuse a request that says nowhere, or twice, where the result goes.

    Raises:
        UsageError: it does.
    """
    if dest is not None and asked.in_place:
        raise UsageError(what="a destination, and --in-place", hint="leave one out")
    if dest is None and not asked.in_place and not asked.dry_run:
        raise UsageError(what="a destination is needed", hint="-o DEST, or --in-place")


def rewrite(
    path: str,
    dest: str | os.PathLike[str] | None,
    asked: Keeping,
    shape: Shape,
    *,
    read: Sequence[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Write a source again in its own form, changed.

    Args:
        path: of the source.
        dest: as for ``repack``; None with ``in_place`` or ``dry_run``.
        asked: where and how.
        shape: gives the options of the conversion: what is to be other than it is.
        read: files that are read beside.
        progress: told how far the work is.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    if asked.in_place and path == STANDARD_INPUT:
        raise UsageError(what="--in-place: standard input has no place", hint="-o DEST")
    files = [] if asked.in_place else files_read(path)
    with Outputs(*files, *read) as outputs, ExitStack() as stack:
        beside = path if asked.in_place else None if dest is None else path_text(dest)
        opened = open_asked(
            path,
            asked,
            stack,
            progress,
            findings=FailFast(),
            tmp=asked.tmp or _beside(beside),
            limit=asked.limit,
            memory=asked.limit_memory,
        )
        to = _FORMATS.get(opened.kind, Format.OCI)
        destination = _destination(opened, path, dest, asked, to)
        asked_for = _repack(asked, to, replaces=asked.in_place and not destination.in_place)
        job = Job.look(asked_for, destination, outputs, progress)
        docker_view = to is Format.DOCKER or opened.kind is HYBRID
        if any(is_delta(root.node) for root in opened.roots):
            raise TargetError(
                what="layers are told as deltas, which are of images as they are",
                where=Where(file=opened.label),
                hint="layout repack --base completes it first",
            )
        with damage_in(opened.label):
            options = shape(opened, job, Options.of(asked_for, docker_view=docker_view))
            return convert_sources([opened], job, options)


def _destination(
    source: Source, path: str, dest: str | os.PathLike[str] | None, asked: Keeping, to: Format
) -> Destination:
    if asked.in_place:
        return _in_place(source, path)
    if dest is not None:
        return Destination.at(located(path_text(dest)), to)
    return Destination(path="", form=Form.ARCHIVE) if source.archive else Destination.nowhere(to)


def _beside(path: str | None) -> str | None:
    """The directory for temporary files: that of the result."""
    if path is None or path == STANDARD_INPUT:
        return None
    return os.path.dirname(os.path.realpath(path))


def _repack(asked: Keeping, to: Format, *, replaces: bool) -> Repack:
    """The conversion that leaves all as it is: the form, the media types, what is absent."""
    edit = asked if isinstance(asked, Edit) else None
    return Repack(
        to=to,
        compression=AUTO,
        sparse=Sparse.KEEP,
        attestations=edit.attestations if edit is not None else Attestations.KEEP,
        preserve_digests=edit is not None and edit.preserve_digests,
        dry_run=asked.dry_run,
        force=asked.force or replaces,
        bases=asked.bases,
        registry_host=asked.registry_host,
        namespace=asked.namespace,
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
            what=f"is not changed in place: {why}", where=Where(file=path), hint="-o DEST"
        )
    if source.archive:
        return Destination(path=path, form=Form.ARCHIVE, outer=source.outer, told=True)
    plain = source.kind is LAYOUT
    return Destination(path=path, form=Form.DIRECTORY, told=True, in_place=plain)
