"""Checking: a source, and what targets make of it."""

from __future__ import annotations

import os
import platform as machine
from contextlib import ExitStack
from typing import Any

import attrs

from oci_layout.api.bases import have_lists, open_asked
from oci_layout.api.words import Progress, chosen_at, made
from oci_layout.api.work import Work
from oci_layout.blobs.task import Task
from oci_layout.errors import UsageError
from oci_layout.finding import Findings, Severity
from oci_layout.graph.selection import Choice, select
from oci_layout.graph.walk import walk
from oci_layout.platform import Platform
from oci_layout.source.opening import Source
from oci_layout.streams.dryunpack import Snagged, unpack_on_paper
from oci_layout.streams.reader import Reader
from oci_layout.targets.asking import Asked, CheckReport, ask
from oci_layout.targets.facts import Facts, gather
from oci_layout.targets.layersread import LayersRead
from oci_layout.targets.repairing import Repairs
from oci_layout.targets.request import Check
from oci_layout.targets.target import USUAL, Target
from oci_layout.verification.blobs import BlobList, look

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def check(
    source: str | os.PathLike[str],
    request: Check | None = None,
    *,
    progress: Progress | None = None,
    **options: Any,
) -> CheckReport:
    """Say which engines will load a source, under which names and image IDs, and why others not.

    Args:
        source: a path, or ``-`` for standard input.
        request: what is asked for; or else its fields as keywords, see ``Check``.
        progress: told how far the reading of blobs is.
        options: the fields of ``Check``.

    Raises:
        DamagedError: it is cut short, before it says what it holds.
        NotAnImageError: it is not an image of any kind.
        SelectionError: there is no such image.
        UsageError: a target that is not known, or no platform.
    """
    checked = made(Check, request, options)
    source, checked = chosen_at(source, checked)
    images = tuple(checked.images)
    asked = [Target.parse(text) for text in checked.targets or USUAL]
    host = _host(checked.platform)
    findings = Findings()
    have = have_lists(checked.have, [source], checked.tmp, checked.namespace)
    with ExitStack() as stack:
        opened = open_asked(source, checked, stack, progress, findings=findings)
        _require_loadable(opened)
        roots = select(opened.roots, Choice(images=images), Findings())
        wanted = Asked.of(images, roots)
        facts = gather(opened, source, None, have)
        if checked.full:
            layers = _read(opened, facts, findings, checked.jobs, progress)
            facts = attrs.evolve(facts, layers=layers)
        repairs = Repairs(facts, host, images)
        found = sorted(dict.fromkeys(findings.found), key=lambda each: _RANK[each.severity])
        return CheckReport(
            source=opened.label,
            source_kind=opened.description,
            platform=host,
            full=checked.full,
            answers=tuple(ask(facts, target, host, wanted, repairs) for target in asked),
            findings=tuple(found),
            left_out=findings.left_out,
        )


def _require_loadable(opened: Source) -> None:
    """Refuse what stands for several files, none of which an engine loads as what it stands for.

    Raises:
        UsageError: it is a list of volumes, or parts of a file.
    """
    if opened.volumes:
        raise UsageError(
            what=f"{opened.label}: engines load volumes, not their list",
            hint="check one volume, with --have for each before it",
        )
    if opened.parts:
        raise UsageError(what=f"{opened.label}: engines load no parts", hint="check the whole file")


def _host(platform: Platform | str | None) -> Platform:
    if isinstance(platform, Platform):
        return platform.normalised()
    try:
        return Platform.parse(platform or f"linux/{machine.machine().lower()}").normalised()
    except ValueError as error:
        raise UsageError(what=f"--platform: {error}") from error


def _read(
    opened: Source,
    facts: Facts,
    findings: Findings,
    jobs: int | None,
    progress: Progress | None,
) -> LayersRead:
    """Read every blob; what was found in each, and what stands in the way of unpacking it."""
    blobs = BlobList()
    blobs.add_source(opened)
    # What engines see, though the documents that list it are refused here.
    for entry in facts.index or ():
        for node in walk(entry.node):
            blobs.add_node(node, entry.label)
    for saved in facts.saved or ():
        blobs.add_layers([layer.member for layer in saved.layers], saved.label)
    listed = list(blobs.tasks.values())
    if progress is not None:
        progress.start(sum(job.member.size for job in listed))
    snags: dict[str, tuple[Snagged, ...]] = {}

    def unpack(task: Task, tar: Reader) -> None:
        snags[task.member.name] = unpack_on_paper(tar, task.expected[0].where)

    with Work.of(jobs=jobs, limit=None, progress=progress).pool() as pool:
        looked = look(listed, inner=True, pool=pool, inside=unpack)
    for result in looked.values():
        for finding in result.findings:
            findings.add(finding)
    damage = {name: result.findings for name, result in looked.items()}
    digests = {
        name: (result.fact.stored_digest, result.fact.diff_id) for name, result in looked.items()
    }
    return LayersRead(damage=damage, digests=digests, snags=snags)
