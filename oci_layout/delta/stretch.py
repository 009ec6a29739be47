"""A stretch of a file: a raw tar that is read by offset, wherever it lies."""

from __future__ import annotations

import attrs

from oci_layout.streams.reader import HeldFile, ends_early


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Stretch:
    """Bytes in a file.

    Args:
        file: that holds them; stays open as long.
        start: offset of the first one.
        size: how many there are.
    """

    file: HeldFile
    start: int = 0
    size: int

    def get(self, offset: int, size: int) -> bytes:
        """Some of the bytes.

        Args:
            offset: of the first one, in the stretch.
            size: how many; they must be there.

        Raises:
            DamagedError: the file has become shorter.
        """
        data = self.file.pread(size, self.start + offset)
        while len(data) < size:  # a single read gives no more than 2 GiB, or stops at a signal
            more = self.file.pread(size - len(data), self.start + offset + len(data))
            if not more:
                raise ends_early(self.file, self.start + offset + len(data), size - len(data))
            data += more
        return data
