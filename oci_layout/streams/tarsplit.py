"""What an engine wrote down of a layer when it unpacked it: enough to put the tar together again.

A line is a JSON document (github.com/vbatts/tar-split, tar/storage/entry.go): of type 2 are bytes
of the tar as they stood, headers and padding; of type 1 is a file by its name, whose bytes come
from where the engine unpacked it, and their CRC-64.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.errors import DamagedError
from oci_layout.mediatype import Compression
from oci_layout.pythons import base64_bytes, base64_quickly
from oci_layout.streams.compression import decoded
from oci_layout.streams.growth import Growth
from oci_layout.streams.reader import ClosableReader, Reader, chunks
from oci_layout.where import Where

_FILE, _BYTES = 1, 2
_CRC = 8  # bytes
_READ = 64 << 10  # bytes of lines that are taken apart at a time: some hundred
_LETTERS = b"A-Za-z0-9+/"


def _usual(payload: bytes) -> re.Pattern[bytes]:
    """Takes lines apart as Go's encoder spells nearly all: bytes, a file, or one without content.

    Groups: the payload of bytes; name, size and checksum of a file; any other line, whole. What
    follows a repetition is never one more of it, so that each line takes time as it is long.

    Args:
        payload: what the payload of bytes may be.
    """
    return re.compile(
        rb'\{"type":(?:2,"payload":"(' + payload + rb')"|1,"name":"(?:'
        rb'([ !#-\[\]-~]+)","size":([1-9][0-9]{0,17}),"payload":"([' + _LETTERS + rb']{11}=)"'
        rb'|[ !#-\[\]-~]+","payload":null)),"position":[0-9]+\}\n|([^\n]*\n)'
    )


# To measure, nothing is decoded, so that each letter is looked at here.
_MEASURED = _usual(rb"[" + _LETTERS + rb"]*={0,2}")
_READ_LINES = _usual(rb'[^"]*')
_Line = tuple[bytes, bytes, bytes, bytes, bytes]


class SplitFile(NamedTuple):
    """A file of a layer whose bytes are elsewhere. A tuple, since each line of a record makes one.

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
        for lines, before in self._lines(_READ_LINES):
            for number, line in enumerate(lines, before + 1):
                piece = _piece(line)
                if piece is None:
                    raise self._no_line(number)
                if piece:
                    yield piece

    def _lines(self, taken_apart: re.Pattern[bytes]) -> Iterator[tuple[list[_Line], int]]:
        """Some lines at a time, and how many there were before."""
        reader = self.open()
        try:
            growth, before = Growth(limit=limits.TAR_SPLIT_GROWN_BYTES), 0
            tar_split = decoded(reader, Compression.GZIP, self.where, growth=growth)
            for text in self._whole_lines(tar_split):
                lines = taken_apart.findall(text)
                if before + len(lines) > limits.TAR_SPLIT_LINES:
                    raise self.bad(f"has more than {limits.TAR_SPLIT_LINES} lines")
                yield lines, before
                before += len(lines)
        finally:
            reader.close()

    def _whole_lines(self, reader: Reader) -> Iterator[bytes]:
        rest = b""
        for data in chunks(reader, _READ):
            text = rest + data
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            if max(len(rest), text.find(b"\n")) > limits.TAR_SPLIT_LINE_BYTES:
                raise self.bad(
                    f"has a line of more than {plural(limits.TAR_SPLIT_LINE_BYTES, 'byte')}"
                )
            if end:
                yield text[:end]
        if rest:
            yield rest + b"\n"

    def measure(self, counted: Callable[[int], object]) -> int:
        """How many bytes the tar has.

        Args:
            counted: told how many pieces there are, some at a time; it raises where there are too
                many.

        Raises:
            DamagedError: it cannot be told.
        """
        size = 0
        for lines, before in self._lines(_MEASURED):
            sizes = []
            for number, line in enumerate(lines, before + 1):
                found = _size(line)
                if found is None:
                    raise self._no_line(number)
                if found:
                    sizes.append(found)
            counted(len(sizes))
            size += sum(sizes)
            if size > limits.TAR_SPLIT_TAR_BYTES:
                raise self.bad(f"is of a tar of more than {limits.TAR_SPLIT_TAR_BYTES} bytes")
        return size

    def _no_line(self, number: int) -> DamagedError:
        return self.bad(f"line {number} is none of tar-split's")

    def bad(self, what: str) -> DamagedError:
        """The error of one that is not as an engine writes it."""
        return DamagedError(code="layer-record", what=what, where=self.where, hint=PULL_AGAIN)


PULL_AGAIN = "remove the image from the engine, and pull or load it again"


def _size(line: _Line) -> int | None:
    """Bytes of the tar that a line stands for; None where it is no line of tar-split's."""
    payload, _, size, _, other = line
    if payload and not len(payload) % 4:
        return len(payload) // 4 * 3 - payload.count(b"=", -2)
    if size:
        return int(size)
    if not payload and not other:
        return 0
    piece = _piece(line)
    return None if piece is None else len(piece) if isinstance(piece, bytes) else piece.size


def _piece(line: _Line) -> bytes | SplitFile | None:
    """What a line says; None where it is no line of tar-split's, empty for a file without bytes."""
    payload, name, size, crc, other = line
    if name:
        return SplitFile(name.decode(), int(size), binascii.a2b_base64(crc))
    if other:
        return _piece_of_json(other)
    try:
        return base64_quickly(payload)
    except ValueError:  # escaped otherwise, or none
        return _piece_of_json(b'{"type":2,"payload":"%b"}' % payload)


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
