"""Conversion: sources, a plan and a sink joined."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

import attrs

from oci_layout.api.words import Progress, one_of, parse_platforms
from oci_layout.api.work import Work
from oci_layout.blobs.compress import Compress
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place
from oci_layout.errors import UsageError
from oci_layout.finding import FailFast, Findings, Repairing
from oci_layout.graph.nodes import Image, ImageIndex
from oci_layout.graph.walk import walk
from oci_layout.mediatype import Family
from oci_layout.plan.options import Format, Options, Renames
from oci_layout.plan.planning import Plan, make_plan
from oci_layout.plan.report import Report
from oci_layout.platform import Platform
from oci_layout.sink.destination import Destination, Form, Writing, prepare, write
from oci_layout.source.opening import STANDARD_INPUT, Source, open_source

_CONFIGS = ("auto", "keep", "oci")
_ALGORITHMS = ("sha256", "sha512")


@attrs.frozen(kw_only=True)
class _To:
    """Where the result goes, how it is written, and what was found there before the work."""

    destination: Destination
    writing: Writing
    place: Place | None

    @classmethod
    def look(
        cls, destination: Destination, writing: Writing, outputs: Outputs, *, wanted: bool
    ) -> _To:
        """Look at the destination, if there is one."""
        place = writing.look(destination, outputs) if wanted else None
        return cls(destination=destination, writing=writing, place=place)


def repack(
    source: str | Source,
    dest: str | None,
    *,
    target: Format | Family | str,
    pure: bool = False,
    legacy: bool = False,
    compression: str | Compress = "auto",
    config: str = "auto",
    images: tuple[str, ...] = (),
    platforms: tuple[Platform | str, ...] = (),
    names: tuple[str, ...] = (),
    sparse: str = "prune",
    attestations: str = "keep",
    digest: str | None = None,
    repair: bool = False,
    preserve_digests: bool = False,
    force: bool = False,
    append: bool = False,
    on_conflict: str = "error",
    dry_run: bool = False,
    check: str = "full",
    link: bool = False,
    limit: int | None = None,
    tmp: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Convert the images of a source.

    Args:
        source: a path, ``-`` for standard input, or an open source.
        dest: ``x.tar`` for an archive (``.tar.gz``, ``.tar.zst`` for a compressed one), ``-`` for
            one on standard output, anything else for a directory; None only with ``dry_run``.
        target: ``oci`` or ``docker``: whose media types come out; ``dir`` for a ``dir:``.
        pure: leave ``manifest.json`` out of an archive.
        legacy: write a Docker archive that Docker 1.0 to 1.9 read too.
        compression: ``auto``, ``keep``, ``none``, ``gzip[:LEVEL]`` or ``zstd[:LEVEL]``.
        config: ``auto`` repairs an invalid config, ``keep`` never touches one, ``oci`` leaves only
            what the image spec defines.
        images: names or digests to take; all by default.
        platforms: ``os/arch[/variant]`` to take; all by default.
        names: ``NAME`` for a single image, or ``OLD=NEW``.
        sparse: ``prune`` leaves what is absent out of an index, ``keep`` leaves it in, ``fail``
            refuses.
        attestations: ``keep`` or ``drop`` what is attached to images.
        digest: ``sha256`` or ``sha512`` for new blobs; that of the source by default.
        repair: write what the bytes say where documents say otherwise.
        preserve_digests: refuse whatever would change the digest of a manifest.
        force: replace an archive or a clean layout at the destination.
        append: add to a layout directory.
        on_conflict: ``error``, ``first`` or ``last``: who keeps a name when appending.
        dry_run: only report.
        check: ``full``; ``digests``: layers that are kept as they are packed are not unpacked to
            compare their diff_ids.
        link: let blobs of a layout that are kept be linked, not copied; of those only the size
            is checked.
        limit: bytes that layers may grow to beyond a ratio of 200, all together; 8 GiB by default.
        tmp: directory for temporary files; beside the destination by default.
        jobs: cores to use; all by default.
        progress: told how far the work is.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    wanted = Format(str(target))
    one_of("--config", config, _CONFIGS)
    if digest is not None:
        one_of("--digest", digest, _ALGORITHMS)
    if dest is None and not dry_run:
        raise UsageError(what="a destination is needed")
    destination = (
        Destination(path="", form=Form.DIR if wanted is Format.DIR else Form.DIRECTORY)
        if dest is None
        else Destination.parse(dest, wanted)
    )
    writing = Writing(
        force=force,
        append=append,
        on_conflict=on_conflict,
        tmp=tmp,
    )
    one_of("--check", check, ("full", "digests"))
    if link and dest is not None and not destination.directory:
        raise UsageError(what="--link is for directories", hint="leave it out, or -o DIRECTORY")
    work = Work.of(jobs=jobs, limit=limit, progress=progress)
    if legacy:
        compression = _legacy_compression(wanted, destination, compression, pure=pure)
    options = Options(
        target=Family.DOCKER if wanted is Format.DOCKER else Family.OCI,
        docker_view=_docker_view(destination, wanted, pure),
        compress=Compress.parse(compression) if isinstance(compression, str) else compression,
        images=images,
        platforms=parse_platforms(platforms),
        renames=Renames.parse(names),
        sparse=one_of("--sparse", sparse, ("prune", "keep", "fail")),
        attestations=one_of("--attestations", attestations, ("keep", "drop")),
        legacy=legacy,
        config=config,
        repair=repair,
        preserve_digests=preserve_digests,
        check=check,
        link=link,
        algorithm=digest,
    )

    def convert(opened: Source) -> Report:
        if link and opened.archive:
            raise UsageError(
                what="--link takes the blobs of a directory, and the source is an archive",
                hint="leave it out",
            )
        chosen = options
        if wanted is Format.DIR:
            chosen = attrs.evolve(options, target=_family_of(opened))
        return _convert([opened], to, chosen, work, dry_run)

    with Outputs(source if isinstance(source, str) else source.store.label) as outputs:
        to = _To.look(destination, writing, outputs, wanted=dest is not None)
        if isinstance(source, Source):
            return convert(source)
        findings = Repairing() if repair else FailFast()
        spool = tmp or destination.beside if dest is not None else tmp
        with open_source(
            source, findings=findings, tmp=spool, repair=repair, limit=work.limit
        ) as opened:
            return convert(opened)


def merge(
    sources: tuple[str, ...],
    dest: str,
    *,
    target: Format | Family | str = "oci",
    pure: bool = False,
    compression: str | Compress = "auto",
    force: bool = False,
    on_conflict: str = "error",
    tmp: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Put the images of several sources into one layout or archive.

    Args:
        sources: paths; ``-`` for standard input, once.
        dest: as for ``repack``.
        target: ``oci`` or ``docker``: whose media types come out.
        pure: leave ``manifest.json`` out of an archive.
        compression: as for ``repack``.
        force: replace an archive or a clean layout at the destination.
        on_conflict: ``error``, ``first`` or ``last``: who keeps a name that two sources give to
            two images.
        tmp: directory for temporary files; beside the destination by default.
        jobs: cores to use; all by default.
        progress: told how far the work is.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    wanted = Format(str(target))
    if wanted is Format.DIR:
        raise UsageError(what="a dir: directory holds one image", hint="--to oci or --to docker")
    if not sources or sources.count(STANDARD_INPUT) > 1:
        raise UsageError(what="at least one source, and standard input once at the most")
    destination = Destination.parse(dest, wanted)
    writing = Writing(force=force, on_conflict=on_conflict, tmp=tmp)
    work = Work.of(jobs=jobs, limit=None, progress=progress)
    options = Options(
        target=Family(wanted.value),
        docker_view=_docker_view(destination, wanted, pure),
        compress=Compress.parse(compression) if isinstance(compression, str) else compression,
    )
    with ExitStack() as stack:
        outputs = stack.enter_context(Outputs(*sources))
        to = _To.look(destination, writing, outputs, wanted=True)
        opened = [
            stack.enter_context(open_source(source, tmp=tmp or destination.beside))
            for source in dict.fromkeys(sources)
        ]
        return _convert(opened, to, options, work, dry_run=False)


def _legacy_compression(
    target: Format, destination: Destination, compression: str | Compress, *, pure: bool
) -> str:
    """Old engines read raw layers out of an archive, nothing else."""
    if target is not Format.DOCKER or pure:
        raise UsageError(what="--legacy goes with --to docker")
    if destination.path and destination.directory:
        raise UsageError(what="--legacy writes an archive", hint="-o x.tar")
    if compression not in ("auto", "none"):
        raise UsageError(what="--legacy writes raw layers", hint="leave --compression out")
    return "none"


def _docker_view(destination: Destination, target: Format, pure: bool) -> bool:
    if pure or target is Format.DIR:
        return False
    return target is Format.DOCKER or not destination.directory


def _family_of(source: Source) -> Family:
    """The vocabulary that a ``dir:`` keeps: that of the source; Docker's where it has none."""
    for root in source.roots:
        for node in walk(root.node):
            if isinstance(node, ImageIndex):
                return node.index.family
            if isinstance(node, Image) and node.manifest is not None:
                return node.manifest.family
            if not isinstance(node, Image):
                return Family.OCI
    return Family.DOCKER


def _convert(
    sources: Sequence[Source],
    to: _To,
    options: Options,
    work: Work,
    dry_run: bool,
) -> Report:
    began = time.monotonic()
    destination, writing = to.destination, to.writing
    findings = Findings()
    for source in sources:
        findings.found.extend(source.findings.found)
    plan = make_plan(sources, options, findings, on_conflict=writing.on_conflict)
    prepare(plan, destination, findings)
    report = Report(
        source=", ".join(source.label for source in sources),
        source_kind=sources[0].description if len(sources) == 1 else f"{len(sources)} sources",
        destination=destination.label,
        destination_kind=destination.describe(options.target, options.docker_view),
        dry_run=dry_run,
        images=(),
        changes=(),
        warnings=(),
    )
    if dry_run:
        return attrs.evolve(_predicted(plan, report), warnings=tuple(findings.found))
    if work.progress is not None:
        work.progress.start(plan.bytes_to_read)
    with work.pool() as pool:
        done = write(plan, destination, to.place, writing, pool)
    documents, facts = done.documents, done.facts.values()
    listed = documents.docker is not None
    return attrs.evolve(
        report,
        destination_kind=destination.describe(options.target, listed),
        images=tuple(documents.images),
        changes=tuple(documents.changes),
        warnings=tuple(dict.fromkeys(findings.found)),
        check=options.check,
        linked=sum(fact.linked == "file" for fact in facts),
        cloned=sum(fact.linked == "blocks" for fact in facts),
        bytes_written=done.size,
        seconds=round(time.monotonic() - began, 3),
    )


def _predicted(plan: Plan, report: Report) -> Report:
    """The report before any work: exact where the source's word is enough."""
    if plan.unknown:
        return attrs.evolve(report, images=tuple(plan.preview()))
    documents = plan.documents({})
    return attrs.evolve(report, images=tuple(documents.images), changes=tuple(documents.changes))
