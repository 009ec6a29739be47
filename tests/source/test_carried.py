"""Blobs that stand in a descriptor's ``data`` alone (image-spec descriptor.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oci_layout import repack, verify
from oci_layout.errors import DamagedError
from tests.builders import Image, go_json, make_image, name_annotations, sha256
from tests.builders.artifacts import Built, make_artifact, of_image, write_layout
from tests.builders.carried import carrying, write_carrying
from tests.repacked import packed
from tests.targets.answers import answer
from tests.targets.makes import Maker


def layout(image: Image, built: Built, dest: Path) -> Path:
    entry = built.entry(annotations=name_annotations(image.names[0]))
    return write_layout(dest, [entry], built)


@pytest.mark.parametrize("to", ["oci", "docker"])
def test_a_config_that_stands_in_data(to: str, tmp_path: Path) -> None:
    image = make_image(names=("demo:1",))
    path = layout(image, carrying(image), tmp_path / "in")
    assert not verify(str(path)).failed
    _, result = packed(path, tmp_path / "out", target=to)
    assert result.configs == {image.config_digest: image.config_bytes}


def test_an_empty_config_that_stands_in_data(tmp_path: Path) -> None:
    artifact = make_artifact(b"x", artifact_type="application/vnd.example")
    value = json.loads(artifact.document)
    value["config"]["data"] = "e30="
    below = {key: data for key, data in artifact.below.items() if data != b"{}"}
    built = Built(go_json(value), artifact.media_type, below)
    path = write_layout(tmp_path / "in", [built.entry()], built)
    assert not verify(str(path)).failed
    repack(str(path), str(tmp_path / "out"), to="oci")
    assert (tmp_path / "out/blobs/sha256" / sha256(b"{}")[7:]).read_bytes() == b"{}"


def test_data_that_is_another_blob_is_none(tmp_path: Path) -> None:
    image = make_image(names=("demo:1",))
    path = layout(image, carrying(image, b'{"os":"other"}'), tmp_path / "in")
    assert "bad-data" in {each.code for each in verify(str(path)).findings}
    with pytest.raises(DamagedError):
        repack(str(path), str(tmp_path / "out"), to="oci")


def test_the_blob_itself_comes_first(tmp_path: Path) -> None:
    """What lies there is read, and its damage is not hidden by what a document carries."""
    image = make_image(names=("demo:1",))
    built = carrying(image)
    whole = Built(built.document, built.media_type, {**built.below, **of_image(image).below})
    path = layout(image, whole, tmp_path / "in")
    (path / "blobs/sha256" / image.config_digest[7:]).write_bytes(b"{}")
    assert verify(str(path)).failed


@pytest.mark.parametrize("target", ["containerd@1.6", "containerd@2.1", "podman", "skopeo"])
def test_no_engine_looks_there(target: str, tmp_path: Path) -> None:
    path = write_carrying(Maker(tmp_path).image("demo:1"), tmp_path / "x.tar")
    found = answer(path, target)
    assert not found.loads
    assert found.repair
