"""``layout report`` as a command: exit statuses, one line on standard error, and no half page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oci_layout import repack
from tests.builders import (
    make_image,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.command import layout
from tests.page.shelves import failed, one, shelf

IMAGE = make_image()
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm64")
TWINS = [make_image([{"n": bytes([n])}], names=(f"twin{n}:1",)) for n in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sources of several kinds."""
    saved = write_docker_archive([IMAGE], tmp_path / "in.tar")
    write_files({"text": b"hello", "cut.tar": saved.read_bytes()[:3000]}, tmp_path)
    write_oci_layout(TWINS, tmp_path / "twins")
    write_index_layout(tmp_path / "multi", [IMAGE, ARM])
    (tmp_path / "there.html").write_text("mine")
    (tmp_path / "empty").mkdir()
    repack(saved, tmp_path / "v.tar", to="oci", volume_size=100_000)
    (tmp_path / "v.vol1.tar").unlink()
    shelf(tmp_path / "lines", [one(1), failed(2), one(3)])
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("{tmp}/in.tar",), 2),
        (("{tmp}/in.tar", "-o"), 2),
        (("-", "-o", "{tmp}/x.html"), 2),
        (("{tmp}/in.tar", "-", "-o", "{tmp}/x.html"), 2),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--for", "nobody@9"), 2),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--platform", "amd64"), 2),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--jobs", "0"), 2),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--limit", "much"), 2),
        (("{tmp}/lines", "{tmp}/in.tar", "-o", "{tmp}/x.html"), 2),
        (("{tmp}/in.tar", "{tmp}/lines", "-o", "{tmp}/x.html"), 2),
        (("{tmp}/lines", "-o", "{tmp}/x.html", "--image", "a"), 2),
        (("{tmp}/absent.tar", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/text", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/cut.tar", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/empty", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/v.volumes.json", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/in.tar", "{tmp}/absent.tar", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/in.tar", "{tmp}/text", "-o", "{tmp}/x.html"), 3),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--base", "{tmp}/text"), 3),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--image", "no:1"), 4),
        (("{tmp}/in.tar", "-o", "{tmp}/x.html", "--platform", "linux/s390x"), 4),
        (("{tmp}/twins", "-o", "{tmp}/x.html", "--image", "1"), 4),
        (("docker-archive:{tmp}/in.tar:no:1", "-o", "{tmp}/x.html"), 4),
        (("{tmp}/in.tar", "{tmp}/twins", "-o", "{tmp}/x.html", "--image", "demo:1"), 4),
        (("{tmp}/in.tar", "-o", "{tmp}/there.html"), 5),
        (("{tmp}/in.tar", "-o", "{tmp}/no/x.html"), 5),
        (("{tmp}/lines", "-o", "{tmp}/there.html"), 5),
        (("{tmp}/lines", "-o", "{tmp}/lines", "--force"), 5),
        (("{tmp}/in.tar", "-o", "{tmp}/empty"), 5),
        (("{tmp}/in.tar", "-o", "{tmp}/in.tar", "--force"), 5),
        (("{tmp}/twins", "-o", "{tmp}/twins/x.html"), 5),
    ],
)
def test_statuses(arguments: tuple[str, ...], status: int, folder: Path) -> None:
    before = {path: path.is_dir() or path.read_bytes() for path in folder.rglob("*")}
    words = [each.format(tmp=folder) for each in arguments]
    done = layout("report", *words)
    assert done.returncode == status, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith(b"layout: ")
    assert len(done.stderr.splitlines()) == 1
    after = {path: path.is_dir() or path.read_bytes() for path in folder.rglob("*")}
    assert after == before


def test_done(folder: Path) -> None:
    done = layout("report", folder / "in.tar", "-o", folder / "x.html")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"x.html: 1 image, " in done.stdout
    done = layout("report", folder / "twins", "-o", folder / "there.html", "--force", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (folder / "there.html").read_text().startswith("<!doctype html>")


def test_a_shelf_with_failures_is_told_and_is_no_status(folder: Path) -> None:
    done = layout("report", folder / "lines", "-o", folder / "x.html")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"x.html: 3 sources, " in done.stdout
    assert done.stdout.endswith(b"; 1 failed\n")
    done = layout("report", folder / "lines", "-o", folder / "y.html", "--json")
    value = json.loads(done.stdout)
    assert (value["shelved"], value["failed"], value["images"]) == (3, 1, 2)
    assert (folder / "x.html").read_bytes() == (folder / "y.html").read_bytes()


def test_of_two_sources_the_verdict_is_told_and_is_no_status(folder: Path) -> None:
    other = write_oci_layout([make_image([{"a": b"2"}])], folder / "other")
    done = layout("report", folder / "in.tar", other, "-o", folder / "x.html")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"; different\n")


def test_damage_is_told_and_is_no_status(folder: Path) -> None:
    blob = folder / "twins/blobs" / TWINS[0].layers[0].digest.replace(":", "/")
    blob.write_bytes(b"x" * blob.stat().st_size)
    done = layout("report", folder / "twins", "-o", folder / "x.html", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    value = json.loads(done.stdout)
    assert (value["images"], value["sound"]) == (3, False)
    done = layout("report", folder / "twins", "-o", folder / "y.html")
    assert done.stdout.endswith(b"; verify found errors\n")
