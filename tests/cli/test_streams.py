"""Standard input and output through real pipes, packed or not; what goes in comes out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests import independent
from tests.builders import make_image, write_docker_archive, write_hybrid_archive
from tests.command import argv_of, environment, layout, names_in, succeed, the_line

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    # What `pigz --blocksize` and `cat a.gz b.gz` make: several members.
    "gzip members": lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:]),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def pipe(*words: object, data: bytes = b"") -> bytes:
    """Run `layout` between two pipes; it must succeed."""
    done = layout(*words, stdin=data)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return write_docker_archive([make_image(names=("demo:1", "other/demo:2"))], tmp_path / "in.tar")


@pytest.mark.parametrize("packed", PACKERS)
def test_pipe_to_pipe(packed: str, saved: Path, tmp_path: Path) -> None:
    """A pipe gives what a file gives, byte for byte."""
    succeed("repack", saved, "--to", "oci", "-o", tmp_path / "want.tar")
    data = PACKERS[packed](saved.read_bytes())
    out = pipe("repack", "-", "--to", "oci", "-o", "-", data=data)
    assert out == (tmp_path / "want.tar").read_bytes()
    independent.check(tmp_path / "want.tar")


@pytest.mark.parametrize("packed", PACKERS)
def test_pipe_to_file_and_folder(packed: str, saved: Path, tmp_path: Path) -> None:
    data = PACKERS[packed](saved.read_bytes())
    for name in ("out.tar", "out"):
        pipe("repack", "-", "--to", "docker", "-o", tmp_path / name, data=data)
        found = independent.check(tmp_path / name)
        assert found.names == {"docker.io/library/demo:1", "docker.io/other/demo:2"}
    assert names_in(tmp_path) == ["in.tar", "out", "out.tar"]


def test_reencoded_into_a_pipe(saved: Path, tmp_path: Path) -> None:
    """Layers whose size is known only after the work are staged, and come out the same."""
    flags = ("--to", "oci", "--compression", "gzip", "-o")
    succeed("repack", saved, *flags, tmp_path / "want.tar")
    out = pipe("repack", "-", *flags, "-", data=saved.read_bytes())
    assert out == (tmp_path / "want.tar").read_bytes()


def test_slow_pipe_in_small_pieces(saved: Path, tmp_path: Path) -> None:
    """A writer that gives a few bytes at a time, the magic number in two pieces."""
    data = gzip.compress(saved.read_bytes())
    with subprocess.Popen(
        argv_of("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar", "-q"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        for piece in (data[:1], data[1:2], data[2:300], data[300:]):
            process.stdin.write(piece)
            process.stdin.flush()
        process.stdin.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")
    independent.check(tmp_path / "out.tar")


@pytest.mark.parametrize("packed", ["raw", "zstd"])
def test_fifo_as_source(packed: str, saved: Path, tmp_path: Path) -> None:
    """What a shell's `<(docker save x)` is: a name that cannot seek."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    data = PACKERS[packed](saved.read_bytes())
    writer = threading.Thread(target=fifo.write_bytes, args=(data,))
    writer.start()
    try:
        succeed("repack", fifo, "--to", "oci", "-o", tmp_path / "out.tar")
    finally:
        writer.join(timeout=60)
    independent.check(tmp_path / "out.tar")


def test_files_instead_of_pipes(saved: Path, tmp_path: Path) -> None:
    """`layout repack - < in.tar > out.tar`."""
    with saved.open("rb") as source, (tmp_path / "out.tar").open("wb") as dest:
        done = subprocess.run(
            argv_of("repack", "-", "--to", "oci", "-o", "-"),
            stdin=source,
            stdout=dest,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert independent.check(tmp_path / "out.tar").docker


def test_report_stays_out_of_the_archive(saved: Path, tmp_path: Path) -> None:
    """With the archive on standard output, people read standard error, programs a file."""
    done = layout("repack", saved, "--to", "oci", "-o", "-", "--report", tmp_path / "report.json")
    assert done.returncode == 0
    (tmp_path / "out.tar").write_bytes(done.stdout)
    independent.check(tmp_path / "out.tar")
    assert b"wrote standard output" in done.stderr
    assert b'"version": 1' in (tmp_path / "report.json").read_bytes()
    both = layout("repack", saved, "--to", "oci", "-o", "-", "--json")
    assert "--report" in the_line(both, 2)
    assert both.stdout == b""


def test_closed_standard_error_does_not_spill_into_the_archive(saved: Path, tmp_path: Path) -> None:
    """`2>&-`, as some schedulers start programs."""
    line = 'exec "$@" 2>&-'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *argv_of("repack", saved, "--to", "oci", "-o", "-")],
        stdout=subprocess.PIPE,
        env=environment(),
        check=False,
    )
    succeed("repack", saved, "--to", "oci", "-o", tmp_path / "want.tar")
    assert done.stdout == (tmp_path / "want.tar").read_bytes()
    assert done.returncode == 0


@pytest.mark.parametrize("packed", ["gzip", "bzip2", "xz", "zstd"])
def test_stream_cut_short(packed: str, tmp_path: Path) -> None:
    """A download that broke off is no image, and nothing is written of it."""
    image = make_image([{"srv/data": os.urandom(40_000)}])
    archive = write_hybrid_archive([image], tmp_path / "in.tar").read_bytes()
    data = PACKERS[packed](archive)
    for dest in ("out.tar", "out", "-"):
        words = ("repack", "-", "--to", "oci", "-o", dest if dest == "-" else tmp_path / dest)
        done = layout(*words, stdin=data[: len(data) // 2])
        assert "standard input" in the_line(done, 3)
        assert done.stdout == b""
    assert names_in(tmp_path) == ["in.tar"]


def test_empty_and_foreign_input(tmp_path: Path) -> None:
    for data in (b"", b"hello\n" * 300, b"{}", gzip.compress(b"")):
        done = layout("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar", stdin=data)
        the_line(done, 3)
    assert names_in(tmp_path) == []


def test_raw_archive_cut_short(saved: Path, tmp_path: Path) -> None:
    """The member that is not all there is named, with the offset of its bytes."""
    with tarfile.open(saved) as archive:
        largest = max(archive, key=lambda member: member.size)
    data = saved.read_bytes()[: largest.offset_data + largest.size // 2]
    done = layout("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar", stdin=data)
    line = the_line(done, 3)
    assert largest.name in line
    assert f"offset {largest.offset_data}" in line
    assert names_in(tmp_path) == ["in.tar"]


def test_output_is_read_as_it_is_made(saved: Path) -> None:
    """`-o -` streams: its first bytes are a tar header of the marker, its end the end marker."""
    out = pipe("repack", saved, "--to", "oci", "-o", "-")
    assert io.BytesIO(out).read(10) == b"oci-layout"
    assert out.endswith(bytes(1024))
