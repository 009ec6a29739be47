"""The archive that is written: its order, its members, and readers of other kinds."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.builders import (
    go_json,
    make_image,
    write_docker_archive,
    write_files,
    write_oci_layout,
)
from tests.command import layout
from tests.independent import read_files
from tests.repacked import packed
from tests.streams.tars import codes, scan

IMAGES = [
    make_image([{"a": b"1"}], names=("demo:1",)),
    make_image([{"a": b"1"}, {"b": b"2" * 5000}], names=("demo:2",), compression="gzip"),
]


@pytest.mark.parametrize("target", ["oci", "docker"])
def test_small_documents_first_then_blobs(target: str, tmp_path: Path) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    packed(source, tmp_path / "out.tar", target)
    with tarfile.open(tmp_path / "out.tar", "r:") as archive:
        members = archive.getmembers()
    assert [each.name for each in members[:3]] == ["oci-layout", "index.json", "manifest.json"]
    assert all(each.name.startswith("blobs/sha256/") for each in members[3:])
    assert all(each.isreg() and each.mode == 0o644 for each in members)
    assert {(each.uid, each.gid, each.mtime, each.uname) for each in members} == {(0, 0, 0, "")}
    assert (tmp_path / "out.tar").stat().st_size % 10240 == 0


@pytest.mark.parametrize("compression", ["auto", "gzip"])
def test_a_pipe_gets_the_same_bytes(compression: str, tmp_path: Path) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    packed(source, tmp_path / "out.tar", compression=compression)
    words = ("repack", "-", "--to", "oci", "-o", "-", "--compression", compression)
    done = layout(*words, stdin=source.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "out.tar").read_bytes()


def test_a_pipe_is_broken_off_without_an_end(tmp_path: Path) -> None:
    """A reader of a failed conversion must not take what it got for whole."""
    image = make_image([{"b": b"2" * 50_000}], compression="none")
    source = tmp_path / "in.tar"
    write_docker_archive([image], source)
    raw = bytearray(source.read_bytes())
    raw[raw.index(b"2" * 1000) + 100] ^= 1
    done = layout("repack", "-", "--to", "oci", "-o", "-", stdin=bytes(raw))
    assert done.returncode == 3
    assert image.diff_ids[0].encode() in done.stderr
    errors, warnings = codes(scan(done.stdout, tmp_path)[1])
    assert errors == ["truncated"] or warnings == ["no-end-marker"]


def test_sha512_names_are_longer_than_a_tar_header_holds(tmp_path: Path) -> None:
    image = IMAGES[1]
    files: dict[str, bytes] = {}

    def put(data: bytes) -> dict[str, object]:
        digest = hashlib.sha512(data).hexdigest()
        files[f"blobs/sha512/{digest}"] = data
        return {"digest": f"sha512:{digest}", "size": len(data)}

    manifest = json.loads(image.manifest_bytes())
    manifest["config"].update(put(image.config_bytes))
    for layer, built in zip(manifest["layers"], image.layers, strict=True):
        layer.update(put(built.stored))
    entry = {"mediaType": manifest["mediaType"], **put(go_json(manifest))}
    files["index.json"] = go_json({"schemaVersion": 2, "manifests": [entry]})
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    _, result = packed(write_files(files, tmp_path / "in"), tmp_path / "out.tar", pure=True)
    blobs = {name for name in result.files if name.startswith("blobs/")}
    assert blobs == {name for name in files if name.startswith("blobs/")}
    _, back = packed(tmp_path / "out.tar", tmp_path / "out")
    assert {name: back.files[name] for name in blobs} == {name: files[name] for name in blobs}


def test_an_empty_layout_stays_one(tmp_path: Path) -> None:
    source = write_oci_layout([], tmp_path / "in")
    report, result = packed(source, tmp_path / "out.tar")
    assert result.index["manifests"] == []
    assert "empty" in [warning.code for warning in report.warnings]


def test_a_directory_packed_with_tar_is_an_archive(tmp_path: Path) -> None:
    source = write_docker_archive(IMAGES, tmp_path / "in.tar")
    _, folder = packed(source, tmp_path / "folder", "docker")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.add(tmp_path / "folder", ".")
    (tmp_path / "again.tar").write_bytes(out.getvalue())
    packed(tmp_path / "again.tar", tmp_path / "out", "docker")
    assert read_files(tmp_path / "out") == folder.files
