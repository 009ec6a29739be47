"""What came of writing."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from oci_layout.blobs.task import Fact
from oci_layout.plan.assemble import Documents
from oci_layout.plan.report import VolumeReport


@attrs.frozen(kw_only=True)
class Written:
    """What a sink has written.

    Args:
        documents: of the result.
        facts: what each task came to, by key.
        size: bytes that were written, or added to what was there.
        volumes: what it was cut into; empty where it was not.
        added: entries that an append has added, by name or digest; None where nothing was there.
    """

    documents: Documents
    facts: Mapping[str, Fact]
    size: int
    volumes: tuple[VolumeReport, ...] = ()
    added: tuple[str, ...] | None = None
