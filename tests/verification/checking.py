"""What `verify` says of a source, in short; and sources made from names and bytes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from oci_layout import LayoutError, verify
from oci_layout.finding import Finding, Severity
from oci_layout.verification.report import VerifyReport
from tests.builders import Image, go_json, make_image, sha256

# Large enough to be a layer with several blocks, small enough to be flipped bit by bit.
TINY: tuple[Mapping[str, bytes], ...] = ({"a": b"hello\n"}, {"b": b"world\n"})


def report_of(path: Path, **options: Any) -> VerifyReport:
    """Verify with one worker, so that nothing depends on the machine."""
    return verify(str(path), jobs=1, **options)


def codes(report: VerifyReport, severity: Severity) -> set[str]:
    """The codes of one severity."""
    return {finding.code for finding in report.findings if finding.severity is severity}


def errors(path: Path, **options: Any) -> set[str]:
    """The codes of all errors; those that end the run, too."""
    try:
        return codes(report_of(path, **options), Severity.ERROR)
    except LayoutError as error:
        return {getattr(error, "code", type(error).__name__)}


def serious(path: Path) -> set[tuple[str, str]]:
    """Errors and warnings as severity and code; what ends the run counts as an error."""
    try:
        found = report_of(path).findings
    except LayoutError as error:
        return {("error", getattr(error, "code", type(error).__name__))}
    return {(str(each.severity), each.code) for each in found if each.severity is not Severity.NOTE}


def of_code(report: VerifyReport, code: str) -> list[Finding]:
    """The findings of one code."""
    return [finding for finding in report.findings if finding.code == code]


def tiny(**more: Any) -> Image:
    """An image of two layers of three blocks each."""
    return make_image(TINY, **more)


def tar_of(
    members: Iterable[tuple[tarfile.TarInfo | str, bytes]], *, form: int = tarfile.PAX_FORMAT
) -> bytes:
    """A tar of members in order, any name as often as wanted; its end padded to two blocks only."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for member, data in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if info.isreg():
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        end = tar.offset
    return out.getvalue()[:end] + bytes(1024)


def special(name: str, kind: bytes, linkname: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A member that is no regular file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info, b""


def blob_name(data: bytes) -> str:
    """Where a layout keeps these bytes."""
    return f"blobs/sha256/{sha256(data)[7:]}"


def layout_of(
    manifest: Mapping[str, Any] | bytes, *blobs: bytes, index: Mapping[str, Any] | None = None
) -> dict[str, bytes]:
    """The files of a layout around one manifest, which may be anything.

    Args:
        index: laid over the fields of `index.json`.
    """
    raw = manifest if isinstance(manifest, bytes) else go_json(manifest)
    media_type = "application/vnd.oci.image.manifest.v1+json"
    entry = {"mediaType": media_type, "digest": sha256(raw), "size": len(raw)}
    top = {"schemaVersion": 2, "manifests": [entry], **(index or {})}
    files = {blob_name(data): data for data in (*blobs, raw)}
    return {**files, "index.json": go_json(top), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}


def layout_with(image: Image, **fields: Any) -> dict[str, bytes]:
    """The files of a layout whose manifest has other fields laid over it; None removes one."""
    manifest = {**image.manifest(), **fields}
    manifest = {key: value for key, value in manifest.items() if value is not None}
    blobs = [layer.stored for layer in image.layers]
    return layout_of(manifest, image.config_bytes, *blobs)
