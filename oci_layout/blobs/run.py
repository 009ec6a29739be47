"""The work on one blob: read once, checked, and written as it is or packed another way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import attrs

from oci_layout.blobs.known import Known
from oci_layout.blobs.pool import Meter, Pool
from oci_layout.blobs.task import Fact, Task
from oci_layout.counting import plural
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError, StaleError, damage_in
from oci_layout.finding import Finding, Severity
from oci_layout.mediatype import Compression
from oci_layout.streams.clamping import Clamping, late
from oci_layout.streams.compression import decoded
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.heap import trim
from oci_layout.streams.member import Member
from oci_layout.streams.pipeline import Pipeline
from oci_layout.streams.reader import Digester, Metered, Reader, chunks
from oci_layout.streams.tarwalk import TarWalker
from oci_layout.where import Where

Write = Callable[[bytes], object]
# Is given a layer and its tar, which it reads to the end.
Inside = Callable[[Task, Reader], object]

_NO_PACKING = Encoding(Compression.NONE)

_TRIM_EVERY = 64 << 20


class Counted:
    """A reader that tells a meter."""

    def __init__(self, reader: Reader, meter: Meter) -> None:
        self._reader, self._meter = reader, meter

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""
        data = self._reader.read(size)
        self._meter.count(len(data))
        return data


def _nowhere(data: bytes) -> None:
    """Take bytes and do nothing."""


def run(task: Task, write: Write = _nowhere, pool: Pool | None = None) -> Fact:
    """Do one task: every byte is read once, checked on the way, and written.

    Args:
        task: what to do.
        write: takes the bytes of the result, in order; called from one thread at a time.
        pool: whose meter is told of bytes read, and whose pipeline may be used.

    Raises:
        DamagedError: the bytes are not what the source says of them.
        Cancelled: somebody asked to stop.
    """
    pool = pool or Pool()
    with damage_in(task.member.store):
        if task.known is not None:
            return _recalled(task, task.known, write, pool)
        return _run(task, write, pool)


def _recalled(task: Task, known: Known, write: Write, pool: Pool) -> Fact:
    """Do a task whose layer was unpacked before, or packed: it is hashed, and not done again.

    Args:
        task: what to do.
        known: of the layer that the source states.
        write: takes the bytes of the result.
        pool: whose meter is told of bytes read.

    Raises:
        StaleError: the packed form is not what it was.
    """
    keep = task.encoding is None
    fact = _unopened(task, known, write if keep else _nowhere, pool)
    _check(task, fact)  # other bytes than those that are known are not those that are stated
    if keep or known.packed is None:
        return fact
    out = _hashed(known.packed.member, task.algorithm, write, task, None)
    if out.digest != known.packed.digest:
        raise StaleError(
            what="is not what it was when a layer of it was remembered",
            where=Where(file=known.packed.member.store, member=known.packed.member.name),
            hint="run again: the layer is packed anew",
        )
    return attrs.evolve(fact, digest=out.digest, size=out.size)


def _unopened(task: Task, known: Known, write: Write, pool: Pool) -> Fact:
    """Read the stored bytes of a layer; what is inside is told where they are those known."""
    stored = _hashed(task.member, _algorithms(task)[0], write, task, pool)
    raw = stored.digest if task.stored is Compression.NONE else None
    return Fact(
        digest=stored.digest,
        size=stored.size,
        diff_id=known.diff_id if stored.digest == known.stored else raw,
        stored_digest=stored.digest,
        stored_size=stored.size,
    )


@attrs.frozen(kw_only=True)
class _Read:
    """What was read of a member."""

    digest: Digest
    size: int


def _hashed(member: Member, algorithm: str, write: Write, task: Task, pool: Pool | None) -> _Read:
    """Read all bytes of a member, and hand them on."""
    threaded = pool is not None and pool.pipeline(task) is not None
    with ExitStack() as closing:
        source: Reader = closing.enter_context(contextlib.closing(member.open()))
        digester = closing.enter_context(Digester(algorithm, write, threaded=threaded))
        counted = source if pool is None else Counted(source, pool.meter)
        for _ in chunks(Metered(counted, digester)):
            pass
        return _Read(digest=digester.digest, size=digester.size)


def _run(task: Task, write: Write, pool: Pool) -> Fact:
    pipeline = pool.pipeline(task)
    threaded = pipeline is not None
    keep = task.encoding is None
    algorithm, inner_algorithm = _algorithms(task)
    plain = task.stored is Compression.NONE and algorithm == inner_algorithm
    walks = task.repair or (task.inner and not task.opaque)
    walker = TarWalker(strict=task.repair) if walks else None
    where = attrs.evolve(task.expected[0].where, member=task.member.name)
    with ExitStack() as closing:
        source = closing.enter_context(contextlib.closing(task.member.open()))
        stored = closing.enter_context(
            Digester(algorithm, write if keep else None, threaded=threaded)
        )
        raw: Reader = Metered(Counted(source, pool.meter), stored)
        out = inner = stored
        if task.stored is not Compression.NONE and (task.inner or not keep):
            raw = decoded(raw, task.stored, where, growth=pool.growth)
        if task.inner and not plain and not task.opaque:
            # Bytes that are only unpacked are written as their hash is taken.
            same = task.encoding == _NO_PACKING and inner_algorithm == task.algorithm
            same = same and task.latest is None
            inner = Digester(inner_algorithm, write if same else None, threaded=threaded)
            raw = Metered(raw, closing.enter_context(inner))
            out = inner if same else out
        clamping = Clamping(raw, task.latest, where) if task.latest is not None else None
        outer: Digester | None = None
        if clamping is not None:
            outer = closing.enter_context(Digester(inner_algorithm, threaded=threaded))
            raw = Metered(clamping, outer)
        looked_inside = not task.opaque and (plain or inner is not stored)
        if not keep and out is stored:
            out = closing.enter_context(Digester(task.algorithm, write, threaded=threaded))
            _pack(task, raw, out, pipeline, walker)
        else:
            for data in chunks(raw):
                if walker is not None:
                    walker.feed(data)
        if walker is not None and walker.refused:
            raise _refused(task, walker).error()
        fact = Fact(
            digest=out.digest,
            size=out.size,
            diff_id=inner.digest if looked_inside else None,
            stored_digest=stored.digest,
            stored_size=stored.size,
            edited=outer.digest if outer is not None else None,
        )
    if walker is not None and task.repair and not _as_stated(task, fact):
        _require_whole(task, stored.size, walker, where)
    _check(task, fact)
    return fact


def _pack(
    task: Task, raw: Reader, out: Digester, pipeline: Pipeline | None, walker: TarWalker | None
) -> None:
    """Pull all bytes through an encoder."""
    encoder = (task.encoding or _NO_PACKING).encoder(pipeline)
    since_trim = 0
    try:
        for data in chunks(raw):
            since_trim += len(data)
            if since_trim >= _TRIM_EVERY:
                since_trim = 0
                trim()
            if walker is not None:
                walker.feed(data)
            packed = encoder.compress(data)
            if packed:
                out.feed(packed)
    except BaseException:
        # Freed with work under way, zstd waits for its threads and lets nobody else run.
        encoder.flush()
        raise
    out.feed(encoder.flush())


def is_late(task: Task, latest: int, pool: Pool) -> bool:
    """Whether a layer has a time after the latest; all of it is read.

    Args:
        task: asks for the layer as it is.
        latest: seconds since 1970.
        pool: whose meter is told of bytes read.

    Raises:
        DamagedError: it cannot be read.
    """
    where = attrs.evolve(task.expected[0].where, member=task.member.name)
    with damage_in(task.member.store), contextlib.closing(task.member.open()) as source:
        counted = Counted(source, pool.meter)
        return late(decoded(counted, task.stored, where, growth=pool.growth), latest, where)


def linked(task: Task) -> Fact | None:
    """What a task comes to where its file is taken as it is, by its size; None where it cannot be.

    Raises:
        DamagedError: the file has another size than is stated.
    """
    result = task.stated_result
    if result is None:
        return None
    fact = Fact(
        digest=result[0],
        size=result[1],
        diff_id=None,
        stored_digest=result[0],
        stored_size=task.member.size,
        linked="file",
    )
    with damage_in(task.member.store):
        _check(task, fact)
    return fact


def _as_stated(task: Task, fact: Fact) -> bool:
    """Whether a layer that is to be repaired is the very one that was stated."""
    stated = task.stated
    if stated is None:
        return False
    return fact.stored_digest == stated.digest or (
        fact.diff_id is not None and fact.diff_id == stated.diff_id
    )


def _require_whole(task: Task, size: int, walker: TarWalker, where: Where) -> None:
    """Refuse a layer that was cut: an edited one is a whole tar, or what it was said to be."""
    stated = {expected.size for expected in task.expected}
    if not walker.whole and (size or stated != {0}):
        raise DamagedError(
            what="the layer's tar has no end: it was cut short, and is not repaired",
            where=where,
            hint="copy the file again",
            code="truncated",
        )


def _algorithms(task: Task) -> tuple[str, str]:
    """The hash to run over the stored bytes, and over the tar inside."""
    stated = next((e.digest.algorithm for e in task.expected if e.digest is not None), None)
    inner = next((e.diff_id.algorithm for e in task.expected if e.diff_id is not None), "sha256")
    return stated or (task.algorithm if task.encoding is None else inner), inner


def _check(task: Task, fact: Fact) -> None:
    """Hold the bytes against all that is stated of them."""
    for finding in disagreements(task, fact):
        raise finding.error()


def disagreements(task: Task, fact: Fact) -> Iterator[Finding]:
    """Where what is stated of a blob does not hold of its bytes.

    Args:
        task: with all that is stated.
        fact: what the bytes are; without ``diff_id`` where that was not looked at.
    """
    parts = blamed(task)  # told once, before the first digest that they have spoilt
    for expected in task.expected:
        where = attrs.evolve(expected.where, member=task.member.name)
        if expected.size not in (None, fact.stored_size) and not task.repair:
            yield _wrong(
                "size-mismatch",
                f"has {plural(fact.stored_size, 'byte')}, its descriptor says {expected.size}",
                where,
            )
        if expected.digest is not None and expected.digest != fact.stored_digest:
            yield from parts
            yield _wrong(
                "digest-mismatch",
                f"the bytes are {fact.stored_digest}, its descriptor says {expected.digest}",
                where,
            )
        inner = fact.diff_id
        if expected.diff_id is not None and inner is not None and expected.diff_id != inner:
            yield from parts
            yield _wrong(
                "diffid-mismatch",
                f"the layer's tar is {inner}, the config's diff_id says {expected.diff_id}",
                where,
            )


def blamed(task: Task) -> Iterator[Finding]:
    """What of a blob's parts is to blame for that it is not what is stated."""
    for error in task.member.blame():
        finding = Finding.of(error)
        place = task.expected[0].where
        yield attrs.evolve(
            finding, where=attrs.evolve(finding.where, image=place.image, layer=place.layer)
        )


def _wrong(code: str, message: str, where: Where) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, where=where)


def _refused(task: Task, walker: TarWalker) -> Finding:
    """What is said of a layer that no engine unpacks."""
    found = ", ".join(sorted(walker.refused)[:4])
    where = attrs.evolve(task.expected[0].where, member=task.member.name)
    return _wrong("layer-member", f"holds {found}: no engine unpacks it", where)


def _torn(task: Task, walker: TarWalker) -> Finding:
    """What is said of a layer that is no whole tar: a warning, since all that is stated holds."""
    where = attrs.evolve(task.expected[0].where, member=task.member.name)
    message = f"the layer's tar {walker.torn}: no engine unpacks it"
    return Finding(code="layer-cut", severity=Severity.WARNING, message=message, where=where)


class _Walked:
    """A reader that shows a walker what passes."""

    def __init__(self, reader: Reader, walker: TarWalker) -> None:
        self._reader, self._walker = reader, walker

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._walker.feed(data)
        return data


def _look_inside(task: Task, tar: Reader, walker: TarWalker, inside: Inside | None) -> None:
    """Read the tar of a layer to its end."""
    if inside is not None:
        inside(task, _Walked(tar, walker))
        return
    for data in chunks(tar):
        walker.feed(data)


def examine(task: Task, pool: Pool, inside: Inside | None = None) -> tuple[Fact, list[Finding]]:
    """Check a blob and go on whatever is found.

    Args:
        task: the blob, with all that is stated of it; never one to be packed anew.
        pool: whose meter is told of bytes read, and whose pipeline may be used.
        inside: reads the tar of a layer to its end; None to pass over it.
    """
    if task.known is not None and inside is None:
        whole = _unopened(task, task.known, _nowhere, pool)
        if whole.stored_digest == task.known.stored:
            return whole, list(disagreements(task, whole))
    threaded = pool.pipeline(task) is not None
    algorithm, inner_algorithm = _algorithms(task)
    plain = task.stored is Compression.NONE and algorithm == inner_algorithm
    found: list[Finding] = []
    parts: list[Finding] = []  # what of one that is put together is not what it was
    walker = TarWalker()
    diff_id: Digest | None = None
    with ExitStack() as closing:
        source = closing.enter_context(contextlib.closing(task.member.open()))
        stored = closing.enter_context(Digester(algorithm, threaded=threaded))
        reader = Metered(Counted(source, pool.meter), stored)
        if task.inner and not task.opaque and not plain:
            where = attrs.evolve(task.expected[0].where, member=task.member.name)
            inner = closing.enter_context(Digester(inner_algorithm, threaded=threaded))
            try:
                raw = decoded(reader, task.stored, where, growth=pool.growth)
                _look_inside(task, Metered(raw, inner), walker, inside)
                diff_id = inner.digest
            except DamagedError as error:
                found.append(attrs.evolve(Finding.of(error), where=where))
        try:
            if task.inner and plain and not task.opaque:
                _look_inside(task, reader, walker, inside)
                diff_id = stored.digest
            for _ in chunks(reader):  # what is left of one that is damaged
                pass
        except DamagedError:
            parts += blamed(task)
            if not parts:  # one file holds it, and that was cut
                raise
        if walker.refused:
            found.append(_refused(task, walker))
        fact = Fact(
            digest=stored.digest,
            size=stored.size,
            diff_id=diff_id,
            stored_digest=stored.digest,
            stored_size=stored.size,
        )
    found += parts or disagreements(task, fact)
    if walker.torn and not found and inside is None:  # who looks inside judges itself
        found.append(_torn(task, walker))
    return fact, found
