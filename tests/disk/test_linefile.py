"""A file that grows line by line, for who reads along."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from oci_layout.disk.linefile import LineFile
from oci_layout.disk.outputs import Outputs
from oci_layout.errors import DestinationError, UsageError


def test_each_line_is_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("of before\n")
    with Outputs() as outputs:
        file = LineFile("--report", str(path), outputs)
        assert path.read_text() == ""
        for number in range(3):
            file.write(b"%d\n" % number)
            assert len(path.read_text().splitlines()) == number + 1
        file.close()
        file.close()
    assert os.listdir(tmp_path) == ["lines"]


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    thread.start()
    with Outputs() as outputs:
        file = LineFile("--report", str(tmp_path / "pipe"), outputs)
        file.write(b"line\n")
        file.close()
    thread.join()
    assert read == [b"line\n"]


def test_what_is_no_file(tmp_path: Path) -> None:
    with Outputs() as outputs:
        with pytest.raises(DestinationError, match="is an empty folder"):
            LineFile("--report", str(tmp_path), outputs)
        with pytest.raises(DestinationError, match="no such directory"):
            LineFile("--report", str(tmp_path / "absent/lines"), outputs)
        with pytest.raises(UsageError):
            LineFile("--report", "", outputs)


def test_a_full_disk(tmp_path: Path) -> None:
    with Outputs() as outputs:
        file = LineFile("--report", "/dev/full", outputs)
        with pytest.raises(DestinationError, match="No space left"):
            file.write(b"line\n")
        file.close()
