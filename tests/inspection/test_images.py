"""Images of every age and oddity: shown sensibly, and never a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import inspect
from oci_layout.errors import SelectionError
from tests import corrupt
from tests.builders import (
    go_json,
    hex_of,
    make_image,
    sha256,
    write_dir,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.legacy import ids_of, schema1, schema1_dir, steps_of, write_v1
from tests.independent import read_files
from tests.inspection.shown import nodes, text, tree
from tests.shared import CORPUS, FIXTURES, needs_shared
from tests.verification.checking import layout_of

STEPS = steps_of({"a": b"1" * 700}, {"b": b"2"})


def test_kinds_of_sources(tmp_path: Path) -> None:
    image = make_image()
    lone = tmp_path / "manifest.json"
    lone.write_bytes(image.manifest_bytes())
    kinds = {
        "oci-layout": write_oci_layout([image], tmp_path / "oci"),
        "hybrid": write_hybrid_archive([image], tmp_path / "hybrid.tar"),
        "docker-archive": write_docker_archive([image], tmp_path / "docker.tar"),
        "dir": write_dir(image, tmp_path / "dir"),
        "docker-v1": write_v1(STEPS, tmp_path / "v1.tar", "x:1"),
        "manifest": lone,
    }
    for kind, source in kinds.items():
        value = tree(source)
        assert value["source"]["kind"] == kind
        assert value["source"]["archive"] is (kind not in ("oci-layout", "dir"))
        assert len(nodes(value)) == 1


def test_v1(tmp_path: Path) -> None:
    source = write_v1(STEPS, tmp_path / "in.tar", "old/app:1")
    value = tree(source)
    (node,) = nodes(value)
    assert node["names"] == ["old/app:1"]
    assert node["image_id"] is node["digest"] is node["config"]["digest"] is None
    assert node["made_from"] == f"Docker V1 image {ids_of(STEPS)[-1]}"
    assert [layer["diff_id"] for layer in node["layers"]] == [None, None]
    assert node["layers"][0]["created_by"] == "/bin/sh -c #(nop) ADD <0> in /"
    assert value["findings"] == []
    shown = text(source)
    assert "manifest  none: older than manifests\n" in shown
    assert "image ID  none yet: layout repack makes a config" in shown
    assert f"0  {ids_of(STEPS)[0][:12]}  10.2 kB  raw  ADD <0> in /\n" in shown


def test_schema_1(tmp_path: Path) -> None:
    manifest = schema1(STEPS)
    source = write_files(schema1_dir(STEPS, manifest), tmp_path / "in")
    (node,) = nodes(tree(source))
    assert node["schema1"] == {"name": "team/demo", "tag": "1", "signatures": 0}
    assert node["digest"] == sha256(manifest)
    assert node["image_id"] is None
    assert [layer["compression"] for layer in node["layers"]] == ["gzip", "gzip"]
    shown = text(source)
    assert "schema 1, unsigned, calls itself team/demo:1\n" in shown
    lone = tmp_path / "lone.json"
    lone.write_bytes(manifest)
    (node,) = nodes(tree(lone))
    assert [layer["size"] for layer in node["layers"]] == [None, None]
    assert "layers    2, sizes not stated\n" in text(lone)
    assert "!" not in text(lone)


@needs_shared
def test_a_signed_schema_1_manifest() -> None:
    shown = text(CORPUS / "tiny" / "skopeo-dir-v2s1-gz")
    assert "sha256:82f1b8a6367f, schema 1, 1 signature\n" in shown


def test_a_lone_manifest_and_a_lone_index(tmp_path: Path) -> None:
    image, arm = make_image(), make_image([{"a": b"2"}], architecture="arm64")
    lone = tmp_path / "lone.json"
    lone.write_bytes(image.manifest_bytes())
    (node,) = nodes(tree(lone))
    assert node["digest"] == image.manifest_digest()
    assert node["image_id"] == image.config_digest
    assert node["config"] is None
    assert [layer["size"] for layer in node["layers"]] == [
        len(layer.stored) for layer in image.layers
    ]
    shown = text(lone)
    # Where a line is folded depends on the length of the path before.
    assert "a manifest without its blobs" in " ".join(shown.split())
    assert f"image ID  {image.config_digest[:19]}, its config is not here\n" in shown
    assert "!" not in shown
    layout = write_index_layout(tmp_path / "layout", [image, arm])
    index = nodes(tree(layout), "index")[0]["digest"]
    lone.write_bytes((layout / "blobs" / "sha256" / hex_of(index)).read_bytes())
    shown = text(lone)
    assert f"linux/arm64, {arm.manifest_digest()[:19]}\n" in shown
    assert "!" not in shown


def test_an_image_without_its_config(tmp_path: Path) -> None:
    image = make_image(names=["x:1"])
    files = layout_of(image.manifest(), *(layer.stored for layer in image.layers))
    source = write_files(files, tmp_path / "in")
    value = tree(source)
    (node,) = nodes(value)
    assert node["missing"] == value["totals"]["missing"] == [image.config_digest]
    assert value["totals"]["orphans"] == []
    assert "its config is not here\n" in text(source)


def test_nested_indexes(tmp_path: Path) -> None:
    image = make_image()
    inner = write_index_layout(tmp_path / "inner", [image])
    files = read_files(inner)
    (entry,) = json.loads(files["index.json"])["manifests"]
    media_type = entry["mediaType"]
    outer = go_json(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "manifests": [{key: entry[key] for key in ("mediaType", "digest", "size")}],
        }
    )
    files[f"blobs/sha256/{hex_of(sha256(outer))}"] = outer
    top = {"mediaType": media_type, "digest": sha256(outer), "size": len(outer)}
    files["index.json"] = go_json({"schemaVersion": 2, "manifests": [top]})
    source = write_files(files, tmp_path / "in")
    assert [node["digest"] for node in nodes(tree(source), "index")] == [
        sha256(outer),
        entry["digest"],
    ]
    shown = text(source)
    assert f"\n  index {sha256(outer)[:19]}, OCI: 1 list\n" in shown
    assert f"\n    index {entry['digest'][:19]}, OCI: 1 platform\n" in shown
    assert "\n      linux/amd64\n" in shown


def test_selection(tmp_path: Path) -> None:
    images = [make_image([{"a": name.encode()}], architecture=name) for name in ("amd64", "arm64")]
    source = write_index_layout(tmp_path / "in", images, attestations=True)
    (node,) = nodes(tree(source, platforms=("linux/arm64",)))
    assert node["platform"] == "linux/arm64"
    (node,) = nodes(tree(source, images=(images[0].config_digest,)))
    assert node["image_id"] == images[0].config_digest
    with pytest.raises(SelectionError):
        inspect(str(source), platforms=("linux/s390x",))
    with pytest.raises(SelectionError):
        inspect(str(source), images=("no:1",))


def test_index_and_config_that_contradict_each_other(tmp_path: Path) -> None:
    image = make_image(architecture="arm64")
    layout = write_index_layout(tmp_path / "plain", [image])
    index = nodes(tree(layout), "index")[0]["digest"]
    assert nodes(tree(layout))[0]["platforms_differ"] is False

    def lie(value: dict[str, Any]) -> None:
        value["manifests"][0]["platform"]["architecture"] = "amd64"

    source = corrupt.damaged(
        layout, tmp_path / "in", lambda files: corrupt.edit_document(files, index, lie)
    )
    (node,) = nodes(tree(source))
    assert (node["platform"], node["config_platform"], node["platforms_differ"]) == (
        "linux/amd64",
        "linux/arm64",
        True,
    )
    assert "! the index says linux/amd64, the config linux/arm64\n" in text(source)


def test_mixed_media_types(tmp_path: Path) -> None:
    image = make_image()
    manifest = image.manifest("oci")
    manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
    layers = [layer.stored for layer in image.layers]
    source = write_files(layout_of(manifest, image.config_bytes, *layers), tmp_path / "in")
    assert ", OCI with media types of Docker\n" in text(source)
    assert "with" not in text(write_oci_layout([image], tmp_path / "plain", family="docker"))


ODD: list[tuple[str, Any]] = [
    ("Entrypoint", "/bin/sh"),
    ("Entrypoint", 7),
    ("Cmd", [1, "a", None]),
    ("Env", {"A": "1"}),
    ("Env", None),
    ("Labels", ["a"]),
    ("Labels", {"a": 1, "b": "2"}),
    ("ExposedPorts", ["80"]),
    ("Volumes", 1),
    ("User", 0),
    ("OnBuild", "RUN x"),
    ("Shell", {}),
    ("Healthcheck", []),
    ("Healthcheck", "x"),
    ("WorkingDir", ["/"]),
]


@pytest.mark.parametrize(("key", "value"), ODD)
def test_fields_of_wrong_types(key: str, value: Any, tmp_path: Path) -> None:
    source = write_docker_archive([make_image(config={key: value})], tmp_path / "in.tar")
    (node,) = nodes(tree(source))
    assert node["config"]["cmd"] is not None
    assert text(source)


@pytest.mark.parametrize(
    "change",
    [
        {"history": None},
        {"history": {}},
        {"history": [1, {"created_by": 5}, {"comment": ["x"]}]},
        {"history": [{"created_by": "a"}] * 7},
        {"config": []},
        {"config": None},
        {"created": 1},
        {"created": "yesterday"},
        {"os": None, "architecture": None},
    ],
)
def test_configs_of_wrong_shapes(change: dict[str, Any], tmp_path: Path) -> None:
    image = make_image()
    image.config.update(change)
    source = write_docker_archive([image], tmp_path / "in.tar")
    (node,) = nodes(tree(source))
    assert len(node["layers"]) == 2
    assert text(source, history=True)
    if "history" in change:
        assert [layer["created_by"] for layer in node["layers"]] == [None, None]


def test_go_reads_keys_in_any_case(tmp_path: Path) -> None:
    image = make_image()
    image.config["Config"] = {"ENTRYPOINT": ["/a"], "labels": {"k": "v"}}
    del image.config["config"]
    source = write_docker_archive([image], tmp_path / "in.tar", style="flat")
    config = nodes(tree(source))[0]["config"]
    assert (config["entrypoint"], config["labels"]) == (["/a"], {"k": "v"})


def test_documents_that_list_each_other_without_end(tmp_path: Path) -> None:
    image = make_image(config={"Labels": {"a": "x" * 100_000}})
    layout = read_files(write_oci_layout([image], tmp_path / "plain"))
    entry = image.descriptor()
    index = go_json({"schemaVersion": 2, "manifests": [entry] * 2000})
    outer = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": sha256(index),
        "size": len(index),
    }
    top = go_json({"schemaVersion": 2, "manifests": [outer]})
    files = {**layout, f"blobs/sha256/{hex_of(sha256(index))}": index, "index.json": top}
    source = write_files(files, tmp_path / "in")
    with pytest.raises(SelectionError, match="repeated ones included"):
        inspect(str(source))


@needs_shared
def test_everything_is_shown_at_any_width() -> None:
    for name in ("tiny/docker28.tar", "multi/ctr-amd64.tar", "tiny/skopeo-dir-v2s1-gz"):
        for width in (40, 60, 80, 120, 200):
            assert text(CORPUS / name, width, history=True)
    assert text(FIXTURES / "moby+moby/integration-cli/testdata/emptyLayer.tar", 40)
