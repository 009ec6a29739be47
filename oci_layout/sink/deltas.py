"""Makes deltas of the layers of a plan: before the result is written, into an unnamed file."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs

from oci_layout import limits
from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import run
from oci_layout.blobs.task import Expected, Task
from oci_layout.closing import Closing
from oci_layout.delta import form
from oci_layout.delta.applying import apply
from oci_layout.delta.catalogue import Catalogue
from oci_layout.delta.form import Opening
from oci_layout.delta.making import Told, make
from oci_layout.delta.stretch import Stretch
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError, DestinationError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Layer
from oci_layout.mediatype import Compression
from oci_layout.plan.deltas import Delta
from oci_layout.plan.planning import Plan
from oci_layout.plan.report import DeltaReport
from oci_layout.sink.outfile import OutFile
from oci_layout.source.restoring import REPRODUCIBLE
from oci_layout.source.spool import spool_directory, unnamed_file
from oci_layout.source.tars import Tars
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.heap import give_back_at_once
from oci_layout.streams.member import FileMember, Member
from oci_layout.streams.reader import HeldFile
from oci_layout.where import Where

_THREADS = 2  # that pack frames: each takes 50 MB, whatever it packs
_LARGE = 1 << 20


@attrs.frozen(kw_only=True, eq=False)
class Old:
    """A layer that the other side has.

    Args:
        layer: with its bytes.
        images: that have it.
    """

    layer: Layer
    images: tuple[str, ...]


class Deltas(Closing):
    """Makes deltas. A context manager; they can be read until it is closed.

    Args:
        old: what the other side has, base first.
        tmp: directory for temporary files; None for the usual one.
        pool: reads and checks layers.
        jobs: cores to use; what is made does not depend on it.
    """

    def __init__(self, old: Sequence[Old], tmp: str | None, pool: Pool, jobs: int) -> None:
        self._old = list(old)[: form.SOURCES]
        self._tmp, self._pool, self._jobs = tmp, pool, jobs
        self._tars = Tars(tmp)
        self._fd = -1
        self._catalogue: Catalogue | None = None

    def close(self) -> None:
        """Let the files vanish."""
        self._tars.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def planned(self, plan: Plan, findings: Findings) -> Plan:
        """The plan with deltas in the place of layers, where they are smaller.

        Args:
            plan: what to do.
            findings: told of layers that come back packed otherwise.

        Raises:
            DamagedError: a layer, old or new, is not what is stated of it.
        """
        preserve = plan.options.request.preserve_digests
        made: list[Delta] = []
        for task in plan.work:
            diff_id = _diff_id(task)
            if diff_id is None or task.stated_result is None:
                continue
            delta = self._delta(task, diff_id, exact=preserve)
            if delta is None:
                continue
            made.append(delta)
            if delta.packed or delta.target == diff_id:
                continue
            findings.note(
                "delta-repacked",
                f"{delta.target} comes back packed otherwise, or raw: nobody knows what packed it; "
                "the image ID stays, the digest of the manifest changes",
                task.expected[0].where,
                "--preserve-digests writes such layers whole",
            )
        if not made:
            return plan
        withheld = plan.thin.withheld | {delta.key for delta in made}
        return attrs.evolve(
            plan,
            tasks={**plan.tasks, **{delta.task.key: delta.task for delta in made}},
            thin=attrs.evolve(plan.thin, withheld=withheld),
            deltas=tuple(made),
        )

    def _delta(self, task: Task, diff_id: Digest, *, exact: bool) -> Delta | None:
        """The delta of one layer; None where the layer itself is to be written."""
        began = time.monotonic()
        run(task, pool=self._pool)  # whatever is stated of it holds
        result = task.stated_result
        tar = self._tars.of(task.member)
        packed = ""
        if task.stored is not Compression.NONE:
            packed = _packer(tar, task)
            if not packed and exact:
                return None
        start = self._end()
        told = self._made(tar, start + form.HEADER_BYTES)
        if told is None or result is None:
            return None
        opening = Opening(
            target=diff_id,
            size=tar.size,
            sources=tuple(
                old.layer.diff_id if number in told.layers else None
                for number, old in enumerate(self._old[: max(told.layers, default=-1) + 1])
            ),
        ).render()
        begin = start + form.HEADER_BYTES - len(opening)
        OutFile(self._fd, begin, durable=False).write(opening)
        size = self._end() - begin
        if size >= task.member.size:
            return None
        member = self._member(begin, size, f"delta of {diff_id}")
        self._require_right(member, told, tar, diff_id)
        digest = _digest(member)
        images = dict.fromkeys(name for number in told.layers for name in self._old[number].images)
        return Delta(
            key=task.key,
            task=_task(member, digest),
            digest=digest,
            size=size,
            target=result[0],
            diff_id=diff_id,
            packed=packed,
            report=DeltaReport(
                digest=digest,
                size=size,
                images=tuple(images),
                copied=told.copied,
                changed=told.changed,
                new=told.new,
                seconds=round(time.monotonic() - began, 3),
            ),
        )

    def _end(self) -> int:
        if self._fd < 0:
            self._fd = unnamed_file(spool_directory(self._tmp))
        return os.lseek(self._fd, 0, os.SEEK_END)

    def _known(self) -> Catalogue:
        """What the old layers hold; each is what its diff_id says, or nothing is built on it."""
        if self._catalogue is None:
            tars = []
            for old in self._old:
                if old.layer.member is None or old.layer.diff_id is None:
                    raise AssertionError("an old layer without bytes")
                tar = self._tars.of(old.layer.member)
                _require(tar, old.layer.diff_id, old.layer.member)
                tars.append(tar)
            self._catalogue = Catalogue(tars)
        return self._catalogue

    def _made(self, tar: Stretch, start: int) -> Told:
        out = OutFile(self._fd, start, durable=False)
        threads = min(self._jobs, _THREADS)
        give_back_at_once(_LARGE)
        try:
            with ThreadPoolExecutor(threads, thread_name_prefix="layout-delta") as executor:
                return make(tar, self._known(), out.write, executor=executor, ahead=threads)
        except OSError as error:
            raise DestinationError(
                what=error.strerror or str(error), where=Where(file=spool_directory(self._tmp))
            ) from error

    def _member(self, start: int, size: int, name: str) -> FileMember:
        held = HeldFile.adopt(os.dup(self._fd), name)
        self._tars.keep(held)
        return FileMember(name, size, start, lambda: (held, False))

    def _require_right(self, member: FileMember, told: Told, tar: Stretch, diff_id: Digest) -> None:
        """Apply the delta once: it makes the tar, or nothing is written."""
        layers = self._known().layers
        used = max(told.layers, default=-1) + 1
        digest = hashlib.new(diff_id.algorithm)
        for data in apply(self._tars.stored(member), list(layers[:used])):
            digest.update(data)
        if digest.hexdigest() != diff_id.hex:
            raise AssertionError(f"the delta of {diff_id} does not make its {tar.size} bytes")


def _diff_id(task: Task) -> Digest | None:
    """The diff_id of a layer that is kept as it is; None for what no delta is made of."""
    if task.opaque or task.encoding is not None or task.learn:
        return None
    return next((each.diff_id for each in task.expected if each.diff_id is not None), None)


def _chunks(tar: Stretch) -> Iterator[bytes]:
    for at in range(0, tar.size, limits.CHUNK):
        yield tar.get(at, min(limits.CHUNK, tar.size - at))


def _require(tar: Stretch, diff_id: Digest, member: Member) -> None:
    digest = hashlib.new(diff_id.algorithm)
    for data in _chunks(tar):
        digest.update(data)
    if digest.hexdigest() != diff_id.hex:
        raise DamagedError(
            what=f"the layer of --have is not {diff_id}",
            where=Where(file=member.store, member=member.name),
            hint="layout verify tells more",
            code="diffid-mismatch",
        )


def _digest(member: FileMember) -> Digest:
    digest, reader = hashlib.sha256(), member.open()
    while data := reader.read(limits.CHUNK):
        digest.update(data)
    return Digest("sha256", digest.hexdigest())


def _packer(tar: Stretch, task: Task) -> str:
    """The encoder of ours that packs a tar into the very layer; empty where none does."""
    stored = next((each.digest for each in task.expected if each.digest is not None), None)
    for encoding in REPRODUCIBLE:
        if encoding.compression is task.stored and stored is not None:
            return _name_if_same(encoding, tar, stored)
    return ""


def _name_if_same(encoding: Encoding, tar: Stretch, stored: Digest) -> str:
    digest, encoder = hashlib.new(stored.algorithm), encoding.encoder()
    for data in _chunks(tar):
        digest.update(encoder.compress(data))
    digest.update(encoder.flush())
    return encoding.encoder_name if digest.hexdigest() == stored.hex else ""


def _task(member: FileMember, digest: Digest) -> Task:
    """Writes a delta, as an opaque blob."""
    return Task(
        key=f"delta:{digest}",
        member=member,
        stored=Compression.NONE,
        encoding=None,
        opaque=True,
        learn=False,
        algorithm="sha256",
        expected=(Expected(where=Where(), digest=digest, size=member.size),),
    )


def old_layers(images: Mapping[Digest, Sequence[str]], layers: Sequence[Layer]) -> list[Old]:
    """Layers with the images that have them.

    Args:
        images: names by diff_id.
        layers: with bytes and diff_ids.
    """
    return [
        Old(layer=layer, images=tuple(images.get(layer.diff_id, ())))
        for layer in layers
        if layer.diff_id is not None
    ]
