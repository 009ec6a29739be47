"""What is no image says what it is; pipes are sources too; nothing is left behind."""

from __future__ import annotations

import bz2
import gzip
import os
import threading
from pathlib import Path

import pytest

from oci_layout.errors import LayoutError, NotAnImageError
from oci_layout.finding import Findings
from oci_layout.mediatype import Compression
from oci_layout.source.opening import open_source
from tests.builders import (
    compress,
    make_image,
    write_docker_archive,
    write_files,
    write_oci_layout,
)
from tests.source.opened import assert_holds, by_names, refused
from tests.streams.tars import END, member

IMAGE = make_image(names=("demo:1",))


def not_an_image(path: Path) -> str:
    with pytest.raises(NotAnImageError) as caught:
        open_source(str(path))
    assert caught.value.exit_status == 3
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"x" * 2000, "neither a tar"),
        (b'{"schemaVersion": 2}', "JSON"),
        (b"PK\x03\x04" + bytes(600), "a zip file"),
        (END, "neither index.json nor manifest.json"),
        (member("hello.txt", b"x") + END, "hello.txt"),
    ],
)
def test_files_that_are_no_image(data: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    assert word in not_an_image(path)


def test_places_that_are_no_image(tmp_path: Path) -> None:
    assert "No such file" in not_an_image(tmp_path / "absent")
    assert "nothing" in not_an_image(tmp_path)
    not_an_image(Path("/dev/null"))
    assert "nginx.conf" in not_an_image(write_files({"nginx.conf": b"x"}, tmp_path / "d"))


@pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2", "xz"])
def test_packed_and_damaged_outside(compression: str, tmp_path: Path) -> None:
    packed = compress(write_docker_archive([IMAGE], tmp_path / "x").read_bytes(), compression)
    path = tmp_path / "y"
    cases = [packed[: len(packed) // 2], packed[:-1], packed + b"garbage!"]
    for data in cases[:2] if compression == "gzip" else cases:
        path.write_bytes(data)
        error = refused(path)
        assert "archive as a whole" in str(error)
        assert str(path) in str(error)


def test_what_follows_a_gzip_stream_is_told(tmp_path: Path) -> None:
    """Readers that stop at the end of the tar never see it."""
    raw = write_docker_archive([IMAGE], tmp_path / "x").read_bytes()
    for more in (b"garbage!", bytes(1 << 20)):
        path = tmp_path / "y"
        path.write_bytes(gzip.compress(raw) + more)
        with open_source(str(path), findings=Findings()) as source:
            assert source.followed
            assert "trailing-data" in {each.code for each in source.findings.warnings}


def test_packed_twice(tmp_path: Path) -> None:
    raw = write_docker_archive([IMAGE], tmp_path / "x").read_bytes()
    path = tmp_path / "y"
    path.write_bytes(bz2.compress(gzip.compress(raw)))
    with open_source(str(path)) as source:
        assert (source.outer, source.inner) == (Compression.BZIP2, Compression.GZIP)
        assert len(source.roots) == 1
    path.write_bytes(gzip.compress(bz2.compress(gzip.compress(raw))))
    assert "neither a tar" in not_an_image(path)


def test_a_text_packed_outside_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"hello" * 1000))
    assert "neither a tar" in not_an_image(path)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_pipe_by_name(compression: str, tmp_path: Path) -> None:
    raw = compress(write_docker_archive([IMAGE], tmp_path / "x").read_bytes(), compression)
    fifo, spool = tmp_path / "fifo", tmp_path / "spool"
    spool.mkdir()
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(raw))
    writer.start()
    with open_source(str(fifo), tmp=str(spool)) as source:
        assert list(by_names(source.roots)) == [("demo:1",)]
        assert list(spool.iterdir()) == []
    writer.join()


def test_the_suffix_and_the_name_say_nothing(tmp_path: Path) -> None:
    path = write_docker_archive([IMAGE], tmp_path / "image.json.zip")
    assert_holds(path, IMAGE)


def test_a_layout_without_images_is_a_source_without_roots(tmp_path: Path) -> None:
    with open_source(str(write_oci_layout([], tmp_path / "layout"))) as source:
        assert source.roots == ()


def test_a_bomb_outside_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive as a whole has the bound that a layer has."""
    raw = member("manifest.json", b"[]") + member("zeros", bytes(40 << 20)) + END
    path = tmp_path / "x.tar.zst"
    path.write_bytes(compress(raw, "zstd"))
    assert path.stat().st_size * 1000 < len(raw)
    with open_source(str(path)) as source:  # large, but far below the bound
        assert source.roots == ()


def test_the_file_is_let_go_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(member("hello", b"x") + END)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(LayoutError):
            open_source(str(path))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_name_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("saved.tar", "in/app-1.2.tar", "in/app-1.3.tar", "in/other"):
        (tmp_path / name).write_bytes(b"")
    for path, hint in (
        ("save.tar", "did you mean saved.tar?"),
        ("in/app-1.4.tar", "did you mean in/app-1.3.tar or in/app-1.2.tar?"),
        (f"{tmp_path}/saved.tr", f"did you mean {tmp_path}/saved.tar?"),
        ("./nothing.tar", ""),
        ("nowhere/saved.tar", ""),
    ):
        with pytest.raises(NotAnImageError) as told:
            open_source(path)
        assert told.value.hint == hint
