"""Spooling tells how far it is, and where the spool lies."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

import oci_layout
from oci_layout import DestinationError, Progress
from oci_layout.source import spool
from tests.builders import compress, make_image, write_docker_archive

IMAGE = make_image([{"a": os.urandom(200_000)}], names=("demo:1",))


class Told:
    """What a progress is told, in order."""

    def __init__(self) -> None:
        self.all: list[object] = []
        self.bytes = 0

    @property
    def progress(self) -> Progress:
        return Progress(start=self._start, advance=self._advance, spool=self._spool)

    def _spool(self, source: str, directory: str, total: int) -> None:
        self.all.append((source, directory, total))

    def _start(self, total: int) -> None:
        self.all.append(("spooled", self.bytes))
        self.bytes = 0
        self.all.append(total)

    def _advance(self, size: int) -> None:
        self.bytes += size


def packed(folder: Path) -> Path:
    path = folder / "in.tar.gz"
    path.write_bytes(compress(write_docker_archive([IMAGE], folder / "x").read_bytes(), "gzip"))
    return path


def test_a_compressed_archive(tmp_path: Path) -> None:
    source, told = packed(tmp_path), Told()
    size = source.stat().st_size
    report = oci_layout.verify(source, tmp=str(tmp_path), progress=told.progress)
    assert told.all[:2] == [(str(source), str(tmp_path), size), ("spooled", size)]
    assert told.all[2] == told.bytes <= report.bytes


@pytest.mark.parametrize("verb", ["verify", "inspect", "check", "repack", "diff"])
def test_every_verb(verb: str, tmp_path: Path) -> None:
    source, told = packed(tmp_path), Told()
    call = getattr(oci_layout, verb)
    further = {"diff": (source,), "repack": (tmp_path / "out",)}.get(verb, ())
    options = {"repack": {"to": "oci"}}.get(verb, {})
    call(source, *further, tmp=str(tmp_path), progress=told.progress, **options)
    assert told.all[0] == (str(source), str(tmp_path), source.stat().st_size)


def test_a_pipe_has_no_size(tmp_path: Path) -> None:
    data, fifo, told = packed(tmp_path).read_bytes(), tmp_path / "fifo", Told()
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(data,), daemon=True)
    writer.start()
    oci_layout.verify(fifo, tmp=str(tmp_path), progress=told.progress)
    writer.join()
    assert told.all[:2] == [(str(fifo), str(tmp_path), 0), ("spooled", len(data))]


def test_a_progress_that_does_not_ask_is_told_nothing(tmp_path: Path) -> None:
    told = Told()
    progress = Progress(start=told._start, advance=told._advance)
    oci_layout.verify(packed(tmp_path), progress=progress)
    assert told.all[0] == ("spooled", 0)


def test_a_full_directory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spool, "write_all", full)
    with pytest.raises(DestinationError) as caught:
        oci_layout.verify(packed(tmp_path), tmp=str(tmp_path))
    assert caught.value.where.file == str(tmp_path)
    for word in ("in.tar.gz", "No space left", "all of it has to fit", "--tmp"):
        assert word in str(caught.value)
