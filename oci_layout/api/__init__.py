"""What the package does, in calls: the only place that joins the siblings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oci_layout.api.checking import check as check
    from oci_layout.api.comparison import diff as diff
    from oci_layout.api.conversion import merge as merge
    from oci_layout.api.conversion import repack as repack
    from oci_layout.api.inspection import inspect as inspect
    from oci_layout.api.inspection import inspect_raw as inspect_raw
    from oci_layout.api.verification import verify as verify
    from oci_layout.api.words import Progress as Progress

_HOMES = {
    "Progress": "words",
    "check": "checking",
    "diff": "comparison",
    "inspect": "inspection",
    "inspect_raw": "inspection",
    "merge": "conversion",
    "repack": "conversion",
    "verify": "verification",
}
__all__ = [*sorted(_HOMES)]  # noqa: PLE0604  the names are strings


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a command must not wait for the others' modules."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
