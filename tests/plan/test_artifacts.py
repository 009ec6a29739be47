"""Artifacts: as they are to OCI, refused with a reason for Docker, reported where images go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import oci_layout
from oci_layout.errors import TargetError
from tests import independent
from tests.builders import REF_NAME, go_json, make_image, name_annotations
from tests.builders.artifacts import (
    ARTIFACT_TYPE,
    EMPTY_TYPE,
    Built,
    make_artifact,
    make_index,
    make_old_artifact,
    of_image,
    write_layout,
)
from tests.builders.image import CONFIG_TYPE
from tests.command import layout
from tests.repacked import image_docs, packed, repo_tags

ARTIFACTS = {
    "helm": make_artifact(
        b"a chart",
        config_type="application/vnd.cncf.helm.config.v1+json",
        config=go_json({"name": "chart", "version": "1.0.0"}),
        layer_type="application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    ),
    "wasm": make_artifact(
        b"\0asm\x01\0\0\0",
        config_type="application/vnd.wasm.config.v0+json",
        config=go_json({"architecture": "wasm", "os": "wasip1"}),
        layer_type="application/wasm",
    ),
    "wasm with an image's config": make_artifact(
        b"\0asm\x01\0\0\0",
        config_type=CONFIG_TYPE["oci"],
        config=go_json({"architecture": "wasm", "os": "wasip1"}),
        layer_type="application/vnd.wasm.content.layer.v1+wasm",
    ),
    "oras file": make_artifact(
        b"hello", config_type="application/vnd.unknown.config.v1+json", layer_type="text/plain"
    ),
    "empty config": make_artifact(b"{}", artifact_type="application/vnd.example"),
    "artifact manifest": make_old_artifact(b"of the release candidates"),
}
EACH = [pytest.param(artifact, id=name) for name, artifact in ARTIFACTS.items()]
NOTES = {REF_NAME: "v1", "org.example": "<kept & as it is>"}
IMAGE = make_image([{"a": b"1"}], names=("demo:1",))


@pytest.mark.parametrize("artifact", EACH)
@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_as_it_is_to_oci(artifact: Built, dest: str, tmp_path: Path) -> None:
    entry = artifact.entry(annotations=NOTES, artifactType="x/y")
    source = write_layout(tmp_path / "in", [entry], artifact)
    report, result = packed(source, tmp_path / dest)
    assert result.index["manifests"] == [entry]
    before = independent.read_files(source)
    assert {name: data for name, data in result.files.items() if name.startswith("blobs/")} == {
        name: data for name, data in before.items() if name.startswith("blobs/")
    }
    assert result.docker is None
    assert report.changes == ()
    assert report.images == ()


@pytest.mark.parametrize("artifact", EACH)
def test_docker_refuses_with_a_reason(artifact: Built, tmp_path: Path) -> None:
    source = write_layout(tmp_path / "in", [artifact.entry()], artifact)
    with pytest.raises(TargetError, match=r"artifacts alone|layer of the type") as caught:
        packed(source, tmp_path / "out.tar", "docker")
    assert caught.value.exit_status == 6
    done = layout("repack", source, "--to", "docker", "-o", tmp_path / "out.tar")
    assert done.returncode == 6
    assert b"--to oci" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("artifact", EACH)
def test_compression_leaves_its_bytes_alone(artifact: Built, tmp_path: Path) -> None:
    source = write_layout(tmp_path / "in", [artifact.entry()], artifact)
    _, result = packed(source, tmp_path / "out", compression="zstd", config="oci")
    assert list(result.manifests) == [artifact.digest]


def mixed(dest: Path) -> Path:
    entries = [of_image(IMAGE).entry(annotations=name_annotations("demo:1"))]
    entries += [
        artifact.entry(annotations={REF_NAME: f"a{number}"})
        for number, artifact in enumerate(ARTIFACTS.values())
    ]
    return write_layout(dest, entries, of_image(IMAGE), *ARTIFACTS.values())


def test_of_a_mixed_layout_the_images_go_to_docker(tmp_path: Path) -> None:
    report, result = packed(mixed(tmp_path / "in"), tmp_path / "out.tar", "docker")
    assert repo_tags(result) == ["demo:1"]
    assert len(result.index["manifests"]) == 1
    for number, artifact in enumerate(ARTIFACTS.values()):
        (said,) = [change for change in report.changes if change.digest == artifact.digest]
        assert said.kind == "dropped"
        assert f"(a{number})" in said.what
        assert "Docker has no form" in said.what


def test_of_a_mixed_layout_all_goes_to_oci(tmp_path: Path) -> None:
    report, result = packed(mixed(tmp_path / "in"), tmp_path / "out.tar")
    assert report.changes == ()
    assert len(result.manifests) == 1 + len(ARTIFACTS)
    assert repo_tags(result) == ["demo:1"]


def test_an_artifact_inside_an_index(tmp_path: Path) -> None:
    chart = ARTIFACTS["helm"]
    image = of_image(IMAGE)
    index = make_index([image.entry(platform=IMAGE.platform), chart.entry()], image, chart)
    entries = [index.entry(annotations=name_annotations("demo:1"))]
    source = write_layout(tmp_path / "in", entries, index)
    _, result = packed(source, tmp_path / "out")
    assert result.index["manifests"][0]["digest"] == index.digest
    report, result = packed(source, tmp_path / "out.tar", "docker")
    assert len(image_docs(result)) == 1
    assert any(chart.digest in line and "dropped" in line for line in map(str, report.changes))


def test_an_index_of_artifacts_alone(tmp_path: Path) -> None:
    chart = ARTIFACTS["helm"]
    index = make_index([chart.entry()], chart, artifactType="application/vnd.example")
    entries = [of_image(IMAGE).entry(annotations=name_annotations("demo:1")), index.entry()]
    source = write_layout(tmp_path / "in", entries, of_image(IMAGE), index)
    report, result = packed(source, tmp_path / "out.tar", "docker")
    assert repo_tags(result) == ["demo:1"]
    assert any(index.digest in line for line in map(str, report.changes))
    _, result = packed(source, tmp_path / "out")
    assert [each["digest"] for each in result.index["manifests"]] == [
        IMAGE.manifest_digest(),
        index.digest,
    ]


def test_an_artifact_without_config(tmp_path: Path) -> None:
    """manifest.md wants one; tools before it left it out."""
    content = b"x"
    whole = make_artifact(content, artifact_type="application/vnd.example")
    value = json.loads(whole.document)
    del value["config"]
    bare = Built(go_json(value), whole.media_type, {value["layers"][0]["digest"]: content})
    source = write_layout(tmp_path / "in", [bare.entry()], bare)
    _, result = packed(source, tmp_path / "out")
    assert list(result.manifests) == [bare.digest]


def test_an_artifact_manifest_must_say_that_it_is_one(tmp_path: Path) -> None:
    chart = ARTIFACTS["helm"]
    entry = {**chart.entry(), "mediaType": ARTIFACT_TYPE}
    source = write_layout(tmp_path / "in", [entry], chart)
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert done.returncode == 3
    assert b"mediaType" in done.stderr
    assert EMPTY_TYPE.encode() not in done.stderr


def test_what_is_no_image_is_reported(tmp_path: Path) -> None:
    """Names, what it is, and its digest before and after; foretold too."""
    source = mixed(tmp_path / "in")
    report, _ = packed(source, tmp_path / "out")
    assert [each.names for each in report.artifacts] == [(f"a{n}",) for n in range(len(ARTIFACTS))]
    for each, artifact in zip(report.artifacts, ARTIFACTS.values(), strict=True):
        assert str(each.manifest_before) == str(each.manifest_after) == artifact.digest
        assert each.kind
    foretold = oci_layout.repack(source, tmp_path / "x", to="oci", dry_run=True)
    assert foretold.artifacts == report.artifacts
    assert "artifacts" in report.to_json()


def test_a_chart_has_a_row(tmp_path: Path) -> None:
    kind = "application/vnd.cncf.helm.config.v1+json"
    chart = make_artifact(b"chart", config_type=kind)
    source = write_layout(tmp_path / "in", [chart.entry(annotations={REF_NAME: "chart:1"})], chart)
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert f"chart:1  {kind}, no image" in done.stdout.decode()
    assert f"{chart.digest[:19]}  kept" in done.stdout.decode()


@pytest.mark.parametrize("strange", ["application/x-layer", "application/vnd.oci.image.layer.v2"])
def test_a_layer_of_an_unknown_type_is_named(strange: str, tmp_path: Path) -> None:
    odd = make_artifact(b"layer", config_type=CONFIG_TYPE["oci"], layer_type=strange)
    source = write_layout(tmp_path / "in", [odd.entry(annotations={REF_NAME: "odd:1"})], odd)
    with pytest.raises(TargetError, match="odd:1 has a layer of the type") as caught:
        oci_layout.repack(source, tmp_path / "out.tar", to="docker")
    assert strange in str(caught.value)
