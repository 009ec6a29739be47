"""Verification: a source and its checks joined."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from oci_layout.api.bases import open_bases
from oci_layout.api.signatures import files_of_trust, signatures_of
from oci_layout.api.words import Progress, made, path_at, read_named, watch_of
from oci_layout.api.work import Work
from oci_layout.blobs.known import Remembered
from oci_layout.digest import QuotedDigest
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.sidefile import SideFile
from oci_layout.errors import UsageError
from oci_layout.extras import how_to_install
from oci_layout.limits import DOCUMENT_BYTES
from oci_layout.model import jws
from oci_layout.source.opening import files_of
from oci_layout.source.transports import file_and_folder
from oci_layout.source.volumeset import list_at
from oci_layout.verification.report import VerifyReport
from oci_layout.verification.request import Verify
from oci_layout.verification.run import Wanted, verify_source
from oci_layout.verification.sums import parse as parse_sums
from oci_layout.verification.sums import render as render_sums
from oci_layout.verification.volumes import verify_volumes

_SURE = 12  # hex digits that nobody meets by chance: what reports quote


def verify(
    source: str | os.PathLike[str],
    request: Verify | None = None,
    *,
    progress: Progress | None = None,
    remembered: Remembered | None = None,
    **options: Any,
) -> VerifyReport:
    """Check everything of a source, and report all that is found.

    Args:
        source: a path, or ``-`` for standard input.
        request: what is asked for; or else its fields as keywords, see ``Verify``.
        progress: told how far the work is.
        remembered: knows layers of other sources, and takes in those of this one.
        options: the fields of ``Verify``.

    Raises:
        DamagedError: it is cut short, before it says what it holds.
        NotAnImageError: it is not an image of any kind.
        DestinationError: the sums cannot be written.
        UsageError: the options make no sense, or a key or file of sums cannot be read.
    """
    asked = made(Verify, request, options)
    source = path_at(source)
    digests = tuple(_digest(text) for text in asked.expect)
    read = (
        *files_of(file_and_folder(source)[0]),
        *asked.trusted_keys,
        *files_of_trust(asked),
        *(() if asked.against is None else (asked.against,)),
        *asked.bases,
    )
    with ExitStack() as closing:
        outputs = closing.enter_context(Outputs(*read))
        file = stated = None
        if asked.sums is not None:
            file = closing.enter_context(SideFile("--sums", asked.sums, outputs))
        wanted = _wanted(asked, digests, file)
        if asked.output not in (None, "-"):
            stated = closing.enter_context(SideFile("--output", str(asked.output), outputs))
        report = _verified(source, asked, wanted, closing, progress, remembered)
        if stated is not None and report.attestations and not report.failed:
            stated.write(report.stated().encode())
        return report


def _verified(
    source: str,
    asked: Verify,
    wanted: Wanted,
    closing: ExitStack,
    progress: Progress | None,
    remembered: Remembered | None,
) -> VerifyReport:
    """The report of a source, or of the volumes of a list."""
    listed = list_at(source)
    start = progress.start if progress is not None else None
    with _work(asked, progress).pool() as pool:
        bases = open_bases(asked, closing)
        if listed is not None:
            _refuse_sums(asked)
            return verify_volumes(source, listed, wanted, pool, start=start, bases=bases)
        return verify_source(
            source,
            wanted,
            pool,
            start=start,
            watch=watch_of(progress),
            bases=bases,
            host=asked.registry_host,
            namespace=asked.namespace,
            remembered=remembered,
        )


def _refuse_sums(asked: Verify) -> None:
    """The list has sums of the volumes; those of files inside are of one archive.

    Raises:
        UsageError: they are asked for.
    """
    if asked.sums is not None or asked.against is not None:
        raise UsageError(
            what="--sums and --against are of one archive, and not of a list of volumes",
            hint="name one volume",
        )


def _digest(text: str) -> QuotedDigest:
    quoted = QuotedDigest.parse(text)
    if quoted is None or len(quoted.hex) < _SURE:
        raise UsageError(
            what=f"expect: {text[:150]!r} is no digest",
            hint=f"an image ID or manifest digest, {_SURE} digits of it at least; names are not "
            "looked at",
        )
    return quoted


def _wanted(asked: Verify, expect: tuple[QuotedDigest, ...], sums: SideFile | None) -> Wanted:
    against = asked.against
    return Wanted(
        check=asked.check,
        expect=expect,
        against=None if against is None else parse_sums(_sums_text(against), against),
        sums=None
        if sums is None
        else lambda values: sums.write(render_sums(values).encode("utf-8", "surrogateescape")),
        tmp=asked.tmp,
        trusted=_trusted(tuple(asked.trusted_keys)),
        signatures=signatures_of(asked),
    )


def _trusted(paths: tuple[str, ...]) -> tuple[jws.PublicKey, ...]:
    if paths and not jws.available():
        raise UsageError(
            what="--trusted-key needs the package cryptography",
            hint=how_to_install("schema1"),
        )
    try:
        return tuple(jws.load_trusted(read_named(path, DOCUMENT_BYTES), path) for path in paths)
    except ValueError as error:
        raise UsageError(what=f"--trusted-key: {error}") from error


def _sums_text(path: str) -> str:
    return read_named(path, DOCUMENT_BYTES).decode("utf-8", "surrogateescape")


def _work(asked: Verify, progress: Progress | None) -> Work:
    return Work.of(jobs=asked.jobs, limit=asked.limit, memory=asked.limit_memory, progress=progress)
