"""What came of writing."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from oci_layout.blobs.task import Fact
from oci_layout.plan.assemble import Documents


@attrs.frozen(kw_only=True)
class Written:
    """What a sink has written.

    Args:
        documents: of the result.
        facts: what each task came to, by key.
        size: bytes that were written, or added to what was there.
        added: entries that an append has added, by name or digest; None where nothing was there.
    """

    documents: Documents
    facts: Mapping[str, Fact]
    size: int
    added: tuple[str, ...] | None = None
