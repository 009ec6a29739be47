"""Sources that most tests need."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import corrupt
from tests.builders import write_docker_archive, write_oci_layout
from tests.verification.running import IMAGE


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_oci_layout([IMAGE], tmp_path / "sound")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = write_oci_layout([IMAGE], tmp_path / "damaged")
    blob = path / corrupt.blob(IMAGE.layers[0].digest)
    blob.write_bytes(corrupt.flip_byte(blob.read_bytes(), 0))
    return path


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A source with a warning and no error."""
    path = write_docker_archive([IMAGE], tmp_path / "odd.tar")
    path.write_bytes(path.read_bytes() + b"more" * 128)
    return path
