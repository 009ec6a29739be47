"""Layers: labels that lie, absence, and the files in them when somebody asks."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from oci_layout import Progress, inspect
from tests import corrupt
from tests.builders import (
    Layer,
    compress,
    make_image,
    sha256,
    write_docker_archive,
    write_files,
    write_oci_layout,
)
from tests.command import layout, printed
from tests.inspection.shown import nodes, text, tree
from tests.verification.checking import layout_of, layout_with

RAW = "application/vnd.oci.image.layer.v1.tar"


def relabelled(folder: Path, suffixes: list[str], compression: list[str]) -> Path:
    """A layout whose layers are packed one way and labelled another."""
    image = make_image(
        [{f"f{n}": b"x" * 600} for n in range(len(suffixes))], compression=compression
    )
    manifest = image.manifest()
    for descriptor, suffix in zip(manifest["layers"], suffixes, strict=True):
        descriptor["mediaType"] = RAW + suffix
    stored = [layer.stored for layer in image.layers]
    return write_files(layout_of(manifest, image.config_bytes, *stored), folder)


def test_a_label_that_lies_catches_the_eye(tmp_path: Path) -> None:
    source = relabelled(tmp_path / "in", ["+gzip", "", "+zstd", ""], ["none", "gzip", "zstd", "xz"])
    layers = nodes(tree(source))[0]["layers"]
    assert [(each["labelled"], each["compression"], each["mislabelled"]) for each in layers] == [
        ("gzip", "none", True),
        ("none", "gzip", True),
        ("zstd", "zstd", False),
        ("none", "xz", True),
    ]
    lines = text(source).splitlines()
    marked = [line.strip() for line in lines if line.strip().startswith("! ")]
    assert marked == [
        "! labelled gzip, and is raw: containerd goes by the label",
        "! labelled raw, and is gzip: containerd goes by the label",
        "! labelled raw, and is xz: containerd goes by the label",
    ]
    at = [number for number, line in enumerate(lines) if line.strip().startswith("0  ")]
    assert "raw" in lines[at[0]]
    assert lines[at[0] + 1].strip() == marked[0]


def test_a_layer_that_is_not_there(tmp_path: Path) -> None:
    image = make_image()
    files = layout_with(image)
    corrupt.drop_blob(files, image.layers[1].digest)
    source = write_files(files, tmp_path / "in")
    value = tree(source, largest=1)
    layer = nodes(value)[0]["layers"][1]
    assert (layer["present"], layer["compression"], layer["member"]) == (False, None, None)
    assert layer["files"] is None
    assert nodes(value)[0]["missing"] == value["totals"]["missing"] == [image.layers[1].digest]
    assert "! not in this source\n" in text(source)
    assert "! 1 blob that documents name is not in this source" in text(source)


def test_foreign_and_encrypted_layers(tmp_path: Path) -> None:
    image = make_image()
    manifest = image.manifest()
    foreign, hidden = manifest["layers"]
    foreign["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    foreign["urls"] = ["https://example.com/layer"]
    hidden["mediaType"] = f"{RAW}+gzip+encrypted"
    source = write_files(
        layout_of(manifest, image.config_bytes, image.layers[1].stored), tmp_path / "in"
    )
    value = tree(source, largest=1)
    one, other = nodes(value)[0]["layers"]
    assert (one["foreign"], one["urls"], one["present"]) == (True, foreign["urls"], False)
    assert (other["encrypted"], other["compression"], other["mislabelled"]) == (True, None, False)
    assert other["files"] is None
    assert value["totals"]["missing"] == []
    shown = text(source)
    assert "gzip foreign" in shown
    assert "gzip encrypted" in shown
    assert "not in this source; from https://example.com/layer" in shown


def tar_with(*members: tuple[str, bytes, int, str]) -> bytes:
    """A tar of (name, type, size, link)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, size, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, size, link
            tar.addfile(member, io.BytesIO(bytes(size)))
    return out.getvalue()


MEMBERS = (
    ("etc", tarfile.DIRTYPE, 0, ""),
    ("etc/small", tarfile.REGTYPE, 10, ""),
    ("etc/large", tarfile.REGTYPE, 30_000, ""),
    ("etc/medium", tarfile.REGTYPE, 2_000, ""),
    ("etc/medium2", tarfile.REGTYPE, 2_000, ""),
    ("etc/link", tarfile.SYMTYPE, 0, "small"),
    ("etc/hard", tarfile.LNKTYPE, 0, "etc/small"),
    ("dev/null", tarfile.CHRTYPE, 0, ""),
    ("dev/sda", tarfile.BLKTYPE, 0, ""),
    ("run/pipe", tarfile.FIFOTYPE, 0, ""),
    ("etc/.wh.gone", tarfile.REGTYPE, 0, ""),
    ("var/.wh..wh..opq", tarfile.REGTYPE, 0, ""),
    (".wh..wh.plnk", tarfile.DIRTYPE, 0, ""),
)


def image_of(raw: bytes, compression: str = "none") -> tuple[dict[str, Any], bytes, bytes]:
    """Manifest, config and blob of an image with one layer."""
    layer = Layer(raw, compression)
    image = make_image([{}], compression=compression)
    config = {**image.config, "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]}}
    data = json.dumps(config).encode()
    manifest = image.manifest()
    manifest["config"] |= {"digest": sha256(data), "size": len(data)}
    manifest["layers"] = [layer.descriptor("oci")]
    return manifest, data, layer.stored


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_files_are_counted(compression: str, tmp_path: Path) -> None:
    source = write_files(layout_of(*image_of(tar_with(*MEMBERS), compression)), tmp_path / "in")
    value = tree(source, largest=3)
    assert nodes(value)[0]["layers"][0]["files"] == {
        "files": 4,
        "directories": 1,
        "symlinks": 1,
        "hardlinks": 1,
        "devices": 2,
        "fifos": 1,
        "others": 1,
        "bytes": 34_010,
        "whiteouts": 1,
        "opaque": 1,
        "whole": True,
        "largest": [
            {"path": "etc/large", "size": 30_000},
            {"path": "etc/medium", "size": 2_000},
            {"path": "etc/medium2", "size": 2_000},
        ],
    }
    shown = text(source, 120, largest=3)
    for words in (
        "4 files, 1 folder, 1 symbolic link, 1 hard link, 2 devices, 1 FIFO, 1 other;",
        "1 whiteout and 1 opaque folder: removes what lower layers have",
        "30.0 kB  etc/large",
        " 2000 B  etc/medium\n",
    ):
        assert words in shown
    assert "etc/small" not in shown
    assert "large" not in text(source, 40, largest=0)


def test_the_command(tmp_path: Path) -> None:
    source = write_docker_archive([make_image()], tmp_path / "in.tar")
    done = layout("inspect", source, "--layers", "--largest", 1)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"10.0 kB  srv" not in done.stdout
    assert "15.0 kB  srv/päth/data".encode() in done.stdout
    value = printed("inspect", source, "--layers", "--largest", 1)
    assert value == tree(source, largest=1)
    assert b"srv/" not in layout("inspect", source).stdout


def test_a_damaged_layer_shows_what_stands_before_the_damage(tmp_path: Path) -> None:
    raw = tar_with(*MEMBERS)
    source = write_files(layout_of(*image_of(raw[: 512 * 70])), tmp_path / "in")
    assert tree(source)["findings"] == []
    value = tree(source, largest=3)
    files = nodes(value)[0]["layers"][0]["files"]
    assert (files["whole"], files["files"]) == (False, 3)
    (finding,) = value["findings"]
    assert (finding["severity"], finding["code"]) == ("error", "truncated")
    layer = nodes(value)[0]["layers"][0]
    assert (finding["member"], finding["offset"]) == (layer["member"], 512 * 70)
    shown = text(source, largest=3)
    assert "! damaged: this is what stands before the damage" in shown
    assert "error truncated:" in shown
    assert "layout verify" in shown


def test_a_stream_that_is_corrupt(tmp_path: Path) -> None:
    manifest, config, stored = image_of(tar_with(*MEMBERS), "gzip")
    bad = corrupt.flip_byte(stored, len(stored) // 2)
    files = layout_of(manifest, config, stored)
    name = next(name for name, data in files.items() if data == stored)
    source = write_files({**files, name: bad}, tmp_path / "in")
    value = tree(source, largest=3)
    assert nodes(value)[0]["layers"][0]["files"]["whole"] is False
    assert value["findings"][-1]["code"] in ("corrupt-stream", "bad-tar-header")


def test_an_empty_layer(tmp_path: Path) -> None:
    source = write_oci_layout([make_image([{}])], tmp_path / "in")
    files = nodes(tree(source, largest=3))[0]["layers"][0]["files"]
    assert (files["files"], files["bytes"], files["largest"]) == (0, 0, [])
    assert "no files\n" in text(source, largest=3)


def test_a_layer_of_several_images_is_read_once(tmp_path: Path) -> None:
    images = [make_image([{"a": b"1"}], names=[name]) for name in ("a:1", "b:1")]
    images[1] = make_image([{"a": b"1"}], names=["b:1"], architecture="arm64")
    source = write_oci_layout(images, tmp_path / "in")
    one, other = nodes(tree(source, largest=1))
    assert one["layers"][0]["files"] == other["layers"][0]["files"]
    assert compress(images[0].layers[0].raw, "none") == images[1].layers[0].stored


def test_progress_counts_the_bytes_of_the_layers(tmp_path: Path) -> None:
    images = [make_image([{"a": b"1"}, {"b": name.encode()}], names=[name]) for name in "xy"]
    source = write_oci_layout(images, tmp_path / "in")
    started: list[int] = []
    passed: list[int] = []
    progress = Progress(start=started.append, advance=passed.append)
    inspect(str(source), layers=True, largest=1, progress=progress)
    sizes = {layer.digest: len(layer.stored) for image in images for layer in image.layers}
    assert started == [sum(sizes.values())] == [sum(passed)]
    inspect(str(source), progress=progress)
    assert len(started) == 1
