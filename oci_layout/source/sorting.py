"""Sorting of more than should stay in memory: runs in an unnamed file, then merged."""

from __future__ import annotations

import heapq
import marshal
import os
import struct
from collections.abc import Iterator
from typing import Any

from oci_layout.closing import Closing
from oci_layout.source.spool import spool_directory, unnamed_file, write_all
from oci_layout.streams.heap import trim

_RUN_BYTES = 16 << 20  # records in memory, with what Python adds to them
_RECORD_BYTES = 160  # what Python adds to one
_READ = 32 << 10  # bytes read at a time of each run
_WRITTEN = 1 << 20  # bytes written at a time
_HEAD = struct.Struct("<II")


class Sorting(Closing):
    """Takes records in any order, and gives them in that of their keys. A context manager.

    Args:
        tmp: directory for what does not stay in memory.
    """

    def __init__(self, tmp: str | None) -> None:
        self._tmp = tmp
        self._fd = -1
        self._end = self._size = 0
        self._kept: list[tuple[bytes, bytes]] = []
        self._runs: list[tuple[int, int]] = []

    def add(self, key: bytes, value: tuple[Any, ...]) -> None:
        """Take a record.

        Args:
            key: what it is sorted by; no two are the same.
            value: of plain types alone: texts, numbers, bytes, tuples of them.
        """
        data = marshal.dumps(value)  # what is read is what was written here a moment ago
        self._kept.append((key, data))
        self._size += len(key) + len(data) + _RECORD_BYTES
        if self._size >= _RUN_BYTES:
            self._spill()

    def _spill(self) -> None:
        if self._fd < 0:
            self._fd = unnamed_file(spool_directory(self._tmp))
        self._kept.sort()
        start, pieces, size = self._end, bytearray(), 0
        for key, data in self._kept:
            pieces += _HEAD.pack(len(key), len(data))
            pieces += key
            pieces += data
            if len(pieces) >= _WRITTEN:
                write_all(self._fd, bytes(pieces))
                size += len(pieces)
                pieces.clear()
        write_all(self._fd, bytes(pieces))
        size += len(pieces)
        self._end += size
        self._runs.append((start, size))
        self._kept, self._size = [], 0
        trim()

    def settle(self) -> None:
        """All have come: where there are many, keep none of them in memory."""
        if self._runs and self._kept:
            self._spill()

    def __iter__(self) -> Iterator[tuple[bytes, Any]]:
        self._kept.sort()
        runs = [self._read(start, size) for start, size in self._runs]
        for key, data in heapq.merge(*runs, self._kept):
            yield key, marshal.loads(data)  # noqa: S302  see above

    def _read(self, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
        end, buffer, at = start + size, b"", 0
        while start < end or at < len(buffer):
            need = _HEAD.size
            if len(buffer) - at >= need:
                key, data = _HEAD.unpack_from(buffer, at)
                need += key + data
            if len(buffer) - at < need or need == _HEAD.size:
                more = os.pread(self._fd, min(max(_READ, need), end - start), start)
                start += len(more)
                buffer, at = buffer[at:] + more, 0
                continue
            middle, at = at + _HEAD.size + key, at + need
            yield buffer[middle - key : middle], buffer[middle:at]

    def close(self) -> None:
        """Let the file vanish."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
