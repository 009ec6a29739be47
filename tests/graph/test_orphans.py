"""One rule for orphans, and one for soundness, whichever kind of source it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from oci_layout import inspect
from oci_layout.api.verification import verify

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def entry(media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return {"mediaType": media_type, "digest": digest, "size": len(data), **more}


def directory(dest: Path) -> tuple[Path, Path]:
    """A ``dir:`` that holds a list of one image, and the file of that image's manifest."""
    dest.mkdir()
    layer = bytes(1024)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [entry("", layer)["digest"]]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": entry("application/vnd.oci.image.config.v1+json", config),
            "layers": [entry("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    child = entry(MANIFEST, manifest, platform={"os": "linux", "architecture": "amd64"})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).encode()
    (dest / "version").write_bytes(b"Directory Transport Version: 1.1\n")
    (dest / "manifest.json").write_bytes(index)
    for data in (layer, config):
        (dest / hashlib.sha256(data).hexdigest()).write_bytes(data)
    held = dest / f"{hashlib.sha256(manifest).hexdigest()}.manifest.json"
    held.write_bytes(manifest)
    return dest, held


def test_inspect_and_verify_name_the_same_orphans_of_a_dir(tmp_path: Path) -> None:
    source, _ = directory(tmp_path / "d")
    stray = hashlib.sha256(b"stray").hexdigest()
    (source / stray).write_bytes(b"stray")
    shown = inspect(str(source)).totals.orphans
    report = verify(str(source))
    told = [each.where.member for each in report.findings if each.code == "orphan"]
    assert [each.name for each in shown] == told == [stray]
    assert all(each.sound for each in report.images)


def test_an_orphan_of_a_dir_that_is_not_its_name_is_damaged(tmp_path: Path) -> None:
    source, _ = directory(tmp_path / "d")
    (source / hashlib.sha256(b"stray").hexdigest()).write_bytes(b"other")
    codes = [each.code for each in verify(str(source)).findings]
    assert "digest-mismatch" in codes


def test_a_damaged_child_of_a_dir_makes_its_image_unsound(tmp_path: Path) -> None:
    source, held = directory(tmp_path / "d")
    held.write_bytes(held.read_bytes() + b" ")
    report = verify(str(source))
    assert [each.sound for each in report.images] == [False]
