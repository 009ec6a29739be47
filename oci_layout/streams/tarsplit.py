"""What an engine wrote down of a layer when it unpacked it: enough to put the tar together again.

A line is a JSON document (github.com/vbatts/tar-split, tar/storage/entry.go): of type 2 are bytes
of the tar as they stood, headers and padding; of type 1 is a file by its name, whose bytes come
from where the engine unpacked it, and their CRC-64.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.pythons import base64_bytes
from oci_layout.streams.compression import decoded
from oci_layout.streams.growth import Growth
from oci_layout.streams.reader import ClosableReader, chunks
from oci_layout.where import Where

_FILE, _BYTES = 1, 2
_CRC = 8  # bytes
# A line as Go's encoder spells nearly every one: read at a glance. All others are read as JSON.
_USUAL = re.compile(
    rb'\{"type":(?:2,"payload":"([A-Za-z0-9+/]*={0,2})"'
    rb'|1,"name":"([ !#-\[\]-~]+)","size":([1-9][0-9]{0,17}),"payload":"([A-Za-z0-9+/]{11}=)")'
    rb',"position":[0-9]+\}'
)


@attrs.frozen(slots=True)
class SplitFile:
    """A file of a layer whose bytes are elsewhere.

    Args:
        name: as the tar's header has it; bytes that are no UTF-8 as Python escapes them.
        size: bytes, at least 1.
        crc: CRC-64 of its content.
    """

    name: str
    size: int
    crc: bytes


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Record:
    """What was written down of a layer.

    Args:
        open: a reader of ``tar-split.json.gz`` as it lies there.
        where: the place of that file, for messages.
    """

    open: Callable[[], ClosableReader]
    where: Where

    def pieces(self) -> Iterator[bytes | SplitFile]:
        """The tar piece by piece; a file without content is no piece.

        Raises:
            DamagedError: on the way: ``layer-record``, or what unpacking has found.
        """
        for line, number in self._lines():
            piece = _piece(line)
            if piece is None:
                raise self._no_line(number)
            if piece:
                yield piece

    def _no_line(self, number: int) -> DamagedError:
        return self.bad(f"line {number} is none of tar-split's")

    def _lines(self) -> Iterator[tuple[bytes, int]]:
        reader = self.open()
        try:
            growth = Growth(limit=limits.TAR_SPLIT_GROWN_BYTES)
            lines = _lines(decoded(reader, Compression.GZIP, self.where, growth=growth), self)
            for number, line in enumerate(lines, 1):
                if number > limits.TAR_SPLIT_LINES:
                    raise self.bad(f"has more than {limits.TAR_SPLIT_LINES} lines")
                yield line, number
        finally:
            reader.close()

    def measure(self, counted: Callable[[], object]) -> int:
        """How many bytes the tar has.

        Args:
            counted: told of each piece; it raises where there are too many.

        Raises:
            DamagedError: it cannot be told.
        """
        size = 0
        for line, number in self._lines():
            found = _size(line)
            if found is None:
                raise self._no_line(number)
            if not found:
                continue
            counted()
            size += found
            if size > limits.TAR_SPLIT_TAR_BYTES:
                raise self.bad(f"is of a tar of more than {limits.TAR_SPLIT_TAR_BYTES} bytes")
        return size

    def bad(self, what: str) -> DamagedError:
        """The error of one that is not as an engine writes it."""
        return DamagedError(code="layer-record", what=what, where=self.where, hint=PULL_AGAIN)


PULL_AGAIN = "remove the image from the engine, and pull or load it again"


def _lines(reader: Any, record: Record) -> Iterator[bytes]:
    rest = b""
    for data in chunks(reader):
        *whole, rest = (rest + data).split(b"\n")
        if max(len(rest), len(whole[0]) if whole else 0) > limits.TAR_SPLIT_LINE_BYTES:
            raise record.bad(
                f"has a line of more than {plural(limits.TAR_SPLIT_LINE_BYTES, 'byte')}"
            )
        yield from whole
    if rest:
        yield rest


def _size(line: bytes) -> int | None:
    """Bytes of the tar that a line stands for; None where it is no line of tar-split's."""
    usual = _usual(line)
    if usual is None:
        piece = _piece_of_json(line)
        return None if piece is None else len(piece) if isinstance(piece, bytes) else piece.size
    payload, _, size, _ = usual
    return int(size) if payload is None else len(payload) // 4 * 3 - payload.count(b"=")


def _piece(line: bytes) -> bytes | SplitFile | None:
    """What a line says; None where it is no line of tar-split's, empty for a file without bytes."""
    usual = _usual(line)
    if usual is None:
        return _piece_of_json(line)
    payload, name, size, crc = usual
    if payload is None:
        return SplitFile(name.decode(), int(size), binascii.a2b_base64(crc))
    return binascii.a2b_base64(payload)


def _usual(line: bytes) -> Sequence[Any] | None:
    """Payload of bytes, or else name, size and CRC of a file, as they are written."""
    match = _USUAL.fullmatch(line)
    if match is None:
        return None
    groups = match.groups()
    return None if len(groups[0] or b"") % 4 else groups


def _piece_of_json(line: bytes) -> bytes | SplitFile | None:
    """What any line says."""
    try:
        value = json.loads(line.decode())
        if not isinstance(value, dict):
            return None
        payload = base64_bytes(value.get("payload") or "")
        kind, size = value.get("type"), value.get("size", 0)
        if kind == _BYTES:
            return payload
        if kind != _FILE or type(size) is not int or size < 0:
            return None
        if not size:
            return b""
        name = value.get("name_raw")
        text = value.get("name", "")
        if name:
            text = base64_bytes(name).decode("utf-8", "surrogateescape")
    except (ValueError, TypeError, RecursionError):  # binascii.Error is a ValueError
        return None
    if not isinstance(text, str) or not text or len(payload) != _CRC:
        return None
    return SplitFile(text, size, payload)
