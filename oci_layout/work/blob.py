"""The work on one blob: read once, checked, and written as it is or packed another way."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator

import attrs

from oci_layout import limits
from oci_layout.digest import Digest, new_hash
from oci_layout.errors import DamagedError
from oci_layout.finding import Finding, Severity, Where
from oci_layout.mediatype import Compression
from oci_layout.plan.jobs import Fact, Job
from oci_layout.streams.compression import decoded
from oci_layout.streams.reader import Metered, Reader, chunks
from oci_layout.streams.tarwalk import TarWalker

Write = Callable[[bytes], object]


# Encoders give pieces of every size, which leave holes in glibc's heap: over many gigabytes it
# grows. Giving the holes back now and then keeps memory where it was, for no time to speak of.
_TRIM_EVERY = 64 << 20
_libc = ctypes.CDLL(None)


def _trim() -> None:
    trim = getattr(_libc, "malloc_trim", None)
    if trim is not None:
        trim(0)


class Cancelled(BaseException):
    """Work was asked to stop."""


class Meter:
    """Counts the bytes read by all workers, and stops them when asked to.

    Args:
        advance: told of each piece of work done, in bytes, from any thread.
    """

    def __init__(self, advance: Callable[[int], None] | None = None) -> None:
        self._advance = advance
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask every worker to stop at its next piece."""
        self._stop.set()

    def count(self, size: int) -> None:
        """Count bytes.

        Raises:
            Cancelled: somebody asked to stop.
        """
        if self._stop.is_set():
            raise Cancelled
        if self._advance is not None:
            self._advance(size)


class _Counted:
    """A reader that tells the meter."""

    def __init__(self, reader: Reader, meter: Meter) -> None:
        self._reader, self._meter = reader, meter

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._meter.count(len(data))
        return data


def _nowhere(data: bytes) -> None:
    """Take bytes and do nothing."""


def run(
    job: Job, write: Write = _nowhere, meter: Meter | None = None, limit: int = limits.BOMB_BYTES
) -> Fact:
    """Do one job.

    Args:
        job: what to do.
        write: takes the bytes of the result, in order.
        meter: told of bytes read.
        limit: unpacked bytes from which a ratio over 200 is taken for a bomb.

    Raises:
        DamagedError: the bytes are not what the source says of them.
        Cancelled: somebody asked to stop.
    """
    keep = job.encoding is None
    stored_algorithm, inner_algorithm = _algorithms(job)
    source = job.member.open()
    try:
        stored = Metered(
            _Counted(source, meter or Meter()), stored_algorithm, tee=write if keep else None
        )
        where = str(Where(image=str(job.expected[0].where), member=job.member.name))
        raw = decoded(stored, job.stored, where, limit=limit)
        plain = job.stored is Compression.NONE and stored_algorithm == inner_algorithm
        inner = None if job.opaque or plain else Metered(raw, inner_algorithm)
        walker = TarWalker() if job.mend else None
        written = _pull(job, inner or raw, write, walker)
        if walker is not None:
            _require_whole(job, stored.size, walker, where)
    finally:
        source.close()
    digest, size = written or (stored.digest, stored.size)
    fact = Fact(
        digest=digest,
        size=size,
        diff_id=None if job.opaque else (inner or stored).digest,
        stored_digest=stored.digest,
        stored_size=stored.size,
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


def _pull(
    job: Job, raw: Reader, write: Write, walker: TarWalker | None = None
) -> tuple[Digest, int] | None:
    """Pull all bytes through; what is packed anew is written and hashed here."""
    encoding = job.encoding
    # Unpacked bytes are hashed on their way already, as the diff_id.
    plain = (
        encoding is not None
        and encoding.compression is Compression.NONE
        and isinstance(raw, Metered)
        and raw.digest.algorithm == job.algorithm
    )
    if encoding is None or plain:
        for data in chunks(raw):
            if plain:
                write(data)
            if walker is not None:
                walker.feed(data)
        return (raw.digest, raw.size) if plain and isinstance(raw, Metered) else None
    out, size = new_hash(job.algorithm), 0
    encoder = encoding.encoder()
    since_trim = 0
    for data in chunks(raw):
        since_trim += len(data)
        if since_trim >= _TRIM_EVERY:
            since_trim = 0
            _trim()
        if walker is not None:
            walker.feed(data)
        packed = encoder.compress(data)
        if packed:
            out.update(packed)
            size += len(packed)
            write(packed)
    packed = encoder.flush()
    out.update(packed)
    write(packed)
    return Digest.finish(out), size + len(packed)


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


def examine(
    job: Job, meter: Meter, *, inner: bool, limit: int = limits.BOMB_BYTES
) -> tuple[Fact, list[Finding]]:
    """Check a blob and go on whatever is found.

    Args:
        job: the blob, with all that is stated of it; never one to be packed anew.
        meter: told of bytes read.
        inner: whether to unpack a layer and recompute its diff_id too.
        limit: unpacked bytes from which a ratio over 200 is taken for a bomb.
    """
    stored_algorithm, inner_algorithm = _algorithms(job)
    found: list[Finding] = []
    diff_id: Digest | None = None
    source = job.member.open()
    try:
        stored = Metered(_Counted(source, meter), stored_algorithm)
        plain = job.stored is Compression.NONE and stored_algorithm == inner_algorithm
        if inner and not job.opaque and not plain:
            where = attrs.evolve(job.expected[0].where, member=job.member.name)
            try:
                raw = decoded(stored, job.stored, job.member.name, limit=limit)
                metered = Metered(raw, inner_algorithm)
                for _ in chunks(metered):
                    pass
                diff_id = metered.digest
            except DamagedError as error:
                found.append(_wrong(error.code, error.what, where))
        for _ in chunks(stored):
            pass
        if inner and plain and not job.opaque:
            diff_id = stored.digest
    finally:
        source.close()
    fact = Fact(
        digest=stored.digest,
        size=stored.size,
        diff_id=diff_id,
        stored_digest=stored.digest,
        stored_size=stored.size,
    )
    return fact, [*found, *disagreements(job, fact)]
