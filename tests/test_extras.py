"""What is said where an extra is missing."""

from __future__ import annotations

import sys

import pytest

from oci_layout.extras import how_to_install


def test_pip_brings_it() -> None:
    assert how_to_install("cluster") == "pip install 'oci-layout[cluster]'"


def test_the_one_file_takes_nothing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not how_to_install("cluster").startswith("pip")
    assert "oci-layout[cluster]" in how_to_install("cluster")
