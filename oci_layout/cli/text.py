"""Lines for people: everything that comes from an image is made harmless first."""

from __future__ import annotations

import re

from oci_layout.finding import Finding
from oci_layout.wording import short, shown, size_text

__all__ = ["abridged", "error_line", "finding_line", "short", "shown", "size_text"]


def error_line(message: str) -> str:
    """The one line that tells of an error."""
    return f"layout: {shown(message)}"


def finding_line(finding: Finding) -> str:
    """A finding on one line."""
    return f"{finding.severity}: {shown(str(finding))}"


_HEX = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}\b")


def abridged(text: str) -> str:
    """A text made harmless, with digests as people quote them; --json has them whole."""
    return _HEX.sub(r"\1...", shown(text))
