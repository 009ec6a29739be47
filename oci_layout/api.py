"""What the package does, in calls: the only place that joins sources, plans and sinks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import attrs

from oci_layout.errors import UsageError
from oci_layout.mediatype import Family
from oci_layout.plan.options import Compress, Options, Renames
from oci_layout.plan.planning import make_plan
from oci_layout.plan.report import Report
from oci_layout.platform import Platform
from oci_layout.sink.archive import write_archive, write_stream
from oci_layout.sink.atomic import check_destination
from oci_layout.sink.layoutdir import write_layout
from oci_layout.sink.work import Meter
from oci_layout.source.opening import Source, open_source

STANDARD_OUTPUT = "-"
_COMPRESSED = (".tar.gz", ".tgz", ".tar.zst", ".tzst")
_FOREIGN = (".zip", ".tar.xz", ".txz", ".tar.bz2", ".tbz", ".tbz2", ".tar.lz4", ".7z", ".rar", ".gz", ".xz")


@attrs.frozen(kw_only=True)
class Progress:
    """Told how far the work is.

    Args:
        start: called once with all bytes to read.
        advance: called with bytes read, from any thread.
    """

    start: Callable[[int], None]
    advance: Callable[[int], None]


def destination_kind(dest: str) -> str:
    """``directory``, ``archive`` or ``stream``, by the name of a destination.

    Raises:
        UsageError: a suffix of an archive that is not written.
    """
    if dest == STANDARD_OUTPUT:
        return "stream"
    lower = dest.lower()
    if lower.endswith(".tar"):
        return "archive"
    for suffix in (*_COMPRESSED, *_FOREIGN):
        if lower.endswith(suffix):
            raise UsageError(
                what=f"{dest}: archives with the suffix {suffix} are not written",
                hint="use .tar for an archive, no suffix for a directory",
            )
    return "directory"


def repack(
    source: str | Source,
    dest: str | None,
    *,
    target: Family | str,
    pure: bool = False,
    compression: str | Compress = "auto",
    images: tuple[str, ...] = (),
    platforms: tuple[Platform | str, ...] = (),
    names: tuple[str, ...] = (),
    force: bool = False,
    dry_run: bool = False,
    tmp: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Convert the images of a source.

    Args:
        source: a path, ``-`` for standard input, or an open source.
        dest: ``x.tar`` for an archive, ``-`` for one on standard output, anything else for a
            directory; None only with ``dry_run``.
        target: ``oci`` or ``docker``: whose media types come out.
        pure: leave ``manifest.json`` out of an archive.
        compression: ``auto``, ``keep``, ``none``, ``gzip[:LEVEL]`` or ``zstd[:LEVEL]``.
        images: names or digests to take; all by default.
        platforms: ``os/arch[/variant]`` to take; all by default.
        names: ``NAME`` for a single image, or ``OLD=NEW``.
        force: replace an archive or a clean layout at the destination.
        dry_run: only report.
        tmp: directory for temporary files; beside the destination by default.
        jobs: blobs at a time; the number of cores by default.
        progress: told how far the work is.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    kind = "directory" if dest is None else destination_kind(dest)
    family = Family(target)
    options = Options(
        target=family,
        docker_view=(kind != "directory" or family is Family.DOCKER) and not pure,
        compress=Compress.parse(compression) if isinstance(compression, str) else compression,
        images=images,
        platforms=_platforms(platforms),
        renames=Renames.parse(names),
    )
    if dest is not None and kind != "stream":
        check_destination(dest, directory=kind == "directory", force=force)
    if isinstance(source, Source):
        return _run(source, dest, kind, options, force, dry_run, tmp, jobs, progress)
    spool = tmp
    if spool is None and dest is not None and kind != "stream":
        spool = os.path.dirname(os.path.abspath(dest))
    with open_source(source, tmp=spool) as opened:
        return _run(opened, dest, kind, options, force, dry_run, tmp, jobs, progress)


def _platforms(texts: tuple[Platform | str, ...]) -> tuple[Platform, ...]:
    result = []
    for text in texts:
        if text == "all":
            return ()
        try:
            result.append(text if isinstance(text, Platform) else Platform.parse(text))
        except ValueError as error:
            raise UsageError(what=f"--platform: {error}") from error
    return tuple(result)


def _run(
    source: Source,
    dest: str | None,
    kind: str,
    options: Options,
    force: bool,
    dry_run: bool,
    tmp: str | None,
    jobs: int | None,
    progress: Progress | None,
) -> Report:
    began = time.monotonic()
    plan = make_plan(source, options)

    def report(**fields: object) -> Report:
        return Report(
            source=source.label,
            source_kind=source.description,
            destination="standard output" if dest == STANDARD_OUTPUT else dest or "",
            destination_kind=_describe(kind, options),
            warnings=tuple(source.findings.found),
            **fields,  # type: ignore[arg-type]  # the rest of Report's own fields
        )

    if dry_run or dest is None:
        if plan.unknown:
            return report(dry_run=True, images=tuple(plan.preview()), changes=())
        documents = plan.documents({})
        return report(
            dry_run=True, images=tuple(documents.images), changes=tuple(documents.changes)
        )
    if progress is not None:
        progress.start(plan.bytes_to_read)
    meter = Meter(progress.advance if progress is not None else None)
    workers = jobs or os.cpu_count() or 1
    if kind == "directory":
        done = write_layout(plan, dest, force=force, meter=meter, workers=workers)
    elif kind == "archive":
        done = write_archive(plan, dest, force=force, tmp=tmp, meter=meter, workers=workers)
    else:
        done = write_stream(plan, 1, tmp=tmp, meter=meter, workers=workers)
    documents, _, size = done
    return report(
        dry_run=False,
        images=tuple(documents.images),
        changes=tuple(documents.changes),
        bytes_written=size,
        seconds=round(time.monotonic() - began, 3),
    )


def _describe(kind: str, options: Options) -> str:
    family = "Docker" if options.target is Family.DOCKER else "OCI"
    form = "directory" if kind == "directory" else "archive"
    return f"{family} {form}" + (", with manifest.json" if options.docker_view else "")
