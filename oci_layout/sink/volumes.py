"""Writes a result as volumes of a size and their list: all of them appear, or none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import run
from oci_layout.blobs.task import Fact, Task
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.disk.draft import Draft
from oci_layout.disk.folder import Identity, identity
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.place import Place, PlaceKind, failed
from oci_layout.errors import DestinationError
from oci_layout.finding import Finding, Severity
from oci_layout.limits import CHUNK
from oci_layout.model.volumelist import SUFFIX, ListedVolume, PartialName, VolumeList
from oci_layout.plan.cutting import Volume, cut
from oci_layout.plan.planning import Plan
from oci_layout.plan.report import VolumeReport
from oci_layout.sink.archive import TarPlan, fill, lay_out, learn, outcomes, until_placed
from oci_layout.sink.outfile import OutFile
from oci_layout.sink.staging import Staging
from oci_layout.sink.writable import require_writable
from oci_layout.sink.written import Written
from oci_layout.where import Where

_TAR = ".tar"


def list_path(path: str) -> str:
    """The name of the list of an archive's volumes: ``x.volumes.json`` for ``x.tar``."""
    return path[: -len(_TAR)] + SUFFIX


def volume_path(path: str, number: int, count: int) -> str:
    """The name of a volume; numbers are of one width, so that a shell lists them in order.

    Args:
        path: of the archive that is cut.
        number: of the volume, from 1 on.
        count: how many there are.
    """
    return f"{path[: -len(_TAR)]}.vol{number:0{len(str(count))}}{path[-len(_TAR) :]}"


def require_volumes(path: str, *, force: bool) -> None:
    """Refuse a first volume that is there already, before any work.

    Args:
        path: of the archive that is cut.
        force: whether files that were there may be replaced.

    Raises:
        DestinationError: it must not be replaced.
    """
    first = volume_path(path, 1, 1)
    if os.path.lexists(first) and not force:
        raise DestinationError(
            what="exists already", where=Where(file=first), hint="--force replaces it"
        )


@attrs.frozen(kw_only=True)
class Cutting:
    """How a result is cut, and where to.

    Args:
        path: of the archive that would be written otherwise.
        size: bytes that a volume may have.
        place: of the list, as it was found.
        outputs: all that this run reads and writes.
        force: whether files that were there may be replaced.
        tmp: directory for staging; None for the destination's own.
    """

    path: str
    size: int
    place: Place
    outputs: Outputs
    force: bool
    tmp: str | None


def write_volumes(plan: Plan, how: Cutting, pool: Pool) -> Written:
    """Carry a plan out into volumes.

    Args:
        plan: what to do.
        how: size and place of the volumes.
        pool: does the work on blobs.

    Raises:
        TargetError: a layer is larger than a volume.
        DestinationError: the destination refuses.
        DamagedError: the source does not hold what it says.
    """
    places: dict[str, Place] = {}
    with closing(Staging(how.tmp or how.place.parent.path)) as staging:
        return until_placed(
            plan, pool, lambda known: _write(plan, how, places, staging, known, pool)
        )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Written:
    """A volume on disk, under a name that is not its own yet."""

    volume: Volume
    draft: Draft
    size: int


def _write(
    plan: Plan,
    how: Cutting,
    places: dict[str, Place],
    staging: Staging,
    predicted: Mapping[str, Fact],
    pool: Pool,
) -> Written:
    known = learn(plan, staging, predicted, pool)
    documents = plan.documents(known)
    results = outcomes(plan, known)
    sizes = {
        digest: size
        for digest, size in (results[task.key] for task in plan.work)
        if digest not in documents.blobs
    }
    volumes = cut(documents, sizes, how.size)
    count = len(volumes)
    paths = [volume_path(how.path, number, count) for number in range(1, count + 1)]
    for path in paths:
        if path not in places:
            places[path] = _look(path, how)
    facts: dict[str, Fact] = {}
    with ExitStack() as drafts:
        written = []
        for path, volume in zip(paths, volumes, strict=True):
            draft = drafts.enter_context(Draft(places[path], directory=False, replace=how.force))
            tasks = _tasks(plan, volume, results)
            laid_out = lay_out(volume.documents, tasks, results)
            _require_small(laid_out, how.size)
            facts.update(fill(draft.fd, laid_out, tasks, staging, pool))
            written.append(_Written(volume=volume, draft=draft, size=laid_out.size))
        rest = [task for task in plan.work if task.key not in facts]  # documents, read as blobs
        checked = pool.do_all(
            rest, lambda task: staging.facts.get(task.key) or run(task, pool=pool)
        )
        facts.update(checked)
        names = [os.path.basename(path) for path in paths]
        listed = _listed(written, names)
        _appear(written, listed, how)
    _tell_others(plan, how, names)
    return Written(
        documents=documents,
        facts=facts,
        size=sum(each.size for each in written),
        volumes=tuple(map(_report, listed.volumes)),
    )


def _look(path: str, how: Cutting) -> Place:
    place = how.outputs.look("--output", path)
    try:
        require_writable(place, directory=False, force=how.force)
    except OSError as error:
        raise failed(error, path) from error
    return place


def _tasks(plan: Plan, volume: Volume, results: Mapping[str, tuple[Digest, int]]) -> list[Task]:
    """The tasks whose blobs a volume holds, in the order of the plan."""
    held = set(volume.blobs)
    return [task for task in plan.work if results[task.key][0] in held]


def _require_small(laid_out: TarPlan, size: int) -> None:
    if laid_out.size > size:
        raise AssertionError(f"a volume of {laid_out.size} bytes, where {size} are allowed")


def _sum(fd: int) -> str:
    """The sum of a file, hex."""
    running, at = hashlib.sha256(), 0
    while data := os.pread(fd, CHUNK, at):
        running.update(data)
        at += len(data)
    return running.hexdigest()


def _listed(written: Sequence[_Written], names: Sequence[str]) -> VolumeList:
    every = []
    for each, name in zip(written, names, strict=True):
        partial = each.volume.partial
        every.append(
            ListedVolume(
                file=name,
                size=each.size,
                sha256=_sum(each.draft.fd),
                images=each.volume.images,
                partial=None
                if partial is None
                else PartialName(
                    name=partial.name.familiar, of=partial.of, image_ids=partial.image_ids
                ),
                needs=tuple(names[number - 1] for number in each.volume.needs),
                entries=each.volume.entries,
            )
        )
    return VolumeList(volumes=tuple(every))


def _report(volume: ListedVolume) -> VolumeReport:
    partial = volume.partial
    return VolumeReport(
        file=volume.file,
        size=volume.size,
        sha256=volume.sha256,
        images=volume.images,
        partial=partial.name if partial is not None else "",
        partial_of=partial.of if partial is not None else "",
        partial_ids=partial.image_ids if partial is not None else (),
        needs=volume.needs,
    )


def _appear(written: Sequence[_Written], listed: VolumeList, how: Cutting) -> None:
    """Let all volumes appear, the list last; where one cannot, those that are new vanish again."""
    with Draft(how.place, directory=False, replace=how.force) as draft, _or_none() as appearing:
        OutFile(draft.fd).write(listed.to_bytes())
        for each in (*(volume.draft for volume in written), draft):
            if each.place.kind is PlaceKind.ABSENT:  # it may fail after it has got its name
                appearing.append((each.place, identity(os.fstat(each.fd))))
            each.appear()


@contextmanager
def _or_none() -> Iterator[list[tuple[Place, Identity]]]:
    """Takes what is to appear; removes what has appeared on an error, the last one first."""
    appearing: list[tuple[Place, Identity]] = []
    try:
        yield appearing
    except BaseException:
        for place, itself in reversed(appearing):
            with contextlib.suppress(OSError):
                there = place.parent.status(place.name)
                if there is not None and identity(there) == itself:
                    place.parent.unlink(place.name)
        raise


def _tell_others(plan: Plan, how: Cutting, names: Sequence[str]) -> None:
    """Tell of volumes beside these that are of another set, and are left alone."""
    there: list[str] = []
    with contextlib.suppress(OSError):  # all is written: nobody need know
        there = how.place.parent.names()
    found = of_another_set(how.path, there, names)
    if found is not None:
        plan.findings.add(found)


def of_another_set(path: str, there: Iterable[str], names: Sequence[str]) -> Finding | None:
    """What to say of volumes that are of another set; None where there are none.

    Args:
        path: of the archive that was cut.
        there: all names beside it.
        names: of its volumes.
    """
    stem = os.path.basename(path)[: -len(_TAR)]
    volume = re.compile(re.escape(stem) + r"\.vol[0-9]+\.tar", re.IGNORECASE)
    others = sorted(set(filter(volume.fullmatch, there)) - set(names))
    if not others:
        return None
    return Finding(
        code="other-volumes",
        severity=Severity.WARNING,
        message=f"{plural(len(others), 'volume')} of another set beside these, {others[0]} first",
        where=Where(file=list_path(path)),
        hint="load what the list names; nothing was removed",
    )
