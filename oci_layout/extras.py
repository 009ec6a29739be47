"""What is installed apart: the extras of the package, and how one is had."""

from __future__ import annotations

import sys


def how_to_install(extra: str) -> str:
    """A hint for where an extra is missing.

    Args:
        extra: its name in pyproject.toml.
    """
    if getattr(sys, "frozen", False):  # the one file takes nothing in
        return f"not in this file: install oci-layout[{extra}] with pip, and use that"
    return f"pip install 'oci-layout[{extra}]'"
