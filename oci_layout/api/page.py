"""A page of one source, or of two: the reports of other verbs joined, and written whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import attrs

from oci_layout.api.bases import open_asked
from oci_layout.api.checking import check
from oci_layout.api.comparison import diff
from oci_layout.api.verification import verify
from oci_layout.api.words import Progress, choice_of, chosen_at, made
from oci_layout.api.work import Work
from oci_layout.batchlines.reading import are_lines, lines_of
from oci_layout.blobs.pool import Pool
from oci_layout.comparison.request import Diff
from oci_layout.disk.draft import Draft
from oci_layout.disk.outputs import STANDARD_STREAM, Outputs
from oci_layout.disk.place import Place, PlaceKind
from oci_layout.errors import DestinationError, LayoutError, UsageError, damage_in
from oci_layout.graph.nodes import Image, Root
from oci_layout.graph.walk import images
from oci_layout.inspection.report import InspectReport
from oci_layout.inspection.tree import chosen, tree
from oci_layout.option import path_text
from oci_layout.page.comparing import comparison_page
from oci_layout.page.request import Page
from oci_layout.page.shelf import ShelfPage
from oci_layout.page.single import source_page
from oci_layout.page.values import Key, PageContents, PageReport
from oci_layout.rootfs.layers import layer_tars
from oci_layout.rootfs.usage import Usage, usage
from oci_layout.source.opening import files_of
from oci_layout.source.spool import write_all
from oci_layout.source.transports import file_and_folder, located
from oci_layout.targets.request import Check
from oci_layout.targets.target import Target
from oci_layout.verification.request import Depth, Verify
from oci_layout.where import Where

_READ = 20  # images whose files are read
# What may be asked of sources alone, not of the lines of a batch.
_OF_SOURCES = ("images", "platforms", "targets", "quick", "bases", "registry_host", "namespace")


def report_page(
    source: str | os.PathLike[str],
    dest: str | os.PathLike[str],
    request: Page | None = None,
    *,
    against: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> PageReport:
    """Write one page of HTML that tells all of a source, or what differs between two.

    Args:
        source: a path; also of the lines of JSON that ``batch`` wrote, of which the page has all.
        dest: the page.
        request: what is asked for; or else its fields as keywords, see ``Page``.
        against: another source: the page compares the two.
        progress: told how far the reading of layers is.
        options: the fields of ``Page``.

    Raises:
        DamagedError: nothing can be shown of it, so damaged it is.
        NotAnImageError: it is not an image of any kind.
        SelectionError: no such image or platform.
        DestinationError: the page is there already, or cannot be written.
        UsageError: standard input, which can be read once; or what may not be asked of lines.
        ReadError: the lines of a batch cannot be read.
    """
    asked = made(Page, request, options)
    sources = tuple(map(path_text, (source,) if against is None else (source, against)))
    for each in sources:
        if each == STANDARD_STREAM:
            raise UsageError(
                what="standard input can be read once, and a report reads it several times",
                hint="save it to a file first",
            )
    lines = any(map(are_lines, sources))
    if lines:
        _require_one_shelf(sources, asked)
    output = path_text(dest)
    with Outputs(*(sources if lines else _read(sources)), *asked.bases) as outputs:
        place = _place(outputs, output, force=asked.force)
        if lines:
            report, pieces = _of_shelf(sources[0], output)
        else:
            report, pieces = _of_sources(sources, output, asked, progress)
        written = 0
        with Draft(place, directory=False, replace=asked.force) as draft:
            for piece in pieces:
                data = piece.encode("utf-8")
                write_all(draft.fd, data)
                written += len(data)
            draft.appear()
    return attrs.evolve(report, size=written)


def _read(sources: Iterable[str]) -> list[str]:
    """The files that sources are made of."""
    return [path for each in sources for path in files_of(file_and_folder(located(each).path)[0])]


def _require_one_shelf(sources: tuple[str, ...], asked: Page) -> None:
    """Refuse what means nothing where the lines of a batch are told of.

    Raises:
        UsageError: something does.
    """
    if len(sources) > 1:
        lines = next(filter(are_lines, sources))
        raise UsageError(
            what="a report of layout batch is not compared with anything",
            where=Where(file=lines),
            hint="give it alone",
        )
    default = Page()
    given = [name for name in _OF_SOURCES if getattr(asked, name) != getattr(default, name)]
    if given:
        raise UsageError(
            what="is a report of layout batch: no image is read for its page",
            where=Where(file=sources[0]),
            hint=f"leave out what chooses or finds images: {', '.join(given)}",
        )


def _of_shelf(source: str, output: str) -> tuple[PageReport, Iterable[str]]:
    page = ShelfPage(source, lines_of(source))
    report = PageReport(
        sources=(source,),
        output=output,
        size=0,
        images=page.images,
        sound=None,
        verdict=None,
        shelved=page.sources,
        failed=page.failed,
    )
    return report, page.pieces()


def _of_sources(
    sources: tuple[str, ...], output: str, asked: Page, progress: Progress | None
) -> tuple[PageReport, Iterable[str]]:
    report = PageReport(sources=sources, output=output, size=0, images=0, sound=None, verdict=None)
    if len(sources) == 1:
        contents = gathered(sources[0], asked, progress)
        verified = contents.verified
        sound = None if isinstance(verified, str) else not verified.failed
        count = contents.inspected.totals.images
        return attrs.evolve(report, images=count, sound=sound), [source_page(contents)]
    compared = diff(sources[0], sources[1], _diff(asked), progress=progress)
    verdict = str(compared.verdict)
    report = attrs.evolve(report, images=len(compared.pairs), verdict=verdict)
    return report, [comparison_page(compared)]


def _place(outputs: Outputs, path: str, *, force: bool) -> Place:
    """Look at the place before any work.

    Raises:
        DestinationError: what is there must not be touched.
    """
    place, where = outputs.look("--output", path), Where(file=path)
    if place.kind not in (PlaceKind.ABSENT, PlaceKind.FILE):
        raise DestinationError(what=f"is {place.kind.value}", where=where)
    if place.kind is PlaceKind.FILE and not force:
        raise DestinationError(what="exists already", where=where, hint="--force replaces it")
    return place


def _diff(asked: Page) -> Diff:
    return Diff(
        images=asked.images,
        platforms=asked.platforms,
        files=not asked.quick,
        bases=asked.bases,
        tmp=asked.tmp,
        registry_host=asked.registry_host,
        namespace=asked.namespace,
    )


def gathered(
    source: str | os.PathLike[str], asked: Page, progress: Progress | None = None
) -> PageContents:
    """All that a page tells of one source.

    Args:
        source: a path.
        asked: which images, and how deep to look.
        progress: told how far the reading of layers is.

    Raises:
        UsageError: an engine that nobody knows.
        DamagedError: nothing can be shown of it.
    """
    path, asked = chosen_at(source, asked)
    shared: dict[str, Any] = {
        "bases": asked.bases,
        "tmp": asked.tmp,
        "registry_host": asked.registry_host,
        "namespace": asked.namespace,
    }
    for target in asked.targets:
        Target.parse(target)
    depth = Depth.QUICK if asked.quick else Depth.FULL
    inspected, usages = _inspected(path, asked, progress)
    return PageContents(
        inspected=inspected,
        verified=_tried(
            lambda: verify(path, Verify(check=depth, limit=asked.limit, jobs=asked.jobs, **shared))
        ),
        checked=_tried(
            lambda: check(path, Check(images=asked.images, targets=asked.targets, **shared))
        ),
        usages=usages,
    )


def _tried(ask: Any) -> Any:
    """What a verb reports, or why it cannot, as of a list of volumes: then the page says that."""
    try:
        return ask()
    except LayoutError as error:
        return str(error)


def _inspected(
    path: str, asked: Page, progress: Progress | None
) -> tuple[InspectReport, dict[Key, Usage | str]]:
    choice = choice_of(asked)
    with ExitStack() as stack:
        opened = open_asked(path, asked, stack, progress, lone=True, limit=asked.limit)
        stack.enter_context(damage_in(opened.label))
        roots = chosen(opened, choice)
        report = tree(opened, roots)
        if asked.quick:
            return report, {}
        work = Work.of(jobs=asked.jobs, limit=asked.limit, progress=progress)
        with work.pool() as pool:
            return report, _usages(roots, opened.label, pool, progress)


def _usages(
    roots: tuple[Root, ...], source: str, pool: Pool, progress: Progress | None
) -> dict[Key, Usage | str]:
    """What the layers of each image take; of an image that cannot be read, why."""
    found: dict[Key, Usage | str] = {}
    every = {_key(image): (root, image) for root in roots for image in images(root.node)}
    some = list(every.items())
    if progress is not None:
        progress.start(sum(_bytes(image) for _, (_, image) in some[:_READ]))
    for number, (key, (root, image)) in enumerate(some):
        if number >= _READ:
            found[key] = f"the files of the first {_READ} images were read: --image chooses others"
            continue
        try:
            found[key] = usage(layer_tars(image, root.label, source, pool))
        except LayoutError as error:
            found[key] = f"the files could not be read: {error}"
    return found


def _bytes(image: Image) -> int:
    return sum(layer.member.size for layer in image.layers if layer.member is not None)


def _key(image: Image) -> Key:
    digest = str(image.descriptor.digest) if image.descriptor is not None else ""
    image_id = "" if image.made_from else str(image.config.digest)
    members = tuple(
        layer.there.member.name if layer.there is not None and layer.there.member else ""
        for layer in image.layers
    )
    return digest, image_id, members
