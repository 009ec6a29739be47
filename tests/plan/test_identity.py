"""What is one image and what is two: nothing is lost, or merged by accident."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    IMAGE_NAME,
    REF_NAME,
    go_json,
    make_image,
    name_annotations,
    write_docker_archive,
)
from tests.builders.artifacts import Built, make_index, of_image, write_layout
from tests.independent import Checked
from tests.repacked import packed, repo_tags

ONE = make_image([{"a": b"1"}], names=())
TWO = make_image([{"a": b"2"}], names=())
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm64")
P1, P2, P3 = map(of_image, (ONE, TWO, ARM))


def pairs(result: Checked) -> list[tuple[str, str]]:
    """Name and digest of each entry, in order."""
    return [
        (entry.get("annotations", {}).get(IMAGE_NAME, ""), entry["digest"])
        for entry in result.index["manifests"]
    ]


@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_images_named_by_digest_only(dest: str, tmp_path: Path) -> None:
    """Two images of one repository, neither of which has a tag."""
    names = [f"reg.example/app@{part.digest}" for part in (P1, P2)]
    entries = [
        part.entry(annotations={IMAGE_NAME: name})
        for part, name in zip((P1, P2), names, strict=True)
    ]
    source = write_layout(tmp_path / "in", entries, P1, P2)
    report, result = packed(source, tmp_path / dest)
    assert pairs(result) == [(names[0], P1.digest), (names[1], P2.digest)]
    refs = [entry["annotations"][REF_NAME] for entry in result.index["manifests"]]
    assert len(set(refs)) == 2
    _, chosen = packed(source, tmp_path / "chosen", images=(names[1],))
    assert pairs(chosen) == [(names[1], P2.digest)]
    _, docker = packed(source, tmp_path / "docker.tar", "docker")
    assert len(docker.docker or []) == 2
    assert repo_tags(docker) == []  # docker load takes no digest for a tag
    assert report.images[0].names == (names[0],)


def test_a_tag_and_a_digest_in_one_name(tmp_path: Path) -> None:
    name = f"reg.example/app:1@{P1.digest}"
    source = write_layout(tmp_path / "in", [P1.entry(annotations={IMAGE_NAME: name})], P1)
    _, result = packed(source, tmp_path / "out.tar")
    assert pairs(result) == [(name, P1.digest)]


def test_one_digest_under_several_names(tmp_path: Path) -> None:
    names = ["demo:1", "demo:latest", "reg.example/team/demo:1"]
    entries = [P1.entry(annotations=name_annotations(name)) for name in names]
    source = write_layout(tmp_path / "in", entries, P1)
    for dest in ("out", "out.tar"):
        report, result = packed(source, tmp_path / dest)
        assert pairs(result) == [(e["annotations"][IMAGE_NAME], P1.digest) for e in entries]
        assert len(report.images) == 1
    assert repo_tags(result) == names


def test_one_digest_with_other_annotations_stays_two_entries(tmp_path: Path) -> None:
    """What an entry says of an image beside its name belongs to that entry."""
    entries = [
        P1.entry(annotations={**name_annotations("demo:1"), "org.example": "one"}),
        P1.entry(annotations={**name_annotations("demo:2"), "org.example": "two"}),
        P1.entry(annotations=name_annotations("demo:3")),
        P1.entry(),
    ]
    source = write_layout(tmp_path / "in", entries, P1)
    _, result = packed(source, tmp_path / "out")
    found = [
        {k: v for k, v in entry.get("annotations", {}).items() if k != REF_NAME}
        for entry in result.index["manifests"]
    ]
    assert {(n.get(IMAGE_NAME), n.get("org.example")) for n in found} == {
        ("docker.io/library/demo:1", "one"),
        ("docker.io/library/demo:2", "two"),
        ("docker.io/library/demo:3", None),
    }


def two_indexes(dest: Path) -> tuple[Path, Built, Built]:
    """Two indexes that share a platform, under a tag each, and a plain image of one of them."""
    left = make_index([P1.entry(platform=ONE.platform), P3.entry(platform=ARM.platform)], P1, P3)
    right = make_index([P2.entry(platform=TWO.platform), P3.entry(platform=ARM.platform)], P2, P3)
    entries = [
        left.entry(annotations=name_annotations("left:1")),
        right.entry(annotations=name_annotations("right:1")),
        P3.entry(annotations=name_annotations("arm:1")),
    ]
    return write_layout(dest, entries, left, right), left, right


@pytest.mark.parametrize("dest", ["out", "out.tar"])
def test_several_indexes_in_one_layout(dest: str, tmp_path: Path) -> None:
    source, left, right = two_indexes(tmp_path / "in")
    _, result = packed(source, tmp_path / dest)
    prefix = "docker.io/library"
    assert pairs(result) == [
        (f"{prefix}/left:1", left.digest),
        (f"{prefix}/right:1", right.digest),
        (f"{prefix}/arm:1", P3.digest),
    ]
    again, _ = packed(tmp_path / dest, tmp_path / "again")
    assert len(again.images) == 5


def test_a_platform_of_several_indexes(tmp_path: Path) -> None:
    source, _, _ = two_indexes(tmp_path / "in")
    report, result = packed(source, tmp_path / "out.tar", "docker", platforms=("linux/amd64",))
    assert sorted(repo_tags(result)) == ["left:1", "right:1"]
    assert set(result.configs) == {ONE.config_digest, TWO.config_digest}
    assert "platform-absent" in [each.code for each in report.warnings]
    _, result = packed(source, tmp_path / "arm.tar", "docker", platforms=("linux/arm64",))
    (entry,) = result.docker or []
    assert sorted(entry["RepoTags"]) == ["arm:1", "left:1", "right:1"]


def test_one_digest_for_two_platforms_in_an_index(tmp_path: Path) -> None:
    """image-index.md allows it: one image that says of itself that it runs on both."""
    v7 = {"os": "linux", "architecture": "arm", "variant": "v7"}
    v6 = {**v7, "variant": "v6"}
    index = make_index([P3.entry(platform=v7), P3.entry(platform=v6)], P3)
    entries = [index.entry(annotations=name_annotations("demo:1"))]
    source = write_layout(tmp_path / "in", entries, index)
    _, result = packed(source, tmp_path / "out.tar")
    assert result.index["manifests"][0]["digest"] == index.digest
    _, result = packed(source, tmp_path / "moved.tar", compression="gzip")
    (top,) = result.index["manifests"]
    inner = json.loads(result.files["blobs/" + top["digest"].replace(":", "/")])
    assert [each["platform"] for each in inner["manifests"]] == [v7, v6]
    assert len({each["digest"] for each in inner["manifests"]}) == 1


def test_one_config_in_two_manifests(tmp_path: Path) -> None:
    """One image packed in two ways: two manifests, both wanted, one image ID."""
    packed_too = make_image([{"a": b"1"}], names=(), compression="gzip")
    other = of_image(packed_too)
    assert packed_too.config_digest == ONE.config_digest
    entries = [
        P1.entry(annotations=name_annotations("raw:1")),
        other.entry(annotations=name_annotations("gzip:1")),
    ]
    source = write_layout(tmp_path / "in", entries, P1, other)
    _, result = packed(source, tmp_path / "out.tar")
    assert set(result.manifests) == {P1.digest, other.digest}
    assert sorted(repo_tags(result)) == ["gzip:1", "raw:1"]


def test_untagged_images(tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    for target in ("oci", "docker"):
        _, result = packed(source, tmp_path / f"{target}.tar", target)
        assert set(result.configs) == {ONE.config_digest, TWO.config_digest}
        assert len(result.docker or []) == 2


def test_a_name_of_an_index_is_not_that_of_its_image(tmp_path: Path) -> None:
    """manifest.json names one platform `arm:1`; index.json names the index `demo:1`."""
    index = make_index([P1.entry(platform=ONE.platform), P3.entry(platform=ARM.platform)], P1, P3)
    entries: list[dict[str, Any]] = [index.entry(annotations=name_annotations("demo:1"))]
    source = write_layout(tmp_path / "in", entries, index)
    paths = ["blobs/" + layer.digest.replace(":", "/") for layer in ARM.layers]
    config = "blobs/" + ARM.config_digest.replace(":", "/")
    saved = [{"Config": config, "RepoTags": ["arm:1"], "Layers": paths}]
    (source / "manifest.json").write_bytes(go_json(saved))
    _, result = packed(source, tmp_path / "out.tar")
    assert pairs(result) == [
        ("docker.io/library/demo:1", index.digest),
        ("docker.io/library/arm:1", P3.digest),
    ]
