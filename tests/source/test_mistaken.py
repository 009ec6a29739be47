"""What is no image is named for what it is."""

from __future__ import annotations

import gzip
import re
import shlex
from pathlib import Path

import pytest

import oci_layout
from oci_layout import NotAnImageError
from tests.builders import (
    Link,
    compress,
    make_image,
    write_docker_archive,
    write_files,
    write_members,
    write_oci_layout,
)
from tests.builders.containersroot import write_containers_root
from tests.builders.dockerroot import write_docker_root
from tests.builders.files import pack_tree
from tests.builders.shelves import write_shelf
from tests.command import layout, process

DISC = bytes(32769) + b"CD001\1" + bytes(40_000)


def refusal(path: Path | str) -> str:
    with pytest.raises(NotAnImageError) as caught:
        oci_layout.repack(path, to="oci", dry_run=True)
    assert str(path) in str(caught.value)
    return str(caught.value).replace(str(path), "")  # which has the words of the test


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (DISC, "ISO 9660"),
        (b"PK\3\4" + bytes(600), "zip file"),
        (b"QFI\xfb" + bytes(600), "qcow2"),
        (b"\x7fELF" + bytes(600), "program"),
        (b"#!/usr/bin/run\n".ljust(32) + b"SIF_MAGIC" + bytes(600), "SIF"),
        (b"<!DOCTYPE html><title>Log in</title>" + bytes(600), "the download went wrong"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "git lfs pull"),
    ],
)
def test_files(data: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    assert word in refusal(path)


ROOT = {"bin/sh": b"1", "etc/passwd": b"2", "usr/bin/x": b"3"}
FILES = [
    (ROOT, "docker save IMAGE"),
    ({".dockerenv": b"", "hello": b"1"}, "docker save IMAGE"),
    ({"chart/Chart.yaml": b"name: x", "chart/templates/a.yaml": b"-"}, "Helm chart"),
    ({"blobs/sha256/a": b"1"}, "no index.json"),
    ({"images/x.tar": b"1", "README": b"1"}, "holds 'images/x.tar'"),
]


@pytest.mark.parametrize("prefix", ["", "./", "disk/", "var/lib/docker/"])
@pytest.mark.parametrize("engine", ["Docker", "podman"])
def test_an_archive_of_an_engines_root(engine: str, prefix: str, tmp_path: Path) -> None:
    """It is to be unpacked, by who may give files to their owners."""
    image, root = make_image(), tmp_path / "root"
    if engine == "Docker":
        write_docker_root([image], root)
    else:
        write_containers_root([image], root)
    told = refusal(pack_tree(root, tmp_path / "x.tar", prefix))
    assert f"an archive of the root folder of {engine}" in told
    assert "unpack it first, as root" in told


@pytest.mark.parametrize(("files", "word"), FILES)
def test_folders_and_archives(files: dict[str, bytes], word: str, tmp_path: Path) -> None:
    assert word in refusal(write_files(files, tmp_path / "folder"))
    archive = tmp_path / "x.tgz"
    raw = write_members(files, tmp_path / "x.tar").read_bytes()
    archive.write_bytes(compress(raw, "gzip"))
    assert word in refusal(archive)


@pytest.mark.parametrize("verb", ["verify", "inspect", "repack", "check", "list"])
def test_a_folder_of_archives(verb: str, tmp_path: Path) -> None:
    """Each verb points at the one that does all of them, in a line that can be run."""
    shelf = tmp_path / "a shelf"
    write_shelf(shelf)
    more = ("--to", "oci", "-o", tmp_path / "out") if verb == "repack" else ()
    done = layout(verb, shelf, *more)
    assert done.returncode == 3
    told = done.stderr.decode()
    assert "a folder in which some may be: 'a/packed.tar.gz', 'b/app0.tar', 'b/app2.tar' (" in told
    (line,) = re.findall("layout (batch verify '[^']*')", told)
    ran = process(*shlex.split(line))
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"sources: " in ran.stdout


def test_a_folder_of_archives_of_any_name(tmp_path: Path) -> None:
    """Their bytes tell; a single layout in it is named, with the archives beside it."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    packed = gzip.compress(write_docker_archive([make_image()], tmp_path / "x.tar").read_bytes())
    (shelf / "saved.bin").write_bytes(packed)
    (shelf / "README").write_text("of nothing")
    assert "some may be: 'saved.bin' (name one" in refusal(shelf)
    write_oci_layout([make_image()], shelf / "folder")
    assert "some may be: 'folder', 'saved.bin' (" in refusal(shelf)
    (shelf / "saved.bin").unlink()
    assert "choose one: " in refusal(shelf)


def test_the_links_of_a_root_file_system_do_not_matter(tmp_path: Path) -> None:
    """They may lead anywhere, which in an image's archive would be the first error."""
    members: dict[str, bytes | Link] = {**ROOT, "etc/link": Link("../../../outside")}
    archive = write_members(members, tmp_path / "x.tar")
    assert "docker save IMAGE" in refusal(archive)


def test_the_root_of_the_file_system() -> None:
    with pytest.raises(NotAnImageError, match="the root of the file system"):
        oci_layout.inspect("/")
