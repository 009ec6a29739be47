"""Readers that go away, full devices, missing rights: one line, the right status, no half work."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.builders.trees import fingerprint, heavy_image
from tests.command import (
    argv_of,
    environment,
    names_in,
    process,
    refuse,
    succeed,
    the_line,
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return write_docker_archive([make_image()], tmp_path / "in.tar")


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_docker_archive([heavy_image(1)], tmp_path_factory.mktemp("heavy") / "heavy.tar")


@pytest.mark.parametrize("flags", [(), ("--compression", "gzip")])
def test_reader_that_goes_away(flags: tuple[str, ...], heavy: Path, tmp_path: Path) -> None:
    """`layout repack ... -o - | head -c 1000`."""
    with subprocess.Popen(
        argv_of("repack", heavy, "--to", "oci", "-o", "-", *flags, "--tmp", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1000)
        process.stdout.close()
        said = process.stderr.read()
    done = subprocess.CompletedProcess([], process.returncode, b"", said)
    assert "went away" in the_line(done, 5)
    assert names_in(tmp_path) == []


def test_reader_of_the_report_goes_away(saved: Path, tmp_path: Path) -> None:
    """The archive is whole all the same, and nobody sees a traceback."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = process("repack", saved, "--to", "oci", "-o", tmp_path / "out.tar", stdout=write)
    finally:
        os.close(write)
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "out.tar").exists()


def test_closed_standard_output(saved: Path) -> None:
    """`layout ... -o - >&-`."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *argv_of("repack", saved, "--to", "oci", "-o", "-")],
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
    )
    assert "standard output" in the_line(done, 5)


def test_closed_standard_input(tmp_path: Path) -> None:
    """`layout repack - <&-`."""
    words = argv_of("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar")
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *words],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert "standard input" in the_line(done, 3)
    assert names_in(tmp_path) == []


def test_full_standard_output(saved: Path, heavy: Path) -> None:
    for source in (saved, heavy):
        with Path("/dev/full").open("wb") as full:
            done = process("repack", source, "--to", "oci", "-o", "-", stdout=full.fileno())
        assert "No space left on device" in the_line(done, 5)


def test_device_as_destination(saved: Path, tmp_path: Path) -> None:
    """A device is never replaced by a file, whatever leads to it."""
    link = tmp_path / "full.tar"
    link.symlink_to("/dev/full")
    for dest in ("/dev/full", link):
        for force in ((), ("--force",)):
            refuse(5, saved, "--to", "oci", "-o", dest, *force)
    assert Path("/dev/full").is_char_device()
    assert link.is_symlink()
    fifo = tmp_path / "fifo.tar"
    os.mkfifo(fifo)
    refuse(5, saved, "--to", "oci", "-o", fifo, "--force")
    assert fifo.is_fifo()


@pytest.mark.parametrize("tmp", ["/dev/full", "/nowhere/at/all"])
def test_tmp_that_cannot_be(tmp: str, saved: Path, tmp_path: Path) -> None:
    words = ("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar", "--tmp", tmp)
    line = the_line(process(*words, stdin=saved.read_bytes()), 5)
    assert tmp in line
    assert "--tmp" in line
    assert names_in(tmp_path) == ["in.tar"]


def locked(folder: Path) -> Path:
    folder.mkdir()
    folder.chmod(0o555)
    return folder


@pytest.mark.parametrize("name", ["out.tar", "out", "out.tar.gz"])
def test_no_right_to_write_beside(name: str, saved: Path, tmp_path: Path) -> None:
    folder = locked(tmp_path / "locked")
    done = process("repack", saved, "--to", "oci", "-o", folder / name, unprivileged=True)
    assert "Permission denied" in the_line(done, 5)
    assert names_in(folder) == []


def test_no_right_to_write_temporary_files(saved: Path, tmp_path: Path) -> None:
    folder = locked(tmp_path / "locked")
    words = ("repack", "-", "--to", "oci", "-o", tmp_path / "out.tar", "--tmp", folder)
    line = the_line(process(*words, stdin=saved.read_bytes(), unprivileged=True), 5)
    assert str(folder) in line
    assert names_in(tmp_path) == ["in.tar", "locked"]


def test_no_right_to_read(saved: Path, tmp_path: Path) -> None:
    saved.chmod(0)
    words = ("repack", saved, "--to", "oci", "-o", tmp_path / "out.tar")
    assert "Permission denied" in the_line(process(*words, unprivileged=True), 3)
    tree = write_oci_layout([make_image()], tmp_path / "layout")
    blob = max((tree / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.chmod(0)
    words = ("repack", tree, "--to", "oci", "-o", tmp_path / "out.tar")
    line = the_line(process(*words, unprivileged=True), 3)
    assert "Permission denied" in line
    assert blob.name in line
    assert names_in(tmp_path) == ["in.tar", "layout"]


def test_no_right_to_append(saved: Path, tmp_path: Path) -> None:
    """The layout stays as it is, to the byte."""
    dest = write_oci_layout([make_image(names=("old:1",))], tmp_path / "dest")
    before = fingerprint(dest)
    for folder in (dest / "blobs/sha256", dest):
        folder.chmod(0o555)
        words = ("repack", saved, "--to", "oci", "-o", dest, "--append")
        assert "Permission denied" in the_line(process(*words, unprivileged=True), 5)
        assert read_only_difference(before, dest)
        folder.chmod(0o755)
    assert names_in(tmp_path) == ["dest", "in.tar"]


def read_only_difference(before: str | dict[str, str] | None, dest: Path) -> bool:
    """Whether all that was there is there still; a blob that no index names may have come."""
    after = fingerprint(dest)
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    return before.items() <= after.items()


def test_report_that_cannot_be_written(saved: Path, tmp_path: Path) -> None:
    report = tmp_path / "nowhere/report.json"
    words = (saved, "--to", "oci", "-o", tmp_path / "out", "--report", report, "-q")
    assert str(report) in refuse(5, *words)


def test_foreign_folders_are_never_replaced(saved: Path, tmp_path: Path) -> None:
    """`-o ~ --force` and its like."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    mixed = write_oci_layout([make_image()], tmp_path / "mixed")
    (mixed / "blobs/sha256/notes.txt").write_text("mine")
    for dest in (home, mixed):
        before = fingerprint(dest)
        refuse(5, saved, "--to", "oci", "-o", dest, "--force")
        assert fingerprint(dest) == before


def test_existing_destination_is_refused(saved: Path, tmp_path: Path) -> None:
    for name in ("out.tar", "out"):
        dest = tmp_path / name
        succeed("repack", saved, "--to", "oci", "-o", dest)
        before = fingerprint(dest)
        assert "--force" in refuse(5, saved, "--to", "docker", "-o", dest)
        assert fingerprint(dest) == before
        succeed("repack", saved, "--to", "docker", "-o", dest, "--force")
        assert fingerprint(dest) != before
