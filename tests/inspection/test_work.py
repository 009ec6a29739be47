"""The work grows with the source, not with its square; counted in calls, not in seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from oci_layout import inspect
from oci_layout.cli.inspected import render
from oci_layout.inspection.report import (
    BlobReport,
    FileReport,
    HistoryLine,
    LayerReport,
    OrphanReport,
    ReadLayerReport,
)
from tests.builders import (
    Image,
    make_image,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.files import write_members
from tests.independent import read_files

IMAGES = [make_image([{"f": str(n).encode()}], names=(f"demo:{n}",)) for n in range(120)]


def podman(images: list[Image], dest: Path) -> Path:
    return write_docker_archive(images, dest, style="podman")


def orphans(images: list[Image], dest: Path) -> Path:
    """One image, and as many blobs that nobody names as there are images."""
    files = read_files(write_oci_archive(images[:1], dest))
    files |= {f"blobs/sha256/{n:064x}": b"x" for n in range(len(images))}
    return write_members(files, dest)


def layers(images: list[Image], dest: Path) -> Path:
    """One image with as many layers as there are images."""
    files: list[dict[str, bytes]] = [{"f": str(n).encode()} for n in range(len(images))]
    return write_docker_archive([make_image(files)], dest)


def calls(source: Path) -> int:
    """Calls of functions that showing a source takes."""
    count = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        del frame, argument
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        render(inspect(str(source)), 80)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "write",
    [
        write_docker_archive,
        write_oci_archive,
        write_hybrid_archive,
        write_oci_layout,
        podman,
        orphans,
        layers,
    ],
)
def test_twice_the_images_take_twice_the_work(
    write: Callable[[list[Image], Path], Path], tmp_path: Path
) -> None:
    none, half, whole = (
        calls(write(IMAGES[:number], tmp_path / str(number))) for number in (1, 60, 120)
    )
    assert 1.8 < (whole - none) / (half - none) < 2.2


def test_what_is_shown_of_layers_and_files_takes_little_memory() -> None:
    """A source may have tens of thousands of each: a value is its fields and nothing else."""
    for kind in (LayerReport, ReadLayerReport, HistoryLine, FileReport, BlobReport, OrphanReport):
        assert kind.__dictoffset__ == 0, kind


def test_nothing_is_imported_that_inspection_does_not_need() -> None:
    """The command answers in the time of a glance, most of which is the start of Python."""
    code = "import sys, oci_layout.api.inspection; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    mine = [name for name in done.stdout.split() if name.startswith("oci_layout.")]
    rooms = {name.split(".")[1] for name in mine}
    assert not rooms & {"plan", "sink", "work", "verification", "cli"}
    assert "oci_layout.streams.layerfiles" not in mine
