"""Bounds of unpacking: what packed bytes may grow to, all taken together, and memory for each."""

from __future__ import annotations

import threading

from oci_layout import limits


class Growth:
    """Counts bytes unpacked beyond a ratio of 200, over all blobs and from any thread.

    A thousand layers of which each stays below a bound would cost as much as one of that size.

    Args:
        limit: how many there may be; None for the common bound.
        memory: bytes of memory that one stream may ask for; None for the common bound.
    """

    def __init__(self, limit: int | None = None, memory: int | None = None) -> None:
        self.limit = limits.BOMB_BYTES if limit is None else limit
        self.memory = limits.UNPACK_MEMORY if memory is None else memory
        self._lock = threading.Lock()
        self._beyond = 0

    def add(self, size: int) -> bool:
        """Count bytes; whether all is still within the limit.

        Args:
            size: negative where packed bytes that came later make up for some.
        """
        with self._lock:
            self._beyond += size
            return self._beyond <= self.limit
