"""Container images across formats, offline: read, convert and check what engines save."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing takes longer to import than all that is needed at the start
if TYPE_CHECKING:
    from typing import Any

    from oci_layout.api import Progress as Progress
    from oci_layout.api import check as check
    from oci_layout.api import compare as compare
    from oci_layout.api import inspect as inspect
    from oci_layout.api import merge as merge
    from oci_layout.api import repack as repack
    from oci_layout.api import verify as verify
    from oci_layout.digest import Digest as Digest
    from oci_layout.errors import LayoutError as LayoutError
    from oci_layout.finding import Finding as Finding
    from oci_layout.finding import Findings as Findings
    from oci_layout.platform import Platform as Platform
    from oci_layout.reference import Reference as Reference
    from oci_layout.source.opening import Source as Source
    from oci_layout.source.opening import open_source as open_source

_HOMES = {
    "Progress": "oci_layout.api",
    "compare": "oci_layout.api",
    "check": "oci_layout.api",
    "inspect": "oci_layout.api",
    "merge": "oci_layout.api",
    "repack": "oci_layout.api",
    "verify": "oci_layout.api",
    "Digest": "oci_layout.digest",
    "LayoutError": "oci_layout.errors",
    "Finding": "oci_layout.finding",
    "Findings": "oci_layout.finding",
    "Platform": "oci_layout.platform",
    "Reference": "oci_layout.reference",
    "Source": "oci_layout.source.opening",
    "open_source": "oci_layout.source.opening",
}
__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604  the names are strings


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: the command must start fast."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
