"""Exit statuses and streams of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import (
    make_image,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.command import layout, printed

IMAGE = make_image()
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm64")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_docker_archive([IMAGE], tmp_path / "in.tar")


def test_done(source: Path, tmp_path: Path) -> None:
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    for word in ("demo:1", "linux/amd64", IMAGE.config_digest[7:19], "kept", "wrote"):
        assert word in text


def test_quiet(source: Path, tmp_path: Path) -> None:
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 2),
        (("unknown",), 2),
        (("repack",), 2),
        (("repack", "{in}", "-o", "{tmp}/out"), 2),
        (("repack", "{in}", "--to", "rkt", "-o", "{tmp}/out"), 2),
        (("repack", "{in}", "--to", "oci"), 2),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/x.zip"), 2),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/out", "--compression", "xz"), 2),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/out", "--platform", "amd64"), 2),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/out", "--name", "A B"), 2),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/out", "--jobs", "0"), 2),
        (("repack", "{in}", "--to", "oci", "-o", "-", "--json"), 2),
        (("repack", "{tmp}/absent", "--to", "oci", "-o", "{tmp}/out"), 3),
        (("repack", "{tmp}/text", "--to", "oci", "-o", "{tmp}/out"), 3),
        (("repack", "{tmp}/cut", "--to", "oci", "-o", "{tmp}/out"), 3),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/out", "--image", "x:1"), 4),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/out", "--platform", "linux/s390x"), 4),
        (("repack", "{tmp}/multi", "--to", "docker", "-o", "{tmp}/x.tar"), 4),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/text"), 5),
        (("repack", "{in}", "--to", "oci", "-o", "{tmp}/no/out"), 5),
        (("repack", "{tmp}/empty", "--to", "docker", "-o", "{tmp}/x.tar"), 6),
    ],
)
def test_statuses(arguments: tuple[str, ...], status: int, source: Path, tmp_path: Path) -> None:
    write_files({"text": b"hello", "cut": source.read_bytes()[:3000]}, tmp_path)
    write_index_layout(tmp_path / "multi", [IMAGE, ARM])
    write_oci_layout([], tmp_path / "empty")
    before = sorted(tmp_path.iterdir())
    words = [
        word.replace("{in}", str(source)).replace("{tmp}", str(tmp_path)) for word in arguments
    ]
    done = layout(*words)
    assert done.returncode == status, done.stderr
    assert sorted(tmp_path.iterdir()) == before
    assert b"Traceback" not in done.stderr
    if arguments:
        assert done.stdout == b""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith(b"layout: ")


def test_debug_shows_where(source: Path, tmp_path: Path) -> None:
    done = layout("repack", tmp_path / "absent", "--to", "oci", "-o", tmp_path / "out", "--debug")
    assert done.returncode == 3
    assert b"Traceback" in done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("repack", "--help"), ("--version",)])
def test_help_and_version(arguments: tuple[str, ...]) -> None:
    done = layout(*arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_json_is_one_document_and_nothing_else(source: Path, tmp_path: Path) -> None:
    value = printed("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert value["version"] == 1
    assert not value["dry_run"]
    assert [image["names"] for image in value["images"]] == [["demo:1"]]


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    value = printed("repack", source, "--to", "docker", "--dry-run")
    assert value["dry_run"]
    assert [path.name for path in tmp_path.iterdir()] == ["in.tar"]
    done = layout("repack", source, "--to", "docker", "-o", tmp_path / "x", "--dry-run")
    assert b"nothing was written" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["in.tar"]


def test_a_report_in_a_file(source: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = layout("repack", source, "--to", "oci", "-o", "-", "--report", report)
    assert done.returncode == 0, done.stderr
    value = json.loads(report.read_bytes())
    assert value["version"] == 1
    assert value["bytes_written"] == len(done.stdout)


def test_warnings_go_to_standard_error(tmp_path: Path) -> None:
    source = write_docker_archive([make_image(compression="zstd")], tmp_path / "in.tar")
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out.tar", "--json")
    assert done.returncode == 0
    assert done.stderr.startswith(b"warning: ")
    json.loads(done.stdout)


def test_no_progress_where_there_is_no_terminal(source: Path, tmp_path: Path) -> None:
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out.tar")
    assert b"\r" not in done.stdout + done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def test_no_command_shows_the_usage() -> None:
    done = layout()
    assert done.returncode == 2
    assert done.stdout == layout("--help").stdout
    assert done.stderr == b""


def test_links_need_a_directory_as_source(source: Path, tmp_path: Path) -> None:
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out", "--link")
    assert done.returncode == 2
    assert b"the source is an archive" in done.stderr
    assert not (tmp_path / "out").exists()
