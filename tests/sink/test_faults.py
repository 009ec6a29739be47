"""Every call of the system that can fail does so once: old or new, one error, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sink.faults import ERRORS, TARGETS, outcomes

SLOW = os.environ.get("OCI_LAYOUT_SLOW") == "1"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("first", range(len(ERRORS)) if SLOW else [0])
def test_each_call_fails_once(first: int, target: str, tmp_path: Path) -> None:
    """Each in each way, when there is time for it; of four one, without."""
    found = outcomes(tmp_path, target, 1 if SLOW else 4, first)
    assert found["old, refused"]
