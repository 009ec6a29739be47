"""Files one after the other, read as one file: what ``split`` made of an archive."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from contextlib import ExitStack

from oci_layout.streams.reader import HeldFile


class JoinedFile(HeldFile):
    """Several files as one, each held open; nothing is copied.

    Args:
        paths: in order.
        label: what to call all of them.

    Raises:
        ReadError: one is not there, or not readable.
        NotAnImageError: one is no regular file.
    """

    def __init__(self, paths: Sequence[str], label: str) -> None:
        self.path, self._fd, self._stamp = label, -1, None
        with ExitStack() as stack:
            self._parts = [stack.enter_context(HeldFile(path)) for path in paths]
            self._closing = stack.pop_all()
        ends = list(itertools.accumulate(part.size for part in self._parts))
        self._begins = [0, *ends[:-1]]
        self.size, self._count = ends[-1], len(self._parts)

    def require_unchanged(self) -> None:
        """Look again whether each part is what it was when it was opened."""
        for part in self._parts:
            part.require_unchanged()

    def pread(self, size: int, offset: int) -> bytes:
        """Bytes at an offset; shorter at the end of the last file."""
        pieces: list[bytes] = []
        for number in range(max(0, bisect.bisect_right(self._begins, offset) - 1), self._count):
            part, at = self._parts[number], offset - self._begins[number]
            if at >= part.size:  # an empty part, or beyond the end
                continue
            data = part.pread(min(size, part.size - at), at)
            pieces.append(data)
            size, offset = size - len(data), offset + len(data)
            if not size or at + len(data) < part.size:  # the part may have been cut meanwhile
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the files."""
        self._closing.close()
