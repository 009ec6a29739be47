"""What may be asked of ``verify``."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import attrs

from oci_layout import option
from oci_layout.option import Working


class Depth(enum.StrEnum):
    """How deep to look."""

    FULL = "full"
    DIGESTS = "digests"
    QUICK = "quick"


@attrs.frozen(kw_only=True)
class Verify(Working):
    """What may be asked of ``verify``."""

    check: Depth = option.word(
        Depth,
        Depth.FULL,
        "full; digests: stored bytes only, diff_ids are believed; quick: documents, names, sizes.",
    )
    expect: Sequence[str] = option.texts(
        "Image ID or manifest digest that must be inside.", "DIGEST"
    )
    sums: str | None = option.text("Write sums of all files, for sha256sum -c.", "FILE")
    against: str | None = option.text("Check all files against such sums.", "FILE")
    trusted_keys: Sequence[str] = option.texts(
        "Key that must have signed schema 1 manifests.", "FILE", "--trusted-key"
    )
    limit: int | None = option.size("What layers may grow to past 200 times; default 8G.")
    limit_memory: int | None = option.size("Memory to unpack one layer in; default 128M.")
