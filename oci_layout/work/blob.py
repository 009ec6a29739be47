"""The work on one blob: read once, checked, and written as it is or packed another way."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import Finding, Severity, Where
from oci_layout.mediatype import Compression
from oci_layout.plan.jobs import Fact, Job
from oci_layout.streams.compression import decoded
from oci_layout.streams.encoding import Encoding
from oci_layout.streams.lanes import Lanes
from oci_layout.streams.reader import Metered, Reader, Tally, chunks
from oci_layout.streams.tarwalk import TarWalker
from oci_layout.work.crew import Crew, Meter

Write = Callable[[bytes], object]

_NO_PACKING = Encoding(Compression.NONE)


# Encoders give pieces of every size, which leave holes in glibc's heap: over many gigabytes it
# grows. Giving the holes back now and then keeps memory where it was, for no time to speak of.
_TRIM_EVERY = 64 << 20
_libc = ctypes.CDLL(None)


def _trim() -> None:
    trim = getattr(_libc, "malloc_trim", None)
    if trim is not None:
        trim(0)


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


def run(job: Job, write: Write = _nowhere, crew: Crew | None = None) -> Fact:
    """Do one job: every byte is read once, checked on the way, and written.

    Args:
        job: what to do.
        write: takes the bytes of the result, in order; called from one thread at a time.
        crew: whose meter is told of bytes read, and whose lanes may be used.

    Raises:
        DamagedError: the bytes are not what the source says of them.
        Cancelled: somebody asked to stop.
    """
    crew = crew or Crew()
    lanes = crew.lanes(job)
    aside = lanes is not None
    keep = job.encoding is None
    algorithm, inner_algorithm = _algorithms(job)
    plain = job.stored is Compression.NONE and algorithm == inner_algorithm
    walker = TarWalker() if job.mend else None
    where = str(Where(image=str(job.expected[0].where), member=job.member.name))
    with ExitStack() as closing:
        source = closing.enter_context(contextlib.closing(job.member.open()))
        stored = closing.enter_context(Tally(algorithm, write if keep else None, aside=aside))
        raw: Reader = Metered(Counted(source, crew.meter), stored)
        out = inner = stored
        if job.stored is not Compression.NONE and (job.inner or not keep):
            raw = decoded(raw, job.stored, where, growth=crew.growth)
        if job.inner and not plain and not job.opaque:
            # Bytes that are only unpacked are written as their hash is taken.
            same = job.encoding == _NO_PACKING and inner_algorithm == job.algorithm
            inner = Tally(inner_algorithm, write if same else None, aside=aside)
            raw = Metered(raw, closing.enter_context(inner))
            out = inner if same else out
        looked_inside = not job.opaque and (plain or inner is not stored)
        if not keep and out is stored:
            out = closing.enter_context(Tally(job.algorithm, write, aside=aside))
            _pack(job, raw, out, lanes, walker)
        else:
            for data in chunks(raw):
                if walker is not None:
                    walker.feed(data)
        if walker is not None:
            _require_whole(job, stored.size, walker, where)
        fact = Fact(
            digest=out.digest,
            size=out.size,
            diff_id=inner.digest if looked_inside else None,
            stored_digest=stored.digest,
            stored_size=stored.size,
        )
    _check(job, fact)
    return fact


def _pack(job: Job, raw: Reader, out: Tally, lanes: Lanes | None, walker: TarWalker | None) -> None:
    """Pull all bytes through an encoder."""
    encoder = (job.encoding or _NO_PACKING).encoder(lanes)
    since_trim = 0
    try:
        for data in chunks(raw):
            since_trim += len(data)
            if since_trim >= _TRIM_EVERY:
                since_trim = 0
                _trim()
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


def linked(job: Job) -> Fact | None:
    """What a job comes to where its file is taken as it is, by its size; None where it cannot be.

    Raises:
        DamagedError: the file has another size than is stated.
    """
    outcome = job.outcome
    if outcome is None:
        return None
    fact = Fact(
        digest=outcome[0],
        size=outcome[1],
        diff_id=None,
        stored_digest=outcome[0],
        stored_size=job.member.size,
        linked="file",
    )
    _check(job, fact)
    return fact


def _require_whole(job: Job, size: int, walker: TarWalker, where: str) -> None:
    """Refuse a layer that was cut: an edited one is a whole tar, or what it was said to be."""
    stated = {expected.size for expected in job.expected}
    if not walker.whole and (size or stated != {0}):
        raise DamagedError(
            what="the layer's tar has no end: it was cut short, and is not mended",
            where=where,
            hint="copy the file again",
            code="truncated",
        )


def _algorithms(job: Job) -> tuple[str, str]:
    """The hash to run over the stored bytes, and over the tar inside."""
    stated = next((e.digest.algorithm for e in job.expected if e.digest is not None), None)
    inner = next((e.diff_id.algorithm for e in job.expected if e.diff_id is not None), "sha256")
    return stated or (job.algorithm if job.encoding is None else inner), inner


def _check(job: Job, fact: Fact) -> None:
    """Hold the bytes against all that is stated of them."""
    for finding in disagreements(job, fact):
        raise DamagedError(what=finding.message, where=str(finding.where), code=finding.code)


def disagreements(job: Job, fact: Fact) -> Iterator[Finding]:
    """Where what is stated of a blob does not hold of its bytes.

    Args:
        job: with all that is stated.
        fact: what the bytes are; without ``diff_id`` where that was not looked at.
    """
    for expected in job.expected:
        where = attrs.evolve(expected.where, member=job.member.name)
        if expected.size not in (None, fact.stored_size) and not job.mend:
            yield _wrong(
                "size-mismatch",
                f"has {fact.stored_size} bytes, its descriptor says {expected.size}",
                where,
            )
        if expected.digest is not None and expected.digest != fact.stored_digest:
            yield _wrong(
                "digest-mismatch",
                f"the bytes are {fact.stored_digest}, its descriptor says {expected.digest}",
                where,
            )
        inner = fact.diff_id
        if expected.diff_id is not None and inner is not None and expected.diff_id != inner:
            yield _wrong(
                "diffid-mismatch",
                f"the layer's tar is {inner}, the config's diff_id says {expected.diff_id}",
                where,
            )


def _wrong(code: str, message: str, where: Where) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, where=where)


def examine(job: Job, crew: Crew) -> tuple[Fact, list[Finding]]:
    """Check a blob and go on whatever is found.

    Args:
        job: the blob, with all that is stated of it; never one to be packed anew.
        crew: whose meter is told of bytes read, and whose lanes may be used.
    """
    aside = crew.lanes(job) is not None
    algorithm, inner_algorithm = _algorithms(job)
    plain = job.stored is Compression.NONE and algorithm == inner_algorithm
    found: list[Finding] = []
    diff_id: Digest | None = None
    with ExitStack() as closing:
        source = closing.enter_context(contextlib.closing(job.member.open()))
        stored = closing.enter_context(Tally(algorithm, aside=aside))
        reader = Metered(Counted(source, crew.meter), stored)
        if job.inner and not job.opaque and not plain:
            where = attrs.evolve(job.expected[0].where, member=job.member.name)
            inner = closing.enter_context(Tally(inner_algorithm, aside=aside))
            try:
                raw = decoded(reader, job.stored, job.member.name, growth=crew.growth)
                for _ in chunks(Metered(raw, inner)):
                    pass
                diff_id = inner.digest
            except DamagedError as error:
                found.append(_wrong(error.code, error.what, where))
        for _ in chunks(reader):
            pass
        if job.inner and plain and not job.opaque:
            diff_id = stored.digest
        fact = Fact(
            digest=stored.digest,
            size=stored.size,
            diff_id=diff_id,
            stored_digest=stored.digest,
            stored_size=stored.size,
        )
    return fact, [*found, *disagreements(job, fact)]
