"""Conversion: sources, a plan and a sink joined."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import attrs

from oci_layout.api.bases import have_lists, open_asked, open_bases
from oci_layout.api.fitting import legacy, require_deltas_fit, require_referrers
from oci_layout.api.olds import open_old
from oci_layout.api.words import Progress, chosen_at, made, path_at
from oci_layout.api.work import Work
from oci_layout.blobs.known import Remembered
from oci_layout.blobs.recalling import learned, recalled
from oci_layout.codes import BYTES
from oci_layout.counting import plural
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place
from oci_layout.errors import DamagedError, LayoutError, UsageError, damage_in
from oci_layout.finding import REPAIRABLE, Deferring, FailFast, Findings, Repairing
from oci_layout.graph.nodes import Image, ImageIndex
from oci_layout.graph.walk import walk
from oci_layout.havelist.values import Finds, Thinning
from oci_layout.mediatype import Family
from oci_layout.option import path_text
from oci_layout.plan.change import Change
from oci_layout.plan.namerules import Renames, Rule
from oci_layout.plan.options import Options
from oci_layout.plan.planning import Plan, make_plan
from oci_layout.plan.report import Report
from oci_layout.plan.request import Edit, Format, Merge, Repack, Writing
from oci_layout.sink.deltas import Deltas, Old
from oci_layout.sink.destination import Destination, look, prepare, write
from oci_layout.source.lookup import Holdings
from oci_layout.source.opening import STANDARD_INPUT, Source, files_of, open_source
from oci_layout.source.parts import without_parts
from oci_layout.source.transports import file_and_folder, located
from oci_layout.targets.target import Target
from oci_layout.where import Where


def repack(
    source: str | os.PathLike[str] | Source,
    dest: str | os.PathLike[str] | None = None,
    request: Repack | None = None,
    *,
    progress: Progress | None = None,
    remembered: Remembered | None = None,
    used: set[Rule] | None = None,
    **options: Any,
) -> Report:
    """Convert the images of a source.

    Args:
        source: a path, ``-`` for standard input, or an open source.
        dest: ``x.tar`` for an archive (``.tar.gz``, ``.tar.zst`` for a compressed one), ``-`` for
            one on standard output, anything else for a directory; None only with ``dry_run``.
        request: what is asked for; or else its fields as keywords: ``to="oci"``, see ``Repack``.
        progress: told how far the work is.
        remembered: knows layers of other sources, and takes in those of this one.
        used: takes the rules for names that had something to do; None where all must have.
        options: the fields of ``Repack``.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    asked = made(Repack, request, options)
    destination = _destination(dest, asked)
    if asked.link and dest is not None and not destination.directory:
        raise UsageError(what="--link is for directories", hint="leave it out, or -o DIRECTORY")
    if asked.link and asked.to is Format.REGISTRY:
        raise UsageError(what="--link: a registry's files are its own", hint="leave it out")
    if asked.legacy:
        asked = legacy(asked, destination)
    if asked.delta:
        require_deltas_fit(asked)
    require_referrers(asked)
    if not isinstance(source, Source):
        source, asked = chosen_at(source, asked)
    thinning = _thinning(asked, *([source] if isinstance(source, str) else ()))
    with Outputs(*files_read(source), *read_besides(asked)) as outputs:
        job = Job.look(asked, destination, outputs, progress, remembered)
        with ExitStack() as stack:
            bases = open_bases(asked, stack)
            old = open_old(asked.have, asked.tmp, asked.namespace, stack) if asked.delta else []
            opened = (
                source
                if isinstance(source, Source)
                else open_asked(
                    source,
                    asked,
                    stack,
                    progress,
                    findings=_findings(asked),
                    bases=bases,
                    tmp=asked.tmp or destination.beside,
                    repair=asked.repair,
                    limit=asked.limit,
                    memory=asked.limit_memory,
                )
            )
            (opened,) = _completed([opened], job, asked, stack)
            return _repack(opened, job, asked, thinning, old, used)


def _destination(dest: str | os.PathLike[str] | None, asked: Writing) -> Destination:
    """Where the result goes, as it is called; nowhere where a dry run has none.

    Raises:
        UsageError: there is none, or none that is.
    """
    if dest is None:
        if not asked.dry_run:
            raise UsageError(what="a destination is needed")
        return Destination.nowhere(asked.to)
    where = located(path_text(dest))
    return Destination.at(where, asked.to).cut(asked.volume_size, append=asked.append)


def files_read(source: str | Source) -> list[str]:
    """What is read of a source, without the folder inside that is meant.

    Args:
        source: its path, or what was opened.
    """
    if not isinstance(source, str):
        return [source.store.label]
    return files_of(file_and_folder(source)[0])


def _read(sources: Sequence[str]) -> list[str]:
    return [path for source in sources for path in files_read(source)]


def read_besides(asked: Writing | Edit) -> list[str]:
    """Files that are read beside the sources, and so are no destinations.

    Args:
        asked: names them.
    """
    every = [path_at(each) for each in (*asked.bases, *getattr(asked, "have", ()))]
    return _read([*(each for each in every if each != STANDARD_INPUT), *asked.name_files])


def _thinning(asked: Writing, *sources: str) -> Thinning | None:
    """What is to be left out.

    Args:
        asked: whether anything is.
        sources: that are read.

    Raises:
        UsageError: ``--for`` without ``--have``, or where everything has to be there.
    """
    if not asked.have:
        if asked.reader is not None:
            raise UsageError(what="--for goes with --have", hint="layout check SOURCE --for TARGET")
        return None
    if asked.to in (Format.DIR, Format.REGISTRY):
        raise UsageError(what=f"--have: --to {asked.to} writes all blobs", hint="--to oci")
    if asked.append:
        raise UsageError(
            what="--have goes not with --append: a layout that is added to stays whole",
            hint="leave one out",
        )
    have = have_lists(asked.have, sources, asked.tmp, asked.namespace)
    finds = Target.parse(asked.reader).finds if asked.reader is not None else Finds.EVERY
    if finds is Finds.NOTHING:
        raise UsageError(
            what=f"--for: {asked.reader!r} keeps no image, and so finds nothing of one",
            hint="name the engine that it copies to",
        )
    return Thinning(have=have, finds=finds)


def _findings(asked: Writing) -> Findings:
    """Who is told of damage: with a choice one must know it first."""
    if asked.images or asked.platforms:
        return Deferring(repair=asked.repair)
    return Repairing() if asked.repair else FailFast()


def _repack(
    source: Source,
    job: Job,
    asked: Repack,
    thinning: Thinning | None,
    old: Sequence[Old],
    used: set[Rule] | None,
) -> Report:
    if asked.link and source.archive:
        raise UsageError(
            what="--link takes the blobs of a directory, and the source is an archive",
            hint="leave it out",
        )
    options = Options.of(asked, docker_view=_docker_view(job.destination, asked))
    options = attrs.evolve(options, thinning=thinning, used=used)
    if asked.to is Format.DIR:
        options = attrs.evolve(options, target=_family_of(source))
    if job.destination.name is not None:
        if options.renames:
            raise UsageError(what="--name, and a name in the destination", hint="leave one out")
        renames = Renames.single(job.destination.name)
        options = attrs.evolve(options, renames=renames)
    with damage_in(source.label), _repairable():
        return convert_sources([source], job, options, old)


@contextmanager
def _repairable() -> Iterator[None]:
    """Say what to do about bytes that are not what documents say."""
    try:
        yield
    except DamagedError as error:
        if error.code in BYTES and not error.hint:
            meant = "; --repair takes the bytes as they are, if they are meant so"
            error.hint = f"copy the file again{meant if error.code in REPAIRABLE else ''}"
        raise


def merge(
    sources: Sequence[str | os.PathLike[str]],
    dest: str | os.PathLike[str] | None = None,
    request: Merge | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> Report:
    """Put the images of several sources into one layout or archive.

    Args:
        sources: paths; ``-`` for standard input, once.
        dest: as for ``repack``.
        request: what is asked for; or else its fields as keywords, see ``Merge``.
        progress: told how far the work is.
        options: the fields of ``Merge``.

    Raises:
        LayoutError: see its subclasses; each knows its exit status.
    """
    asked = made(Merge, request, options)
    if isinstance(sources, str | os.PathLike):
        raise UsageError(what="merge takes a list of sources, not a single one")
    every = without_parts([path_at(each) for each in sources])
    if asked.to is Format.DIR:
        raise UsageError(what="a dir: directory holds one image", hint="--to oci or --to docker")
    if not every or every.count(STANDARD_INPUT) > 1:
        raise UsageError(what="at least one source, and standard input once at the most")
    require_referrers(asked)
    destination = _destination(dest, asked)
    if destination.name is not None:
        raise UsageError(
            what="a name in the destination is that of one image",
            where=Where(file=destination.label),
            hint="leave it out; --name gives names",
        )
    thinning = _thinning(asked, *every)
    with ExitStack() as stack:
        outputs = stack.enter_context(Outputs(*_read(every), *read_besides(asked)))
        job = Job.look(asked, destination, outputs, progress)
        bases = open_bases(asked, stack)
        opened = [
            open_asked(
                source,
                asked,
                stack,
                progress,
                findings=_findings(asked),
                bases=bases,
                tmp=asked.tmp or destination.beside,
                repair=asked.repair,
                limit=asked.limit,
                memory=asked.limit_memory,
            )
            for source in dict.fromkeys(every)
        ]
        opened = _completed(opened, job, asked, stack)
        options_ = Options.of(asked, docker_view=_docker_view(destination, asked))
        options_ = attrs.evolve(options_, thinning=thinning)
        with _repairable():
            return convert_sources(opened, job, options_)


def _completed(
    sources: Sequence[Source], job: Job, asked: Writing, stack: ExitStack
) -> list[Source]:
    """The sources, each with what it lacks taken from the others, or from what is added to.

    Args:
        sources: opened.
        job: knows the destination.
        asked: whether it is added to.
        stack: closes what is opened for it.
    """
    if all(source.whole for source in sources):
        return list(sources)
    holdings = [source.contents.lent(source.label) for source in sources]
    there: list[Holdings] = []
    if asked.append and job.place is not None:
        with suppress(LayoutError):  # whoever adds to it will say so
            layout = stack.enter_context(open_source(job.place.real, findings=Findings()))
            there.append(layout.contents.lent(layout.label))
    return [
        source.completed([*holdings[:number], *holdings[number + 1 :], *there])
        for number, source in enumerate(sources)
    ]


@attrs.frozen(kw_only=True)
class Job:
    """Where the result goes, what was found there before the work, and how the work is done."""

    destination: Destination
    place: Place | None
    outputs: Outputs
    work: Work

    @classmethod
    def look(
        cls,
        asked: Writing,
        destination: Destination,
        outputs: Outputs,
        progress: Progress | None,
        remembered: Remembered | None = None,
    ) -> Job:
        """Look at the destination, if there is one.

        Args:
            asked: how it is to be written.
            destination: where the result goes.
            outputs: all that this run reads and writes.
            progress: told how far the work is.
            remembered: knows layers of other sources.
        """
        return cls(
            destination=destination,
            place=look(destination, asked, outputs) if destination.path else None,
            outputs=outputs,
            work=Work.of(
                jobs=asked.jobs,
                limit=asked.limit,
                memory=asked.limit_memory,
                progress=progress,
                remembered=remembered,
            ),
        )


def _docker_view(destination: Destination, asked: Writing) -> bool:
    if asked.pure or asked.to in (Format.DIR, Format.REGISTRY):
        return False
    return asked.to is Format.DOCKER or not destination.directory


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


def convert_sources(
    sources: Sequence[Source], job: Job, options: Options, old: Sequence[Old] = ()
) -> Report:
    """Plan, and carry the plan out.

    Args:
        sources: opened.
        job: where the result goes, and how the work is done.
        options: what was asked for.
        old: what layers may be told as deltas of.
    """
    began = time.monotonic()
    destination, dry_run = job.destination, options.request.dry_run
    findings = Findings()
    plan = make_plan(sources, options, findings, on_conflict=options.request.on_conflict)
    remembered = job.work.remembered
    if remembered is not None:
        plan = attrs.evolve(plan, tasks=recalled(plan.tasks, remembered))
    findings.found[:0] = [each for source in sources for each in source.findings.found]
    prepare(plan, destination, findings)
    report = Report(
        source=", ".join(source.label for source in sources),
        source_kind=sources[0].description if len(sources) == 1 else plural(len(sources), "source"),
        destination=destination.label,
        destination_kind=destination.describe(options.target, options.docker_view),
        destination_note=destination.note,
        dry_run=dry_run,
        images=(),
        changes=(),
        warnings=(),
    )
    kept = _kept_types(plan, destination)
    if dry_run:
        told = _predicted(plan, report)
        return attrs.evolve(told, changes=(*told.changes, *kept), warnings=tuple(findings.found))
    if job.work.progress is not None:
        job.work.progress.start(plan.bytes_to_read)
    with job.work.pool() as pool, ExitStack() as stack:
        if old:
            tmp = options.request.tmp or destination.beside
            deltas = stack.enter_context(Deltas(old, tmp, pool, job.work.jobs))
            plan = deltas.planned(plan, findings)
        done = write(plan, destination, job.place, options.request, pool, job.outputs)
    if remembered is not None:
        learned(plan.tasks, done.facts, remembered)
    documents, facts = done.documents, done.facts.values()
    listed = documents.docker is not None
    return attrs.evolve(
        report,
        destination_kind=destination.describe(options.target, listed),
        images=tuple(documents.images),
        artifacts=tuple(documents.artifacts),
        changes=(*documents.changes, *kept),
        warnings=tuple(dict.fromkeys(findings.found)),
        check=options.request.check,
        linked=sum(fact.linked == "file" for fact in facts),
        cloned=sum(fact.linked == "blocks" for fact in facts),
        added=done.added,
        volumes=done.volumes,
        bytes_written=done.size,
        seconds=round(time.monotonic() - began, 3),
    )


def _kept_types(plan: Plan, destination: Destination) -> tuple[Change, ...]:
    """Who takes media types that stay as they are, since digests are to."""
    options = plan.options
    loaded = options.request.to is Format.OCI  # a registry is loaded by nobody
    if not (options.request.preserve_digests and options.keeps_types and loaded):
        return ()
    from oci_layout.targets.taking import kept_types  # noqa: PLC0415  the rules of all engines

    return kept_types(plan, destination.label, archive=not destination.directory)


def _predicted(plan: Plan, report: Report) -> Report:
    """The report before any work: exact where the source's word is enough."""
    if plan.unknown:
        artifacts = tuple(plan.preview_artifacts())
        return attrs.evolve(report, images=tuple(plan.preview()), artifacts=artifacts)
    documents = plan.documents({})
    return attrs.evolve(
        report,
        images=tuple(documents.images),
        artifacts=tuple(documents.artifacts),
        changes=tuple(documents.changes),
    )
