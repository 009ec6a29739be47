"""Conversions between schema 2 and OCI that containers/image made: media types, order and config.

Where ours differ on purpose:

1. A config that is valid for the target keeps its bytes, and with them the image ID: the image spec
   (config.md, considerations.md "Extensibility") has readers ignore fields that they do not know.
   `--config oci` leaves out what containers/image leaves out, and that is compared.
2. zstd in a layer that is not distributable: Docker has no name for it. containers/image calls it
   gzip (`oci1-all-media-types-to-schema2.json`, layer 4); here it is refused where layers are to be
   kept, and packed with gzip otherwise.

`schema2.json` calls its config `application/octet-stream`; Docker takes that for an image (moby,
distribution/registry.go: defaultImageTypes; docker/distribution#1621).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import compress, go_json, layer_tar, sha256, write_files
from tests.builders.trees import config_of, manifest_of
from tests.command import refuse, report
from tests.shared import needs_shared
from tests.source.test_schema1_conversions import LIBS, full

pytestmark = needs_shared


def compression_of(media_type: str) -> str:
    return next((kind for kind in ("gzip", "zstd") if media_type.endswith(kind)), "none")


def with_layers_of_ours(name: str, config_name: str, dest: Path) -> tuple[Path, dict[str, str]]:
    """A manifest of the fixtures as `dir:`, its absent layers replaced by some that are there.

    Returns:
        The folder, and the fixtures' digest of each new diff_id.
    """
    manifest = json.loads((LIBS / name).read_bytes())
    config = json.loads((LIBS / config_name).read_bytes())
    files: dict[str, bytes] = {}
    old: dict[str, str] = {}
    for number, layer in enumerate(manifest["layers"]):
        raw = layer_tar({"n": str(number).encode()})
        data = compress(raw, compression_of(layer["mediaType"]))
        old[sha256(raw)] = layer["digest"]
        layer |= {"digest": sha256(data), "size": len(data)}
        files[sha256(data)[7:]] = data
        config["rootfs"]["diff_ids"][number] = sha256(raw)
    del config["rootfs"]["diff_ids"][len(manifest["layers"]) :]
    body = go_json(config)
    manifest["config"] |= {"digest": sha256(body), "size": len(body)}
    files |= {sha256(body)[7:]: body, "manifest.json": go_json(manifest)}
    return write_files(files, dest), old


PAIRS = {
    ("schema2.json", "schema2-config.json"): "schema2-to-oci1",
    ("oci1.json", "oci1-config.json"): "oci1-to-schema2",
    (
        "schema2-all-media-types.json",
        "oci1-all-media-types-config.json",
    ): "schema2-all-media-types-to-oci1",
}


def labels_are_true(path: Path) -> None:
    """Each layer is packed as its media type says."""
    magic = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "none": b"n\0"}
    for layer in manifest_of(path)["layers"]:
        data = (path / "blobs/sha256" / layer["digest"][7:]).read_bytes()
        assert data.startswith(magic[compression_of(layer["mediaType"])])


@pytest.mark.parametrize("names", PAIRS, ids=PAIRS.values())
def test_manifest(names: tuple[str, str], tmp_path: Path) -> None:
    source, old = with_layers_of_ours(*names, tmp_path / "in")
    target = "oci" if PAIRS[names].endswith("oci1") else "docker"
    dest = tmp_path / "out"
    said = report(source, "--to", target, "--compression", "keep", "-o", dest)
    manifest = manifest_of(dest)
    wanted = json.loads((LIBS / f"{PAIRS[names]}.json").read_bytes())
    assert manifest["mediaType"] == wanted["mediaType"]
    assert manifest["config"]["mediaType"] == wanted["config"]["mediaType"]
    diff_ids = json.loads(config_of(dest))["rootfs"]["diff_ids"]
    assert [old[diff_id] for diff_id in diff_ids] == [each["digest"] for each in wanted["layers"]]
    found = [(each["mediaType"], each.get("urls")) for each in manifest["layers"]]
    assert found == [(each["mediaType"], each.get("urls")) for each in wanted["layers"]]
    labels_are_true(dest)
    assert sha256(config_of(dest)) == said["images"][0]["image_id_before"]
    if target == "docker":
        assert all("annotations" not in each for each in manifest["layers"])


def test_zstd_that_docker_has_no_name_for(tmp_path: Path) -> None:
    """The second difference."""
    names = ("oci1-all-media-types.json", "oci1-all-media-types-config.json")
    source, old = with_layers_of_ours(*names, tmp_path / "in")
    dest = tmp_path / "out"
    line = refuse(6, source, "--to", "docker", "--compression", "keep", "-o", dest)
    assert "zstd" in line
    assert not dest.exists()
    report(source, "--to", "docker", "-o", dest)
    manifest = manifest_of(dest)
    wanted = json.loads((LIBS / "oci1-all-media-types-to-schema2.json").read_bytes())
    assert manifest["mediaType"] == wanted["mediaType"]
    diff_ids = json.loads(config_of(dest))["rootfs"]["diff_ids"]
    assert [old[diff_id] for diff_id in diff_ids] == [each["digest"] for each in wanted["layers"]]
    foreign = ["foreign" in each["mediaType"] for each in manifest["layers"]]
    assert foreign == ["foreign" in each["mediaType"] for each in wanted["layers"]]
    labels_are_true(dest)


def test_strict_config(tmp_path: Path) -> None:
    """`--config oci` leaves what containers/image leaves."""
    source, _ = with_layers_of_ours("schema2.json", "schema2-config.json", tmp_path / "in")
    report(source, "--to", "oci", "--config", "oci", "-o", tmp_path / "out")
    config = json.loads(config_of(tmp_path / "out"))
    wanted: dict[str, Any] = json.loads((LIBS / "schema2-to-oci1-config.json").read_bytes())
    assert len(config["rootfs"].pop("diff_ids")) == len(wanted["rootfs"].pop("diff_ids"))
    assert full(config) == full(wanted)
