"""Writes an archive: the small documents first, then the blobs, each at an offset known before."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TypeVar

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import Write, run
from oci_layout.blobs.task import Fact, Task
from oci_layout.digest import Digest
from oci_layout.disk.draft import Draft
from oci_layout.disk.place import Place, failed
from oci_layout.errors import DestinationError
from oci_layout.mediatype import Compression
from oci_layout.plan.assemble import Documents
from oci_layout.plan.files import blob_name, documents_of
from oci_layout.plan.planning import Plan
from oci_layout.sink.outfile import OutFile, OverflowingError, begin_write_back, preallocate
from oci_layout.sink.staging import Staging
from oci_layout.sink.written import Written
from oci_layout.source.spool import spool_directory, write_all
from oci_layout.streams import tarwrite
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.member import FileMember
from oci_layout.streams.reader import chunks
from oci_layout.where import Where

_COPY = 16 << 20  # bytes copied in the kernel at a time, between looks at the meter


@attrs.frozen(kw_only=True)
class Slot:
    """A blob's place in the archive.

    Args:
        task: where its bytes come from.
        header: tar header.
        offset: of its data, in the archive.
        size: of its data.
    """

    task: Task
    header: bytes
    offset: int
    size: int


@attrs.frozen(kw_only=True)
class TarPlan:
    """The whole archive, before a blob is written.

    Args:
        head: documents, with their tar headers and padding.
        slots: the blobs, in order.
        spare: tasks whose result stands in the archive already; they are only checked.
        tail: links to blobs that stand before it.
        end: offset of the end-of-archive marker.
    """

    head: bytes
    slots: Sequence[Slot]
    spare: Sequence[Task]
    tail: bytes
    end: int

    @property
    def size(self) -> int:
        """Bytes of the archive, padded to whole records as tar does."""
        return -(-(self.end + len(tarwrite.END)) // tarwrite.RECORD) * tarwrite.RECORD


def _file(name: str, data: bytes) -> bytes:
    return tarwrite.header(name, len(data)) + data + bytes(tarwrite.padding(len(data)))


def lay_out(
    documents: Documents, tasks: Sequence[Task], known: Mapping[str, tuple[Digest, int]]
) -> TarPlan:
    """Decide where everything goes.

    Args:
        documents: of the result.
        tasks: in the order of the blobs.
        known: digest and size of each task's result.
    """
    legacy = documents.legacy
    head = b"".join(_file(name, data) for name, data in documents_of(documents).items())
    at = len(head)
    there = set() if legacy is not None else set(documents.blobs)
    slots, spare = [], []
    for task in tasks:
        digest, size = known[task.key]
        name = blob_name(documents, digest)
        if digest in there or name is None:
            spare.append(task)
            continue
        there.add(digest)
        header = tarwrite.header(name, size)
        at += len(header)
        slots.append(Slot(task=task, header=header, offset=at, size=size))
        at += size + tarwrite.padding(size)
    links = legacy.links if legacy is not None else {}
    tail = b"".join(tarwrite.symlink(name, target) for name, target in links.items())
    return TarPlan(head=head, slots=slots, spare=spare, tail=tail, end=at + len(tail))


def outcomes(plan: Plan, facts: Mapping[str, Fact]) -> dict[str, tuple[Digest, int]]:
    """Digest and size of each task's result, by key.

    Args:
        plan: has the tasks.
        facts: of those of which nothing is stated; they count before what is.
    """
    known = {}
    for key, task in plan.tasks.items():
        fact = facts.get(key)
        result = (fact.digest, fact.size) if fact is not None else task.stated_result
        if result is None:
            raise AssertionError(f"nothing is known of {task.member.name}")
        known[key] = result
    return known


class _HeldBack:
    """Keeps the last piece of a blob back until the blob has been checked.

    A stream that is broken off because a digest does not hold then ends inside a member, which
    every reader takes for an error; between two members, some take it for the end.
    """

    def __init__(self, write: Write) -> None:
        self._write, self._last = write, b""

    def write(self, data: bytes) -> None:
        if self._last:
            self._write(self._last)
        self._last = data

    def release(self) -> None:
        self._write(self._last)


def _copy_staged(member: FileMember, fd: int, offset: int) -> None:
    """Copy a staged blob, in the kernel where it can."""
    reader = member.open()
    source, _ = member.hold()
    left, at = member.size, member.offset
    while left:
        try:
            done = os.copy_file_range(source.fd, fd, min(left, _COPY), at, offset)
        except OSError:  # another file system, or an old kernel
            break
        if not done:
            break
        begin_write_back(fd, offset, done)
        left, at, offset = left - done, at + done, offset + done
    if left:
        out = OutFile(fd, offset)
        reader = FileMember(member.name, left, at, lambda: (source, False)).open()
        for data in chunks(reader):
            out.write(data)


class _MisplacedError(Exception):
    """A layer has another size than its stream's end made believe."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _predicted(task: Task) -> Fact | None:
    """What a task will come to, if its layer is as large as its stream's end says."""
    prediction = task.prediction
    if prediction is None:
        return None
    return Fact(
        digest=prediction[0],
        size=prediction[1],
        diff_id=prediction[0],
        stored_digest=prediction[0],
        stored_size=task.member.size,
    )


def write_archive(plan: Plan, place: Place, *, force: bool, tmp: str | None, pool: Pool) -> Written:
    """Carry a plan out into an archive file.

    Args:
        plan: what to do.
        place: where it is to appear, as it was found.
        force: whether it may take the place of a file that was there.
        tmp: directory for staging; None for the destination's own.
        pool: does the work on blobs.

    Raises:
        DestinationError: the destination refuses.
        DamagedError: the source does not hold what it says.
    """
    with (
        Draft(place, directory=False, replace=force) as draft,
        closing(Staging(tmp or place.parent.path)) as staging,
    ):
        done = until_placed(plan, pool, lambda known: _fill(plan, draft.fd, staging, known, pool))
        draft.appear()
    return done


_Done = TypeVar("_Done")


def until_placed(plan: Plan, pool: Pool, write: Callable[[Mapping[str, Fact]], _Done]) -> _Done:
    """Write with sizes of unpacked layers predicted; begin anew where one was wrong, which is rare.

    Args:
        plan: what to do.
        pool: does the work on blobs.
        write: writes all of it, given what is predicted.
    """
    # Layers that are unpacked need no staging while their size can be predicted.
    predicted = {task.key: fact for task in plan.tasks.values() if (fact := _predicted(task))}
    while True:
        try:
            return write(predicted)
        except _MisplacedError as error:  # believe that one no more
            del predicted[error.key]
            pool.meter.resume()


def learn(
    plan: Plan, staging: Staging, predicted: Mapping[str, Fact], pool: Pool
) -> Mapping[str, Fact]:
    """What is known of blobs before any is written; the others are staged for it.

    Args:
        plan: what to do.
        staging: takes the blobs of which nothing is known.
        predicted: what is believed for now.
        pool: does the work on blobs.
    """
    unknown = [
        task
        for task in plan.unknown
        if task.key not in predicted and task.key not in staging.members
    ]
    staging.facts.update(pool.do_all(unknown, lambda task: staging.work(task, pool)))
    return {**staging.facts, **predicted}


def _fill(
    plan: Plan, fd: int, staging: Staging, predicted: Mapping[str, Fact], pool: Pool
) -> Written:
    """Write the whole archive; blobs side by side, each at its offset."""
    known = learn(plan, staging, predicted, pool)
    documents = plan.documents(known)
    place = lay_out(documents, plan.work, outcomes(plan, known))
    facts = fill(fd, place, plan.work, staging, pool)
    return Written(documents=documents, facts=facts, size=place.size)


def fill(
    fd: int, place: TarPlan, tasks: Sequence[Task], staging: Staging, pool: Pool
) -> Mapping[str, Fact]:
    """Write one archive.

    Args:
        fd: descriptor of its file.
        place: where everything goes.
        tasks: its blobs, and what is only checked.
        staging: has the blobs that were staged.
        pool: does the work on blobs.

    Returns:
        What each task came to.
    """
    os.ftruncate(fd, 0)
    preallocate(fd, place.size)
    os.ftruncate(fd, place.size)
    OutFile(fd).write(place.head)
    OutFile(fd, place.end - len(place.tail)).write(place.tail)
    slots = {slot.task.key: slot for slot in place.slots}

    def work(task: Task) -> Fact:
        slot, fact = slots.get(task.key), staging.facts.get(task.key)
        if slot is None:
            return fact or run(task, pool=pool)
        OutFile(fd, slot.offset - len(slot.header)).write(slot.header)
        if fact is not None:
            _copy_staged(staging.members[task.key], fd, slot.offset)
            return fact
        try:
            fact = run(task, OutFile(fd, slot.offset, room=slot.size).write, pool)
        except OverflowingError:
            raise _MisplacedError(task.key) from None
        if fact.size != slot.size:
            raise _MisplacedError(task.key)
        return fact

    return pool.do_all(tasks, work)


def write_pipe(plan: Plan, fd: int, *, tmp: str | None, pool: Pool) -> Written:
    """Carry a plan out into a pipe. It is broken off without end marker when something fails.

    Args:
        plan: what to do.
        fd: descriptor of the pipe.
        tmp: directory for staging.
        pool: does the work on blobs.

    Raises:
        DestinationError: the reader went away.
        DamagedError: the source does not hold what it says.
    """
    try:
        return _write_in_order(plan, lambda data: write_all(fd, data), spool_directory(tmp), pool)
    except BrokenPipeError as error:
        raise DestinationError(
            what="the reader of standard output went away", where=Where(file="standard output")
        ) from error
    except OSError as error:
        raise failed(error, "standard output") from error


def write_compressed(
    plan: Plan,
    place: Place,
    outer: Compression,
    *,
    force: bool,
    tmp: str | None,
    pool: Pool,
) -> Written:
    """Carry a plan out into an archive that is compressed as a whole.

    Args:
        plan: what to do.
        place: where it is to appear, as it was found.
        outer: gzip or zstd.
        force: whether it may take the place of a file that is there.
        tmp: directory for staging; None for the destination's own.
        pool: does the work on blobs.

    Raises:
        DestinationError: the destination refuses.
        DamagedError: the source does not hold what it says.
    """
    with Draft(place, directory=False, replace=force) as draft:
        encoder = Encoding(outer).encoder()
        done = _write_in_order(
            plan,
            lambda data: write_all(draft.fd, encoder.compress(data)),
            tmp or place.parent.path,
            pool,
        )
        write_all(draft.fd, encoder.flush())
        size = os.fstat(draft.fd).st_size
        draft.appear()
    return attrs.evolve(done, size=size)


def _write_in_order(plan: Plan, write: Write, directory: str, pool: Pool) -> Written:
    """Write an archive from its first byte to its last."""
    staging = Staging(directory)
    try:
        staged = pool.do_all(plan.unknown, lambda task: staging.work(task, pool))
        documents = plan.documents(staged)
        tasks = plan.work
        place = lay_out(documents, tasks, outcomes(plan, staged))
        facts = dict(staged)
        pool.one_by_one(tasks)
        for task in place.spare:
            facts[task.key] = staged.get(task.key) or run(task, pool=pool)
        write(place.head)
        for slot in place.slots:
            write(slot.header)
            member = staging.members.get(slot.task.key)
            if member is not None:
                for data in chunks(member.open()):
                    write(data)
            else:
                held = _HeldBack(write)
                facts[slot.task.key] = run(slot.task, held.write, pool)
                held.release()
            write(bytes(tarwrite.padding(slot.size)))
        write(place.tail)
        write(bytes(place.size - place.end))
    finally:
        staging.close()
    return Written(documents=documents, facts=facts, size=place.size)
