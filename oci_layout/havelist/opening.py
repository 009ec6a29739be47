"""What somebody has, out of whatever says so: a list, an engine's output, or a source itself."""

from __future__ import annotations

import os
from contextlib import ExitStack

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.havelist import engines, text
from oci_layout.havelist.gather import have_of
from oci_layout.havelist.values import HaveList
from oci_layout.model.volumelist import KIND
from oci_layout.source.opening import STANDARD_INPUT, open_source
from oci_layout.source.parts import parts_of
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.reader import ExtentReader, HeldFile, Reader
from oci_layout.streams.tarheader import looks_like_tar
from oci_layout.where import Where

_KIND_WITHIN = 1_000  # characters of a list of volumes


def read_have(
    path: str,
    *,
    tmp: str | None = None,
    before: HaveList | None = None,
    namespace: str | None = None,
) -> HaveList:
    """What somebody has, by a file or a folder.

    Args:
        path: a have-list, also packed with gzip; what an engine printed; or any source.
            ``-`` is such a text on standard input.
        tmp: directory for spooling a source.
        before: what is there before a source is loaded.
        namespace: of containerd, whose images are meant.

    Raises:
        NotAnImageError: it is nothing of the kind.
        DamagedError: it is, and does not hold.
        ReadError: it cannot be read.
    """
    listed = _listed(path)
    if listed is None:
        with open_source(path, findings=Findings(), tmp=tmp, namespace=namespace) as source:
            return have_of(source, before)
    label = "standard input" if path == STANDARD_INPUT else path
    if listed.startswith(text.BEGINS):
        return text.parse(listed, label)
    return engines.parse(listed, label)


def is_source(path: str) -> bool:
    """Whether what somebody has is there itself, and not only a text that says so."""
    return path != STANDARD_INPUT and _listed(path) is None


def _listed(path: str) -> str | None:
    """The text that says what somebody has; None for a source."""
    whole = os.path.isdir(path) or parts_of(path) is not None
    listed = None if whole else _text(path)
    if listed is not None and path != STANDARD_INPUT and KIND in listed[:_KIND_WITHIN]:
        return None  # the list of a source's volumes
    return listed


class _Standard:
    """Reads standard input."""

    def read(self, size: int, /) -> bytes:
        return os.read(0, size)


def _text(path: str) -> str | None:
    """The text in a file; None where it is an archive."""
    where = Where(file=path)
    with ExitStack() as closing:
        if path == STANDARD_INPUT:
            return _decoded(_bounded(_Standard(), where), where)
        file = closing.enter_context(HeldFile(path))
        head = file.pread(min(SNIFF_BYTES, file.size), 0)
        packed = decoded(ExtentReader(file, 0, file.size), sniff(head), where)
        begin = b""
        while len(begin) < SNIFF_BYTES and (data := packed.read(SNIFF_BYTES - len(begin))):
            begin += data
        if looks_like_tar(begin) or b"\0" in begin:
            return None
        return _decoded(begin + _bounded(packed, where), where)


def _bounded(reader: Reader, where: Where) -> bytes:
    pieces, size = [], 0
    while data := reader.read(limits.CHUNK):
        pieces.append(data)
        size += len(data)
        if size > limits.DOCUMENTS_BYTES:
            raise DamagedError(
                what=f"a have-list of more than {limits.DOCUMENTS_BYTES} bytes",
                where=where,
                code="document-too-large",
            )
    return b"".join(pieces)


def _decoded(data: bytes, where: Where) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError(
            what=f"not UTF-8 at byte {error.start}", where=where, code="bad-have"
        ) from error
