"""A document of the result, as a descriptor would point at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout.digest import Digest


@attrs.frozen(kw_only=True)
class Made:
    """A manifest, an index or another blob that an index can list.

    Args:
        media_type: of the result.
        digest: of its bytes.
        size: of its bytes.
        platform: that an image runs on, as an entry states it; None for what is no image.
    """

    media_type: str
    digest: Digest
    size: int
    platform: Mapping[str, Any] | None = None
