"""How the work on blobs is done, as it was asked for."""

from __future__ import annotations

import os

import attrs

from oci_layout import limits
from oci_layout.api.words import Progress
from oci_layout.blobs.known import Remembered
from oci_layout.blobs.pool import Pool
from oci_layout.errors import UsageError


@attrs.frozen(kw_only=True)
class Work:
    """How the work on blobs is done.

    Args:
        jobs: cores to use.
        limit: bytes that blobs may grow to beyond a ratio of 200, all together.
        memory: bytes of memory that unpacking one blob may take; None for the common bound.
        progress: told how far it is.
        remembered: what is known of layers from other sources; None where nobody remembers.
    """

    jobs: int
    limit: int
    memory: int | None
    progress: Progress | None
    remembered: Remembered | None = None

    @classmethod
    def of(
        cls,
        *,
        jobs: int | None,
        limit: int | None,
        progress: Progress | None,
        memory: int | None = None,
        remembered: Remembered | None = None,
    ) -> Work:
        """What was asked for; all cores and the common bound where nothing was.

        Raises:
            UsageError: no cores, or a bound below nothing.
        """
        if jobs is not None and jobs < 1:
            raise UsageError(what="--jobs is at least 1")
        if limit is not None and limit < 1:
            raise UsageError(what="--limit is a number of bytes")
        if memory is not None and memory < 1:
            raise UsageError(what="--limit-memory is a number of bytes")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return cls(
            jobs=jobs or cores or 1,
            limit=limits.BOMB_BYTES if limit is None else limit,
            memory=memory,
            progress=progress,
            remembered=remembered,
        )

    def pool(self) -> Pool:
        """The threads for it."""
        advance = self.progress.advance if self.progress is not None else None
        return Pool(self.jobs, advance=advance, limit=self.limit, memory=self.memory)
