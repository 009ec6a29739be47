"""What may be asked of ``have``."""

from __future__ import annotations

import attrs

from oci_layout.option import Completing


@attrs.frozen(kw_only=True)
class Have(Completing):
    """What may be asked of ``have``."""
