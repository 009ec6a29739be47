"""`--repair`: an archive edited by hand is written as its bytes say, and each repair is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import independent
from tests.builders import (
    Image,
    go_json,
    hex_of,
    layer_tar,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.builders.trees import Files, config_of, edit
from tests.command import changes_of, refuse, report

Write = Callable[[Image, Path], Path]

FAMILIES: dict[str, Write] = {
    "layout": lambda image, tmp: write_oci_layout([image], tmp / "in"),
    "oci-archive": lambda image, tmp: write_oci_archive([image], tmp / "in.tar"),
    "hybrid": lambda image, tmp: write_hybrid_archive([image], tmp / "in.tar"),
    "docker": lambda image, tmp: write_docker_archive([image], tmp / "in.tar"),
    "flat": lambda image, tmp: write_docker_archive([image], tmp / "in.tar", style="flat"),
    "podman": lambda image, tmp: write_docker_archive([image], tmp / "in.tar", style="podman"),
    "dir": lambda image, tmp: write_dir(image, tmp / "in"),
}
NAMED = [family for family in FAMILIES if family != "dir"]


def name_of(files: Files, data: bytes) -> str:
    """The file with these bytes; of several the first."""
    return next(name for name, other in files.items() if other == data)


def repaired(source: Path, tmp_path: Path, *, names: bool) -> list[str]:
    """Repack to both targets and forms; each result holds, and all that was said of it."""
    refuse(3, source, "--to", "oci", "-o", tmp_path / "refused.tar")
    assert not (tmp_path / "refused.tar").exists()
    for target in ("oci", "docker"):
        dest = tmp_path / f"{target}.tar"
        report(source, "--to", target, "--repair", "-o", dest)
        found = independent.check(dest)
        assert found.docker
        assert bool(found.names) is names
    said = report(source, "--to", "oci", "--repair", "-o", tmp_path / "out")
    independent.check(tmp_path / "out")
    # What is repaired needs no repairing.
    again = report(tmp_path / "out", "--to", "oci", "--preserve-digests", "-o", tmp_path / "again")
    assert again["images"][0]["config_changes"] == []
    texts = [warning["message"] for warning in said["warnings"]] + changes_of(said)
    for image in said["images"]:
        texts += [*changes_of(image, "config_changes"), *changes_of(image)]
    return [text for text in texts if "repaired" in text]


@pytest.mark.parametrize("family", FAMILIES)
def test_edited_config(family: str, tmp_path: Path) -> None:
    """Somebody changed an environment variable in place, in an editor that adds a newline."""
    image = make_image(compression="gzip")
    source = FAMILIES[family](image, tmp_path)
    edited = image.config_bytes.replace(b"B=\\u003ctag", b"B=\\u003cother tag") + b"\n"

    def change(files: Files) -> None:
        files[name_of(files, image.config_bytes)] = edited

    told = repaired(edit(source, change), tmp_path, names=family != "dir")
    assert config_of(tmp_path / "out") == edited
    assert any(sha256(edited) in text or hex_of(sha256(edited)) in text for text in told)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("packed", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("repacked", [True, False])
def test_edited_layer(family: str, packed: str, repacked: bool, tmp_path: Path) -> None:
    """Somebody put another file into a layer, and packed it again or left it raw."""
    image = make_image([{"a": b"1"}, {"etc/motd": b"hello\n"}], compression=packed)
    source = FAMILIES[family](image, tmp_path)
    raw = layer_tar({"etc/motd": b"good evening\n", "etc/more": bytes(20_000)})
    data = gzip.compress(raw, 1) if repacked else raw

    def change(files: Files) -> None:
        files[name_of(files, image.layers[1].stored)] = data

    told = repaired(edit(source, change), tmp_path, names=family != "dir")
    found = independent.check(tmp_path / "out")
    ((_, diff_ids),) = found.diff_ids.items()
    assert diff_ids == [image.layers[0].diff_id, sha256(raw)]
    assert any("diff_ids of layers 1" in text for text in told)
    if family in ("layout", "oci-archive", "dir"):
        assert any("layer 1 was stated as" in text for text in told)


def restate(
    change: Callable[[dict[str, object]], None], image: Image, family: str
) -> Callable[[Files], None]:
    """Edit the manifest, and let the index agree with the edited one."""

    def apply(files: Files) -> None:
        old = image.manifest_bytes("docker" if family == "dir" else "oci")
        manifest = json.loads(old)
        change(manifest)
        new = go_json(manifest)
        if family == "dir":
            files["manifest.json"] = new
            return
        name = name_of(files, old)
        files[name] = new  # the file keeps its name, as in an editor
        index = json.loads(files["index.json"])
        for entry in index["manifests"]:
            entry["size"] = len(new)
        files["index.json"] = go_json(index)

    return apply


@pytest.mark.parametrize("family", ["layout", "oci-archive", "hybrid", "dir"])
def test_wrong_size(family: str, tmp_path: Path) -> None:
    image = make_image(compression="gzip")
    source = FAMILIES[family](image, tmp_path)

    def change(manifest: dict[str, object]) -> None:
        layers = manifest["layers"]
        assert isinstance(layers, list)
        layers[0]["size"] += 5

    told = repaired(edit(source, restate(change, image, family)), tmp_path, names=family != "dir")
    size = len(image.layers[0].stored)
    assert any(f"{size} bytes" in text and f"{size + 5}" in text for text in told)


@pytest.mark.parametrize("family", ["layout", "oci-archive", "hybrid", "dir"])
@pytest.mark.parametrize("label", ["none", "gzip", "zstd"])
def test_wrong_layer_media_type(family: str, label: str, tmp_path: Path) -> None:
    """The label lies; the bytes tell. Without any `--repair` too, since the bytes are whole."""
    image = make_image(compression=["gzip", "zstd"])
    source = FAMILIES[family](image, tmp_path)
    which: dict[str, dict[str, str]] = {
        "dir": {"none": "", "gzip": ".gzip", "zstd": ".zstd"},
        "": {"none": "", "gzip": "+gzip", "zstd": "+zstd"},
    }
    suffix = which["dir" if family == "dir" else ""][label]

    def change(manifest: dict[str, object]) -> None:
        layers = manifest["layers"]
        assert isinstance(layers, list)
        for layer in layers:
            layer["mediaType"] = layer["mediaType"].partition("tar")[0] + "tar" + suffix

    edit(source, restate(change, image, family))
    said = report(source, "--to", "oci", "--repair", "-o", tmp_path / "out")
    independent.check(tmp_path / "out")
    changes = [each for each in said["images"][0]["changes"] if "labelled" in each["text"]]
    assert len(changes) == {"none": 2, "gzip": 1, "zstd": 1}[label]
    assert {each["kind"] for each in changes} == {"repaired"}
    assert [each["field"] for each in changes] == [
        f"layers[{each['layer']}].mediaType" for each in changes
    ]


def without_marker(files: Files) -> None:
    del files["oci-layout"]


@pytest.mark.parametrize("family", ["layout", "oci-archive"])
def test_missing_marker(family: str, tmp_path: Path) -> None:
    image = make_image()
    source = edit(FAMILIES[family](image, tmp_path), without_marker)
    dest = tmp_path / "out.tar"
    assert "--repair" in refuse(3, source, "--to", "oci", "-o", dest)
    said = report(source, "--to", "oci", "--repair", "-o", dest)
    assert any(each["code"] == "no-layout-marker" for each in said["warnings"])
    independent.check(dest)


def test_wrong_marker(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files["oci-layout"] = b'{"imageLayoutVersion":"1.1.0"}'

    source = edit(write_oci_layout([make_image()], tmp_path / "in"), change)
    told = repaired(source, tmp_path, names=True)
    assert any("1.1.0" in text for text in told)


def test_null_manifests(tmp_path: Path) -> None:
    """An index that lists nothing, beside a `manifest.json` that does; Docker 25 wrote such."""

    def change(files: Files) -> None:
        files["index.json"] = (
            files["index.json"].partition(b'"manifests"')[0] + b'"manifests":null}'
        )

    image = make_image()
    source = edit(write_hybrid_archive([image], tmp_path / "in.tar"), change)
    said = report(source, "--to", "oci", "--repair", "-o", tmp_path / "out.tar")
    found = independent.check(tmp_path / "out.tar")
    assert found.names == {"docker.io/library/demo:1"}
    assert any(each["code"] == "null-list" for each in said["warnings"])
