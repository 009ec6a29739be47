"""The five verdicts, each from images that differ in one way, and why the digests differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout.comparison.layers import Change
from oci_layout.comparison.verdict import Verdict, worst
from tests.builders import (
    Layer,
    go_json,
    layer_tar,
    make_image,
    write_dir,
    write_docker_archive,
    write_hybrid_archive,
    write_oci_archive,
    write_oci_layout,
)
from tests.comparison.made import (
    IMAGE,
    because,
    dir_of,
    edited,
    layered,
    packed,
    running,
    the_pair,
    written,
)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return write_oci_layout([IMAGE], tmp_path / "there")


def test_identical_whatever_it_lies_in(there: Path, tmp_path: Path) -> None:
    for other in (
        there,
        write_oci_archive([IMAGE], tmp_path / "x.tar"),
        write_hybrid_archive([IMAGE], tmp_path / "y.tar"),
        dir_of(IMAGE, tmp_path / "dir", IMAGE.manifest()),
    ):
        pair = the_pair(there, other)
        assert pair.verdict is Verdict.IDENTICAL
        assert not pair.manifest
        assert not pair.config
        assert {each.change for each in pair.layers} == {Change.SAME}
        means = pair.consequences
        assert (means.docker, means.containerd, means.registry, means.moves_tag) == (
            True,
            True,
            True,
            False,
        )
        assert (means.shared, means.uploads, means.upload_bytes) == (2, 0, 0)


def test_same_image_id_in_other_media_types(there: Path, tmp_path: Path) -> None:
    pair = the_pair(there, write_dir(IMAGE, tmp_path / "dir"))
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert [field.name for field in pair.manifest] == [
        "mediaType",
        "config.mediaType",
        "layers[0].mediaType",
        "layers[1].mediaType",
    ]
    assert "OCI's in A and Docker's in B" in because(pair, "manifest")
    assert {each.change for each in pair.layers} == {Change.RELABELLED}
    assert pair.consequences.docker
    assert pair.consequences.moves_tag


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_same_image_id_packed_otherwise(there: Path, compression: str, tmp_path: Path) -> None:
    other = packed(IMAGE, compression)
    pair = the_pair(there, write_oci_layout([other], tmp_path / "b"))
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert f"layers 0 and 1 are raw in A and {compression} in B" in because(pair, "manifest")
    assert {each.change for each in pair.layers} == {Change.REPACKED}
    assert pair.consequences.uploads == 2
    assert pair.consequences.upload_bytes == sum(len(layer.stored) for layer in other.layers)


def test_annotations_are_packaging(there: Path, tmp_path: Path) -> None:
    manifest = {**IMAGE.manifest(), "annotations": {"made.by": "me"}}
    pair = the_pair(there, dir_of(IMAGE, tmp_path / "dir", manifest))
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert "annotations differs" in because(pair, "manifest")
    assert [(f.name, f.only) for f in pair.manifest] == [("annotations", "b")]


def test_a_manifest_that_is_only_spelled_in_another_way(there: Path, tmp_path: Path) -> None:
    other = dir_of(IMAGE, tmp_path / "dir", IMAGE.manifest())
    (other / "manifest.json").write_text(json.dumps(IMAGE.manifest(), indent=1))
    pair = the_pair(there, other)
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert not pair.manifest
    assert "white space" in because(pair, "manifest")


def test_an_archive_without_manifest(there: Path, tmp_path: Path) -> None:
    pair = the_pair(write_docker_archive([IMAGE], tmp_path / "a.tar"), there)
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert pair.a.manifest is None
    assert "A has no manifest" in because(pair, "manifest")
    assert {each.change for each in pair.layers} == {Change.SAME}
    assert pair.consequences.registry is None
    assert pair.consequences.moves_tag is None


SAME_CONTENT: dict[str, tuple[bytes, str]] = {
    "white space": (json.dumps(IMAGE.config, indent=2).encode(), "white space"),
    "order": (go_json(dict(sorted(IMAGE.config.items(), reverse=True))), "the order of keys"),
    "escapes": (
        json.dumps(IMAGE.config, separators=(",", ":")).encode(),
        "escapes in texts",
    ),
    "empty": (
        go_json(edited(running(IMAGE, Tty=False, Volumes=None), author="").config),
        "config.Tty, config.Volumes, author",
    ),
    "dropped": (go_json(running(IMAGE, Hostname=...).config), "config.Hostname"),
    "instant": (
        go_json(edited(IMAGE, created="2024-05-06T09:08:09.1234567890+02:00").config),
        "written in another way (created)",
    ),
}


@pytest.mark.parametrize("way", SAME_CONTENT)
def test_same_content(way: str, there: Path, tmp_path: Path) -> None:
    text, word = SAME_CONTENT[way]
    other = write_oci_layout([written(IMAGE, text)], tmp_path / "b")
    pair = the_pair(there, other)
    assert pair.verdict is Verdict.SAME_CONTENT
    assert not pair.config
    assert word in because(pair, "config")
    assert not pair.consequences.docker


OTHER_CONFIG: dict[str, tuple[Any, str]] = {
    "healthcheck": (running(IMAGE, Healthcheck=...), "Healthcheck (HEALTHCHECK) is missing in B"),
    "onbuild": (running(IMAGE, OnBuild=None), "OnBuild (ONBUILD) is missing in B"),
    "shell": (running(IMAGE, Shell=["/bin/ash"]), "Shell (SHELL) differs"),
    "variable": (running(IMAGE, Env=["PATH=/bin:/usr/bin"]), "Env.B (ENV) is missing in B"),
    "order of variables": (running(IMAGE, Env=IMAGE.config["config"]["Env"][::-1]), "Env (ENV)"),
    "label": (
        running(IMAGE, Labels={**IMAGE.config["config"]["Labels"], "empty": ""}),
        "Labels.empty (LABEL) is missing in A",
    ),
    "timeout": (running(IMAGE, StopTimeout=0), "StopTimeout is missing in A"),
    "ports": (running(IMAGE, ExposedPorts={"80/tcp": {}}), "ExposedPorts (EXPOSE) is missing in A"),
    "unknown": (edited(IMAGE, unheard=0), "unheard is missing in A"),
    "type": (running(IMAGE, StdinOnce=1), "StdinOnce is missing in A"),
    "history": (edited(IMAGE, history=[]), "for the record only: history is missing in B"),
    "created": (edited(IMAGE, created="2024-05-06T07:08:10Z"), "for the record only: created"),
    "author": (edited(IMAGE, author="me"), "author (MAINTAINER) is missing in A"),
    "platform": (edited(IMAGE, variant="v2"), "variant is missing in A"),
}


@pytest.mark.parametrize("way", OTHER_CONFIG)
def test_same_files_other_config(way: str, there: Path, tmp_path: Path) -> None:
    image, word = OTHER_CONFIG[way]
    pair = the_pair(there, write_oci_layout([image], tmp_path / "b"))
    assert pair.verdict is Verdict.SAME_FILES
    assert word in because(pair, "config")
    assert "it names another config" in because(pair, "manifest")


def test_different(there: Path, tmp_path: Path) -> None:
    fresh = Layer(layer_tar({"srv/data": b"2"}))
    more = Layer(layer_tar({"more": b""}))
    for layers, changes, word in (
        ((IMAGE.layers[0], fresh), [Change.SAME, Change.CHANGED], "layer 1 is another"),
        ((*IMAGE.layers, more), [Change.SAME, Change.SAME, Change.ADDED], "layer 2 is in B alone"),
        (IMAGE.layers[:1], [Change.SAME, Change.REMOVED], "layer 1 is in A alone"),
        (IMAGE.layers[1:], [Change.REMOVED, Change.SAME], "layer 0 is in A alone"),
        ((more, *IMAGE.layers), [Change.ADDED, Change.SAME, Change.SAME], "layer 0 is in B alone"),
    ):
        other = layered(IMAGE, layers)
        pair = the_pair(there, write_oci_layout([other], tmp_path / other.config_digest[7:]))
        assert pair.verdict is Verdict.DIFFERENT
        assert [each.change for each in pair.layers] == changes
        assert word in because(pair, "manifest")
        assert "diff_ids of other layers" in because(pair, "config")


def test_a_layer_that_is_labelled_wrongly(there: Path, tmp_path: Path) -> None:
    manifest = IMAGE.manifest()
    manifest["layers"][1]["mediaType"] += "+gzip"
    pair = the_pair(there, dir_of(IMAGE, tmp_path / "dir", manifest))
    assert pair.verdict is Verdict.SAME_IMAGE_ID
    assert "layer 1 is labelled raw in A and labelled gzip in B" in because(pair, "manifest")
    assert [each.change for each in pair.layers] == [Change.SAME, Change.RELABELLED]


def test_packed_layers_of_a_docker_archive_are_read(tmp_path: Path) -> None:
    """Nothing states their digests, so that only reading tells whether they are the same."""
    image = packed(IMAGE, "gzip")
    archive = write_docker_archive([image], tmp_path / "a.tar", style="flat")
    pair = the_pair(archive, write_oci_layout([image], tmp_path / "b"))
    assert {each.change for each in pair.layers} == {Change.SAME}
    assert the_pair(archive, archive).consequences.uploads == 0


def test_a_config_without_rootfs_is_known_by_its_layers(there: Path, tmp_path: Path) -> None:
    other = write_oci_layout([edited(packed(IMAGE, "gzip"), rootfs=...)], tmp_path / "b")
    pair = the_pair(there, other)
    assert {each.change for each in pair.layers} == {Change.REPACKED}
    assert pair.verdict is Verdict.SAME_FILES
    assert "rootfs" in because(pair, "config")


def test_no_layer_is_read_where_all_is_stated(there: Path, tmp_path: Path) -> None:
    """Layers that are damaged behind their first bytes make no difference."""
    other = write_oci_layout([packed(IMAGE, "gzip")], tmp_path / "b")
    for layer in packed(IMAGE, "gzip").layers:
        blob = other / "blobs/sha256" / layer.digest[7:]
        blob.write_bytes(layer.stored[:12] + bytes(len(layer.stored) - 12))
    assert the_pair(there, other).verdict is Verdict.SAME_IMAGE_ID


def test_what_the_bytes_are_counts_not_what_a_descriptor_says(there: Path, tmp_path: Path) -> None:
    other = write_oci_layout([IMAGE], tmp_path / "b")
    config = other / "blobs/sha256" / IMAGE.config_digest[7:]
    config.write_bytes(config.read_bytes().replace(b"CMD-SHELL", b"CMD-shell"))
    pair = the_pair(there, other)
    assert pair.verdict is Verdict.SAME_FILES
    assert "Healthcheck (HEALTHCHECK) differs" in because(pair, "config")
    codes = [finding.code for finding in pair.b.candidate.source.findings.found]
    assert "digest-mismatch" in codes


def test_the_worst_verdict_counts() -> None:
    assert worst([Verdict.IDENTICAL, Verdict.SAME_FILES, Verdict.SAME_IMAGE_ID]) == (
        "same files, other config"
    )
    assert worst([]) is Verdict.DIFFERENT
    assert [each for each in Verdict if each.same] == [
        "identical",
        "same image ID",
        "same content",
        "same but for what is ignored",
    ]


def test_a_layer_may_repeat(tmp_path: Path) -> None:
    image = layered(make_image(), (IMAGE.layers[0], IMAGE.layers[0], IMAGE.layers[1]))
    other = layered(make_image(), (IMAGE.layers[0], IMAGE.layers[1]))
    pair = the_pair(
        write_oci_layout([image], tmp_path / "a"), write_oci_layout([other], tmp_path / "b")
    )
    assert [each.change for each in pair.layers].count(Change.REMOVED) == 1
    assert pair.consequences.uploads == 0
