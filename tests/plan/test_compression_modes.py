"""--compression: what is kept, what is packed anew, and labels that lied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout.errors import TargetError, UsageError
from tests import corrupt
from tests.builders import make_image, write_dir, write_docker_archive, write_oci_layout
from tests.repacked import image_docs, packed

ALL = ("none", "gzip", "zstd", "bzip2", "xz")
FIVE = make_image([{f"l{n}": bytes([n]) * 5000} for n in range(5)], compression=ALL)
THREE = make_image([{f"l{n}": bytes([n]) * 5000} for n in range(3)], compression=ALL[:3])


def suffixes(checked: Any) -> list[str]:
    """How each layer of the only image is labelled; the check compares that with the bytes."""
    ((manifest, _),) = image_docs(checked)
    return [
        layer["mediaType"].rpartition("tar")[2].strip("+.") or "none"
        for layer in manifest["layers"]
    ]


@pytest.mark.parametrize(
    ("target", "compression", "expected"),
    [
        ("oci", "auto", ["none", "gzip", "zstd", "gzip", "gzip"]),
        ("docker", "auto", ["none", "gzip", "gzip", "gzip", "gzip"]),
        ("oci", "gzip", ["gzip"] * 5),
        ("docker", "gzip", ["gzip"] * 5),
        ("oci", "gzip:9", ["gzip"] * 5),
        ("oci", "zstd", ["zstd"] * 5),
        ("docker", "zstd:1", ["zstd"] * 5),
        ("oci", "none", ["none"] * 5),
        ("docker", "none", ["none"] * 5),
    ],
)
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_modes(
    target: str, compression: str, expected: list[str], dest: str, tmp_path: Path
) -> None:
    source = write_docker_archive([FIVE], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / dest, target, compression=compression)
    assert suffixes(result) == expected
    (told,) = report.images
    assert [layer.compression for layer in told.layers] == expected
    for layer, built, after in zip(told.layers, FIVE.layers, expected, strict=True):
        kept = built.compression == after
        assert layer.action == ("kept" if kept else "re-encoded")
        assert (layer.encoder == "") == kept
        assert str(layer.diff_id) == built.diff_id
        assert (str(layer.after) == built.digest) == kept
        assert layer.size_before == len(built.stored)
    assert told.image_id_before == told.image_id_after


@pytest.mark.parametrize("target", ["oci", "docker"])
def test_keep_keeps_every_byte(target: str, tmp_path: Path) -> None:
    source = write_docker_archive([THREE], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out", target, compression="keep")
    assert suffixes(result) == list(ALL[:3])


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("compression", ["xz", "bzip2"])
def test_keep_refuses_what_has_no_media_type(target: str, compression: str, tmp_path: Path) -> None:
    source = write_docker_archive([make_image(compression=compression)], tmp_path / "in.tar")
    with pytest.raises(TargetError, match=compression) as caught:
        packed(source, tmp_path / "out", target, compression="keep")
    assert caught.value.exit_status == 6
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "lz4", "gzip:0", "gzip:10", "zstd:23", "none:1", "auto:1"])
def test_other_words_are_wrong_usage(text: str, tmp_path: Path) -> None:
    source = write_docker_archive([THREE], tmp_path / "in.tar")
    with pytest.raises(UsageError, match="--compression"):
        packed(source, tmp_path / "out", "oci", compression=text)


def test_levels_differ_and_the_encoder_is_named(tmp_path: Path) -> None:
    source = write_docker_archive([make_image([{"t": b"some words " * 9999}])], tmp_path / "in.tar")
    sizes, names = [], []
    for level in ("gzip:1", "gzip:9", "zstd:1", "zstd:19"):
        report, _ = packed(source, tmp_path / level.replace(":", ""), "oci", compression=level)
        (layer,) = report.images[0].layers
        sizes.append(layer.size_after)
        names.append(layer.encoder)
    assert len(set(sizes)) == 4
    assert all(
        name.endswith(level) for name, level in zip(names, ("1", "9", "1", "19"), strict=True)
    )


def lying(tmp_path: Path, stored: str, label: str) -> Path:
    """A layout whose layers carry another compression's media type."""
    image = make_image(compression=stored)
    layout = write_oci_layout([image], tmp_path / "honest")

    def relabel(manifest: dict[str, Any]) -> None:
        for layer in manifest["layers"]:
            layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar" + label

    return corrupt.damaged(
        layout,
        tmp_path / "lying",
        lambda files: corrupt.edit_document(files, image.manifest_digest(), relabel),
    )


@pytest.mark.parametrize(
    ("stored", "label"),
    [("none", "+gzip"), ("gzip", ""), ("gzip", "+zstd"), ("zstd", "+gzip"), ("zstd", "")],
)
def test_a_wrong_label_is_repaired_and_told(stored: str, label: str, tmp_path: Path) -> None:
    report, result = packed(lying(tmp_path, stored, label), tmp_path / "out", "oci")
    assert suffixes(result) == [stored, stored]
    repaired = [change for change in map(str, report.images[0].changes) if "labelled" in change]
    assert len(repaired) == 2
    assert all(stored in change and (label[1:] or "none") in change for change in repaired)
    assert {layer.action for layer in report.images[0].layers} == {"kept"}


def test_skopeo_s_dir_with_raw_layers_called_gzip(tmp_path: Path) -> None:
    image = make_image(names=())
    source = write_dir(image, tmp_path / "in")
    raw = json.loads((source / "manifest.json").read_bytes())
    for layer in raw["layers"]:
        layer["mediaType"] += ".gzip"
    (source / "manifest.json").write_text(json.dumps(raw))
    for target in ("oci", "docker"):
        _, result = packed(source, tmp_path / target, target)
        assert suffixes(result) == ["none", "none"]


def test_zstd_in_an_archive_warns_of_old_engines(tmp_path: Path) -> None:
    source = write_docker_archive([make_image(compression="zstd")], tmp_path / "in.tar")
    report, _ = packed(source, tmp_path / "out.tar", "oci")
    assert "zstd-layers" in [warning.code for warning in report.warnings]
    report, _ = packed(source, tmp_path / "docker.tar", "docker")
    assert "zstd-layers" not in [warning.code for warning in report.warnings]


def test_one_layer_in_two_images_is_packed_once(tmp_path: Path) -> None:
    shared = {"base": b"x" * 70_000}
    one = make_image([shared, {"a": b"1"}], names=("a:1",))
    two = make_image([shared, {"b": b"2"}], names=("b:1",))
    source = write_docker_archive([one, two], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / "out.tar", "oci", compression="gzip")
    assert len([name for name in result.files if name.startswith("blobs/")]) == 3 + 2 + 2
    assert report.images[0].layers[0].after == report.images[1].layers[0].after
