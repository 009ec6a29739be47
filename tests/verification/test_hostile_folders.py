"""Hostile folders: what is no file is not opened, what has no end is not followed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from oci_layout.errors import NotAnImageError
from tests.builders import write_oci_layout
from tests.verification.checking import errors, report_of, serious, tiny
from tests.verification.test_hostile_archives import LAYER

IMAGE = tiny()


@pytest.mark.parametrize("place", [LAYER, "oci-layout", "index.json", "blobs/sha256/" + "0" * 64])
def test_a_fifo_is_never_opened(place: str, tmp_path: Path) -> None:
    """It would wait for a writer for ever; the test would, too."""
    layout = write_oci_layout([IMAGE], tmp_path / "layout")
    if (layout / place).exists():
        (layout / place).unlink()
    os.mkfifo(layout / place)
    try:
        found = {finding.code for finding in report_of(layout).findings}
    except NotAnImageError:
        assert place in {"oci-layout", "index.json"}
        return
    assert found or place.endswith("0" * 64)


def test_a_device_and_a_folder_as_blobs(tmp_path: Path) -> None:
    layout = write_oci_layout([IMAGE], tmp_path / "layout")
    (layout / LAYER).unlink()
    for target in ("/dev/zero", "/dev/stdin", "/proc/self/mem", "."):
        (layout / LAYER).symlink_to(target)
        assert errors(layout) & {"missing-blob", "size-mismatch", "NotAnImageError"}
        (layout / LAYER).unlink()
    (layout / LAYER).mkdir()
    assert errors(layout) == {"missing-blob"}


def test_folders_without_end(tmp_path: Path) -> None:
    """Folders nested as deep as a path may be, beside the blobs."""
    layout = write_oci_layout([IMAGE], tmp_path / "layout")
    folder = layout / "blobs"
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(1_500):  # deeper than Python recurses
        os.mkdir("d", dir_fd=deep)
        deeper = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    try:
        assert serious(layout) == set()
    finally:  # Python's own rmtree, which clears tmp_path, recurses
        subprocess.run(["rm", "-rf", folder / "d"], check=True)
