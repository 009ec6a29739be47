"""Whether something may be a source, by its first bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from oci_layout.errors import DamagedError, ReadError
from oci_layout.source.glancing import FolderKind, file_may_hold, folder_kind
from tests.builders import write_docker_archive, write_oci_layout
from tests.builders.files import write_files
from tests.builders.shelves import app

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    return write_docker_archive([app(1)], tmp_path / "made").read_bytes()


def may_hold(data: bytes, tmp_path: Path) -> bool:
    (tmp_path / "x").write_bytes(data)
    return file_may_hold(str(tmp_path / "x"))


@pytest.mark.parametrize("outer", PACKERS)
def test_archives(outer: str, archive: bytes, tmp_path: Path) -> None:
    assert may_hold(archive, tmp_path)
    assert may_hold(archive[:600], tmp_path)
    packed = PACKERS[outer](archive)
    assert may_hold(packed, tmp_path)
    assert may_hold(gzip.compress(packed), tmp_path)
    assert not may_hold(gzip.compress(gzip.compress(packed)), tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"x", bytes(10240), b"x" * 5000, gzip.compress(b"a log\n" * 99, mtime=0)]
)
def test_other_files(data: bytes, tmp_path: Path) -> None:
    assert not may_hold(data, tmp_path)


def test_what_breaks_off_at_once(archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(DamagedError):
        may_hold(gzip.compress(archive)[:40], tmp_path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReadError):
        file_may_hold(str(tmp_path / "absent"))


def kind_of(folder: Path) -> FolderKind | None:
    with os.scandir(folder) as scanned:
        entries = list(scanned)
    folders = [each.name for each in entries if each.is_dir()]
    return folder_kind(str(folder), {each.name for each in entries} - {*folders}, folders)


def test_a_layout(tmp_path: Path) -> None:
    folder = write_oci_layout([app(1)], tmp_path / "x")
    assert kind_of(folder) is FolderKind.LAYOUT
    (folder / "oci-layout").unlink()
    assert kind_of(folder) is FolderKind.LAYOUT  # a damaged one; opening it says so
    (folder / "index.json").unlink()
    assert kind_of(folder) is None
    assert kind_of(tmp_path) is None  # a folder around one is looked into


@pytest.mark.parametrize(
    ("manifest", "kind"),
    [
        (b'[{"Config":"x.json","Layers":[]}]', FolderKind.LAYOUT),
        (b'{"schemaVersion":2,"config":{}}', FolderKind.LAYOUT),
        (b'{"name":"an extension"}', None),
        (b"[1, 2]", None),
        (b"", None),
    ],
)
def test_a_manifest(manifest: bytes, kind: FolderKind | None, tmp_path: Path) -> None:
    assert kind_of(write_files({"manifest.json": manifest}, tmp_path / "x")) is kind


@pytest.mark.parametrize("name", ["index.json", "manifest.json"])
def test_a_document_alone(name: str, tmp_path: Path) -> None:
    """What has lost all else is damaged, and must not be passed over."""
    document = b'{"schemaVersion":2,"manifests":[]}'
    assert kind_of(write_files({name: document}, tmp_path / "x")) is FolderKind.LAYOUT
    assert kind_of(write_files({name: b'{"pages": 3}'}, tmp_path / "y")) is None


def test_an_engine(tmp_path: Path) -> None:
    (tmp_path / "x/docker/registry/v2/blobs").mkdir(parents=True)
    (tmp_path / "x/docker/registry/v2/repositories").mkdir()
    assert kind_of(tmp_path / "x") is FolderKind.ROOTED


def test_the_root_of_the_file_system() -> None:
    assert folder_kind("/", set(), []) is None
