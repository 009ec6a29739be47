"""What `--legacy` cannot write, and says so before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import go_json, make_image, sha256, write_index_layout, write_oci_layout
from tests.command import names_in, refuse, report
from tests.converting import archive

LEGACY = ("--to", "docker", "--legacy")


@pytest.mark.parametrize(
    "words",
    [
        ("--to", "oci", "--legacy", "-o", "out.tar"),
        ("--to", "dir", "--legacy", "-o", "out"),
        ("--to", "docker", "--legacy", "-o", "out"),
        ("--to", "docker", "--legacy", "--pure", "-o", "out.tar"),
        ("--to", "docker", "--legacy", "--compression", "gzip", "-o", "out.tar"),
        ("--to", "docker", "--legacy", "--compression", "zstd:3", "-o", "out.tar"),
        ("--to", "docker", "--legacy", "--compression", "keep", "-o", "out.tar"),
        ("--to", "docker", "--legacy", "--append", "-o", "out"),
    ],
)
def test_contradictions(words: tuple[str, ...], tmp_path: Path) -> None:
    source = write_oci_layout([make_image()], tmp_path / "in")
    *rest, dest = words
    refuse(2, source, *rest, tmp_path / dest)
    assert names_in(tmp_path) == ["in"]


def test_no_layers(tmp_path: Path) -> None:
    """Docker before 1.10 has no image without a layer."""
    source = write_oci_layout([make_image([])], tmp_path / "in")
    line = refuse(6, source, *LEGACY, "-o", tmp_path / "out.tar")
    assert "layer" in line
    assert names_in(tmp_path) == ["in"]


def test_foreign_layer(tmp_path: Path) -> None:
    """A layer that is not there cannot be raw."""
    image = make_image(compression="gzip")
    source = write_oci_layout([image], tmp_path / "in")
    manifest = image.manifest()
    gone = manifest["layers"][0]
    gone["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    gone["urls"] = ["https://example.com/layer"]
    raw = go_json(manifest)
    index = json.loads((source / "index.json").read_bytes())
    index["manifests"][0] |= {"digest": sha256(raw), "size": len(raw)}
    (source / "index.json").write_bytes(go_json(index))
    (source / "blobs/sha256" / sha256(raw)[7:]).write_bytes(raw)
    (source / "blobs/sha256" / gone["digest"][7:]).unlink()
    (source / "blobs/sha256" / image.manifest_digest()[7:]).unlink()
    refuse(6, source, *LEGACY, "-o", tmp_path / "out.tar")
    assert names_in(tmp_path) == ["in"]


def test_platforms(tmp_path: Path) -> None:
    """Of several platforms one must be chosen; the archive holds that one."""
    images = [make_image([{"a": arch.encode()}], architecture=arch) for arch in ("amd64", "arm64")]
    source = write_index_layout(tmp_path / "in", images)
    line = refuse(4, source, *LEGACY, "-o", tmp_path / "out.tar")
    assert "--platform" in line
    assert names_in(tmp_path) == ["in"]
    report(source, *LEGACY, "--platform", "linux/arm64", "-o", tmp_path / "arm.tar")
    found = archive(tmp_path / "arm.tar")
    assert found.chain(found.tops["demo:1"])[-1]["architecture"] == "arm64"
