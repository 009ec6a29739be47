"""Layers that are no tar are carried as they are; what is written is sound, always."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oci_layout import TargetError, repack, verify
from oci_layout.mediatype import LayerType
from tests.builders import make_image
from tests.builders.typed import MIXED, NO_IMAGE, OPAQUE, SPELLED
from tests.independent import read_files

IMAGE = make_image([{"a": b"1"}, {"b": b"2"}], names=("demo:1",))
EVERY = OPAQUE | SPELLED | MIXED | NO_IMAGE
HYBRID = pytest.mark.parametrize("hybrid", [False, True], ids=["layout", "hybrid"])
OUT = pytest.mark.parametrize("out", ["out", "out.tar", "out.tar.gz"])


def _source(name: str, folder: Path, *, hybrid: bool) -> Path:
    return EVERY[name].write(IMAGE, folder / "source.tar", hybrid=hybrid)


def _layers(path: Path) -> list[dict[str, object]]:
    files = read_files(path)
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files["blobs/" + entry["digest"].replace(":", "/")])
    found: list[dict[str, object]] = manifest["layers"]
    return found


@HYBRID
@pytest.mark.parametrize("name", OPAQUE | SPELLED | MIXED)
def test_the_source_is_sound(name: str, hybrid: bool, tmp_path: Path) -> None:
    report = verify(str(_source(name, tmp_path, hybrid=hybrid)))
    assert not report.failed, [str(each) for each in report.findings]


@HYBRID
@OUT
@pytest.mark.parametrize("name", EVERY)
def test_what_is_written_is_sound(name: str, hybrid: bool, out: str, tmp_path: Path) -> None:
    hybrid &= name not in NO_IMAGE
    dest = tmp_path / out
    repack(str(_source(name, tmp_path, hybrid=hybrid)), str(dest), to="oci")
    report = verify(str(dest))
    assert not report.failed, [str(each) for each in report.findings]


@HYBRID
@pytest.mark.parametrize("name", OPAQUE)
def test_opaque_layers_stay_what_they_are(name: str, hybrid: bool, tmp_path: Path) -> None:
    source, dest = _source(name, tmp_path, hybrid=hybrid), tmp_path / "out.tar"
    report = repack(str(source), str(dest), to="oci")
    assert _layers(dest) == _layers(source)
    assert "manifest.json" not in read_files(dest)
    assert [each.code for each in report.warnings] == ["opaque-layers"]


@HYBRID
@pytest.mark.parametrize("compression", ["gzip:1", "zstd", "none"])
@pytest.mark.parametrize("name", OPAQUE)
def test_opaque_layers_are_not_packed_anew(
    name: str, compression: str, hybrid: bool, tmp_path: Path
) -> None:
    source, dest = _source(name, tmp_path, hybrid=hybrid), tmp_path / "out.tar"
    repack(str(source), str(dest), to="oci", compression=compression)
    assert _layers(dest)[-1] == _layers(source)[-1]
    assert not verify(str(dest)).failed


@HYBRID
@pytest.mark.parametrize("name", OPAQUE)
def test_opaque_layers_have_no_docker_form(name: str, hybrid: bool, tmp_path: Path) -> None:
    source, dest = _source(name, tmp_path, hybrid=hybrid), tmp_path / "out.tar"
    with pytest.raises(TargetError, match="has no Docker form"):
        repack(str(source), str(dest), to="docker")
    assert not dest.exists()


@HYBRID
@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize("name", SPELLED | MIXED)
def test_labels_become_those_of_the_target(
    name: str, target: str, hybrid: bool, tmp_path: Path
) -> None:
    dest = tmp_path / "out.tar"
    repack(str(_source(name, tmp_path, hybrid=hybrid)), str(dest), to=target)
    for layer in _layers(dest):
        kind = LayerType.parse(str(layer["mediaType"]))
        assert kind is not None
        assert kind.family == target
    assert not verify(str(dest)).failed_strictly


@pytest.mark.parametrize("name", SPELLED)
def test_a_label_that_was_repaired_is_told(name: str, tmp_path: Path) -> None:
    source = _source(name, tmp_path, hybrid=False)
    report = repack(str(source), str(tmp_path / "out"), to="oci")
    (image,) = report.images
    assert any("labelled" in str(text) for text in image.changes) or image.layers[-1].encoder
