"""Verification of the volumes that a result was cut into: each file, all together, and each alone.

Every byte is read twice: once for the sum of its file, once for the blob that it is part of. That
a volume can be loaded after those before it is told by its documents, for which no layer is read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.errors import DamagedError, NotAnImageError, ReadError
from oci_layout.finding import Finding, Findings, Severity
from oci_layout.limits import CHUNK, DOCUMENTS_BYTES
from oci_layout.model.volumelist import ListedVolume, VolumeList
from oci_layout.source.lookup import Holdings
from oci_layout.source.opening import open_source
from oci_layout.source.volumeset import volume_files
from oci_layout.streams.reader import ExtentReader, HeldFile, chunks
from oci_layout.verification.report import VerifyReport
from oci_layout.verification.run import Wanted, verify_source
from oci_layout.where import Where


def verify_volumes(
    path: str,
    listed: VolumeList,
    wanted: Wanted,
    pool: Pool,
    *,
    start: Callable[[int], None] | None = None,
    bases: Sequence[Holdings] = (),
) -> VerifyReport:
    """Check the volumes of a list, and the result that they come to.

    Args:
        path: of the list.
        listed: what it says.
        wanted: what to check.
        pool: does the work on blobs.
        start: told of all bytes to read, for the sums and then for the blobs.
        bases: what other sources hold.
    """
    began = time.monotonic()
    findings = Findings()
    files = volume_files(listed, path)
    if start is not None and wanted.check != "quick":
        start(sum(volume.size for volume in listed.volumes))
    there = [
        _check_file(volume, file, wanted, pool, findings)
        for volume, file in zip(listed.volumes, files, strict=True)
    ]
    report = VerifyReport(
        source=path,
        source_kind=f"list of volumes ({len(files)})",
        check=wanted.check,
        images=(),
        findings=(),
        left_out=0,
        blobs=0,
        bytes=0,
        seconds=0,
    )
    if all(there):
        try:
            report = verify_source(path, wanted, pool, start=start, bases=bases)
            findings.found += _each_alone(files, pool, bases)
        except (DamagedError, NotAnImageError) as error:
            code = error.code if isinstance(error, DamagedError) else "bad-volume-list"
            findings.error(code, error.what, error.where, error.hint)
    known = {(each.code, each.message) for each in report.findings}
    new = [each for each in findings.found if (each.code, each.message) not in known]
    return attrs.evolve(
        report,
        findings=(*new, *report.findings),
        seconds=round(time.monotonic() - began, 3),
    )


def _check_file(
    volume: ListedVolume, file: str, wanted: Wanted, pool: Pool, findings: Findings
) -> bool:
    """Hold one file against its line; whether it is there and as large as that says."""
    where = Where(file=file)
    try:
        held = HeldFile(file)
    except (ReadError, NotAnImageError) as error:
        findings.error("volume-missing", error.what, where, "copy the volume again")
        return False
    with held:
        if held.size != volume.size:
            what = f"has {held.size} bytes, and {volume.size} in the list of the volumes"
            findings.error("volume-changed", what, where, "copy the volume again")
            return False
        if wanted.check != "quick":
            found = _sum(held, pool)
            if found != volume.sha256:
                what = f"has the sum {found}, and {volume.sha256} in the list of the volumes"
                findings.error("volume-changed", what, where, "copy the volume again")
    return True


def _sum(file: HeldFile, pool: Pool) -> str:
    running = hashlib.sha256()
    for data in chunks(ExtentReader(file, 0, file.size), CHUNK):
        running.update(data)
        pool.meter.count(len(data))
    return running.hexdigest()


def _each_alone(files: Sequence[str], pool: Pool, bases: Sequence[Holdings]) -> Iterator[Finding]:
    """What is wrong with a volume when those before it are there; no layer is read."""
    with ExitStack() as stack:
        before, documents = list(bases), 0  # bytes of what stays in memory
        for file in files:
            report = verify_source(file, Wanted(check="quick"), pool, bases=before)
            for finding in report.findings:
                if finding.severity is not Severity.NOTE:
                    yield attrs.evolve(finding, where=finding.where.of(file))
            source = stack.enter_context(open_source(file, findings=Findings()))
            before.append(source.contents.lent(file))
            documents += source.reading.allowance.spent
            if documents > DOCUMENTS_BYTES:
                raise DamagedError(
                    code="document-too-large",
                    what=f"the documents of all volumes come to more than {DOCUMENTS_BYTES} bytes",
                    where=Where(file=file),
                )
