"""What may be asked of ``batch``, whatever it does with each source."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from oci_layout import option

# What may be asked of one source or one result, and so not of a shelf.
WITHOUT = frozenset({"sums", "against", "append", "dry_run", "jobs"})


@attrs.frozen(kw_only=True)
class Batch:
    """What may be asked of ``batch``."""

    include: Sequence[str] = option.texts(
        "Take sources that fit this alone; repeatable.", "GLOB", "--include"
    )
    exclude: Sequence[str] = option.texts(
        "Leave files and folders out that fit this; repeatable.", "GLOB", "--exclude"
    )
    rehash: bool = option.flag("Tell by content, not by time and size, what has changed.")
    jobs: int | None = option.count("Sources at a time; all cores by default.")
    cluster: str | None = option.text("Let a Dask cluster do it; its scheduler.", "ADDRESS")


@attrs.frozen(kw_only=True)
class Repacking(Batch):
    """What may be asked of it where sources are repacked."""

    merge: bool = option.flag("Put the images of all sources into one result at DEST.")


@attrs.frozen(kw_only=True)
class Reading(Batch):
    """What may be asked of it where nothing is written."""

    state: str | None = option.text("Keep there what is done: the next run goes on.", "FILE")


@attrs.frozen(kw_only=True)
class Verifying(Reading):
    """What may be asked of it where sources are verified."""

    strict: bool = option.flag("Warnings count as errors.")
