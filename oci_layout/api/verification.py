"""Verification: a source and its checks joined."""

from __future__ import annotations

from contextlib import ExitStack

from oci_layout.api.words import Progress
from oci_layout.api.work import Work
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.sidefile import SideFile
from oci_layout.errors import UsageError
from oci_layout.limits import DOCUMENT_BYTES
from oci_layout.model import jws
from oci_layout.verification.report import VerifyReport
from oci_layout.verification.run import CHECKS, Wanted, verify_source
from oci_layout.verification.sums import parse as parse_sums
from oci_layout.verification.sums import render as render_sums


def verify(
    source: str,
    *,
    check: str = "full",
    expect: tuple[str, ...] = (),
    sums: str | None = None,
    against: str | None = None,
    trusted_keys: tuple[str, ...] = (),
    limit: int | None = None,
    jobs: int | None = None,
    tmp: str | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Check everything of a source, and report all that is found.

    Args:
        source: a path, or ``-`` for standard input.
        check: ``full``; ``digests``: stored bytes only; ``quick``: no blob is read.
        expect: image IDs or manifest digests that must be inside.
        sums: file to write the sha256 of every file to, for ``sha256sum -c``.
        against: file with such lines that must hold.
        trusted_keys: files with keys (PEM or JWK), of which one must have signed each schema 1
            manifest.
        limit: bytes that layers may grow to beyond a ratio of 200, all together; 8 GiB by default.
        jobs: cores to use; all by default.
        tmp: directory for spooling a compressed archive or standard input.
        progress: told how far the work is.

    Raises:
        NotAnImageError: it is not an image of any kind.
        UsageError: no such check, a digest or a line of sums that is none.
    """
    if check not in CHECKS:
        raise UsageError(what=f"--check is one of {', '.join(CHECKS)}")
    try:
        digests = tuple(Digest.parse(text) for text in expect)
    except InvalidDigestError as error:
        raise UsageError(what=f"--expect: {error}") from error
    read = (source, *trusted_keys, *(() if against is None else (against,)))
    with ExitStack() as closing:
        file = None
        if sums is not None:
            outputs = closing.enter_context(Outputs(*read))
            file = closing.enter_context(SideFile("--sums", sums, outputs))
        wanted = _wanted(check, digests, against, file, tmp, trusted_keys)
        with Work.of(jobs=jobs, limit=limit, progress=progress).pool() as pool:
            return verify_source(
                source, wanted, pool, start=progress.start if progress is not None else None
            )


def _wanted(
    check: str,
    expect: tuple[Digest, ...],
    against: str | None,
    sums: SideFile | None,
    tmp: str | None,
    trusted_keys: tuple[str, ...],
) -> Wanted:
    return Wanted(
        check=check,
        expect=expect,
        against=None if against is None else parse_sums(_read_text(against), against),
        sums=None
        if sums is None
        else lambda values: sums.write(render_sums(values).encode("utf-8", "surrogateescape")),
        tmp=tmp,
        trusted=_trusted(trusted_keys),
    )


def _trusted(paths: tuple[str, ...]) -> tuple[jws.PublicKey, ...]:
    if paths and not jws.available():
        raise UsageError(
            what="--trusted-key needs the package cryptography",
            hint="install oci-layout[schema1]",
        )
    try:
        return tuple(
            jws.load_trusted(_read_text(path).encode("utf-8", "surrogateescape"), path)
            for path in paths
        )
    except ValueError as error:
        raise UsageError(what=f"--trusted-key: {error}") from error


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read(DOCUMENT_BYTES + 1)
    except OSError as error:
        raise UsageError(what=error.strerror or str(error), where=path) from error
    if len(text) > DOCUMENT_BYTES:
        raise UsageError(what=f"has more than {DOCUMENT_BYTES >> 20} MiB", where=path)
    return text
