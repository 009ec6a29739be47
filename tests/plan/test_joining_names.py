"""`merge --multi-platform`: which images are joined, by their names and platforms."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oci_layout import SelectionError, limits, merge
from tests.builders import (
    IMAGE_NAME,
    REF_NAME,
    full_name,
    make_image,
    name_annotations,
    write_dir,
    write_docker_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.builders.artifacts import (
    make_artifact,
    make_index,
    of_image,
    write_layout,
)
from tests.command import layout, the_line
from tests.joined import AMD, ARM, entries_of, image, joined, platforms


def test_each_name_by_itself(tmp_path: Path) -> None:
    """What only one source has stays one image, under the names that are its own."""
    one = write_docker_archive(
        [image("amd64", "app:1", "app:amd"), image("amd64", "db:1"), image("amd64", "solo:1")],
        tmp_path / "one.tar",
    )
    two = write_oci_layout(
        [image("arm64", "app:1"), image("arm64", "db:1"), image("arm64", "db:2")], tmp_path / "two"
    )
    _, result = joined(tmp_path / "out", one, two)
    kinds = {
        entry["annotations"][IMAGE_NAME].rpartition("/")[2]: "index" in entry["mediaType"]
        for entry in result.index["manifests"]
    }
    assert kinds == {
        "app:1": True,
        "app:amd": False,
        "db:1": True,
        "solo:1": False,
        "db:2": False,
    }


def test_names_that_are_shared_lead_to_one_index(tmp_path: Path) -> None:
    sources = [
        write_oci_layout([image(each, "app:1", "app:latest")], tmp_path / each)
        for each in ("amd64", "arm64")
    ]
    done, result = joined(tmp_path / "out", *sources)
    assert len({entry["digest"] for entry in result.index["manifests"]}) == 1
    assert result.names == {full_name("app:1"), full_name("app:latest")}
    assert len(done.images) == 2


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (["app:1"], {"app:1"}),
        (["+app:1"], {"app:1", "app:1-amd64", "app:1-arm64"}),
        (["app:1-amd64=app:1", "app:1-arm64=app:1"], {"app:1"}),
    ],
)
def test_one_name_for_all(rules: list[str], wanted: set[str], tmp_path: Path) -> None:
    """As CI names them: a tag for each platform, and one that is to lead to all."""
    sources = [
        write_docker_archive([image(each, f"app:1-{each}")], tmp_path / each)
        for each in ("amd64", "arm64")
    ]
    _, result = joined(tmp_path / "out", *sources, names=rules)
    assert result.names == set(map(full_name, wanted))
    assert len(entries_of(result, "app:1")) == 2


def test_one_source_with_both(tmp_path: Path) -> None:
    both = [image(each, f"app:1-{each}") for each in ("amd64", "arm64")]
    _, result = joined(tmp_path / "out", write_oci_layout(both, tmp_path / "in"), names=["app:1"])
    assert len(entries_of(result, "app:1")) == 2


@pytest.mark.parametrize("tag", ["", "latest"])
def test_without_a_name_one_is_asked_for(tag: str, tmp_path: Path) -> None:
    """A tag alone is none: two layouts may well have `latest` for two images."""
    sources = []
    for each in ("amd64", "arm64"):
        part = of_image(image(each))
        entry = part.entry(annotations={REF_NAME: tag} if tag else None)
        sources.append(write_layout(tmp_path / each, [entry], part))
    said = the_line(layout("merge", *sources, "--multi-platform", "-o", tmp_path / "out"), 4)
    assert "has a tag alone" in said if tag else "has no name" in said
    assert str(sources[0]) in said
    assert "--name" in said
    _, result = joined(tmp_path / "out", *sources, names=["app:1"])
    assert len(entries_of(result, "app:1")) == 2


def test_artifacts_need_no_name(tmp_path: Path) -> None:
    part = of_image(AMD)
    sbom = make_artifact(b"sbom", artifact_type="application/x", subject=part.entry())
    entries = [part.entry(annotations=name_annotations("app:1")), sbom.entry()]
    source = write_layout(tmp_path / "in", entries, part, sbom)
    _, result = joined(tmp_path / "out", source, write_oci_layout([ARM], tmp_path / "arm"))
    assert sbom.digest in result.manifests


def test_a_folder_of_skopeo(tmp_path: Path) -> None:
    sources = [write_dir(image(each), tmp_path / each) for each in ("amd64", "arm64")]
    _, result = joined(tmp_path / "out.tar", *sources, names=["app:1"])
    assert len(entries_of(result, "app:1")) == 2


def conflicting(tmp_path: Path) -> list[Path]:
    """Two images for amd64, one of them in an index with an attestation, and one for arm64."""
    other = image("amd64", text="other")
    index = write_index_layout(
        tmp_path / "index", [other, image("s390x")], "app:1", attestations=True
    )
    return [
        write_docker_archive([AMD], tmp_path / "one.tar"),
        index,
        write_oci_layout([ARM], tmp_path / "arm"),
    ]


def test_a_platform_twice_is_a_conflict(tmp_path: Path) -> None:
    one, two, three = conflicting(tmp_path)
    with pytest.raises(SelectionError) as caught:
        joined(tmp_path / "out", one, two, three)
    for word in ("app:1", "linux/amd64", str(one), str(two), "--on-conflict"):
        assert word in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", ["first", "last"])
def test_a_platform_twice_is_settled_as_asked(mode: str, tmp_path: Path) -> None:
    """What is attached to the image that goes, goes with it."""
    sources = conflicting(tmp_path)
    done, result = joined(tmp_path / "out", *sources, on_conflict=mode)
    entries = entries_of(result, "app:1")
    architectures = [each["architecture"] for each in platforms(entries)]
    wanted = AMD if mode == "first" else image("amd64", text="other")
    config = result.manifests[entries[0]["digest"]]["config"]["digest"]
    assert config == wanted.config_digest
    attested = ["unknown"] * (1 if mode == "first" else 2)
    assert architectures == ["amd64", "s390x", "arm64", *attested]
    (said,) = [each for each in done.warnings if each.code == "name-taken"]
    assert "for linux/amd64" in said.message
    gone = [each.message for each in done.warnings if each.code == "attachment-dropped"]
    assert gone == (["left out: 1 attachment of images that others replace"] * (mode == "first"))
    assert str(sources[0]) in said.message


def test_of_one_platform_alone_it_is_as_ever(tmp_path: Path) -> None:
    one, two = AMD, image("amd64", "app:1", text="other")
    sources = [write_oci_layout([each], tmp_path / each.config_digest[-6:]) for each in (one, two)]
    with pytest.raises(SelectionError, match="two different images for linux/amd64"):
        joined(tmp_path / "out", *sources)
    done, result = joined(tmp_path / "out", *sources, on_conflict="last")
    assert set(result.manifests) == {two.manifest_digest()}
    assert [each.code for each in done.warnings] == ["name-taken"]


def test_spellings_of_a_platform_are_one(tmp_path: Path) -> None:
    """containerd takes arm64 and arm64/v8 for one platform, arm and arm/v7 too."""
    pairs = [("arm64", "v8"), ("arm", "v7")]
    for architecture, variant in pairs:
        sources = [
            write_oci_layout([image(architecture, "app:1")], tmp_path / architecture),
            write_oci_layout(
                [image(architecture, "app:1", variant=variant)], tmp_path / f"{architecture}-v"
            ),
        ]
        with pytest.raises(SelectionError, match="two different images"):
            joined(tmp_path / "out", *sources)


def test_variants_are_platforms(tmp_path: Path) -> None:
    sources = [
        write_oci_layout([image("arm", "app:1", variant=each)], tmp_path / each)
        for each in ("v6", "v7")
    ]
    _, result = joined(tmp_path / "out", *sources)
    assert [each["variant"] for each in platforms(entries_of(result, "app:1"))] == ["v6", "v7"]


def test_the_same_image_twice_is_one(tmp_path: Path) -> None:
    """With a manifest and without one; an index that has them all stays as it is."""
    saved = write_docker_archive([AMD], tmp_path / "amd.tar")
    index = write_index_layout(tmp_path / "index", [AMD, ARM], "app:1", attestations=True)
    (top,) = json.loads((index / "index.json").read_bytes())["manifests"]
    for number, sources in enumerate(([saved, index], [index, saved], [index, index])):
        done, result = joined(tmp_path / str(number), *sources)
        assert [entry["digest"] for entry in result.index["manifests"]] == [top["digest"]]
        assert done.changes == ()


def test_one_index_within_another(tmp_path: Path) -> None:
    small = write_index_layout(tmp_path / "small", [AMD], "app:1")
    large = write_index_layout(tmp_path / "large", [ARM, AMD], "app:1")
    (top,) = json.loads((large / "index.json").read_bytes())["manifests"]
    _, result = joined(tmp_path / "out", small, large)
    assert [entry["digest"] for entry in result.index["manifests"]] == [top["digest"]]


def test_one_image_saved_by_two_engines(tmp_path: Path) -> None:
    """Their manifests differ in media types, of which only the target's go out."""
    sources = [
        write_oci_layout([AMD], tmp_path / "docker", family="docker"),
        write_oci_layout([AMD], tmp_path / "oci"),
        write_oci_layout([ARM], tmp_path / "arm"),
    ]
    _, result = joined(tmp_path / "out", *sources)
    assert len(entries_of(result, "app:1")) == 2
    with pytest.raises(SelectionError, match="two different images"):
        joined(tmp_path / "kept", *sources, preserve_digests=True)


def test_one_platform_packed_in_two_ways(tmp_path: Path) -> None:
    """As buildah's --add-compression lists it: both stay, side by side."""
    packed = [make_image([{"a": b"1"}], names=(), compression=how) for how in ("gzip", "zstd")]
    index = write_index_layout(tmp_path / "index", packed, "app:1")
    sources = [index, write_oci_layout([ARM], tmp_path / "arm")]
    _, result = joined(tmp_path / "out", *sources)
    there = [each["architecture"] for each in platforms(entries_of(result, "app:1"))]
    assert there == ["amd64", "amd64", "arm64"]


@pytest.mark.parametrize("name", ["", "nobody/knows"])
def test_an_image_without_a_platform(name: str, tmp_path: Path) -> None:
    odd = replace(AMD, config={**AMD.config, "architecture": name})
    sources = [
        write_oci_layout([ARM], tmp_path / "arm"),
        write_oci_layout([odd], tmp_path / "odd"),
    ]
    if name:  # whatever it is, it is one
        joined(tmp_path / "out", *sources)
        return
    with pytest.raises(SelectionError, match="states no platform") as caught:
        joined(tmp_path / "out", *sources, repair=True)
    assert "--platform-of" in caught.value.hint


def test_without_being_asked_nothing_is_joined(tmp_path: Path) -> None:
    sources = [write_oci_layout([each], tmp_path / each.config_digest[-6:]) for each in (AMD, ARM)]
    with pytest.raises(SelectionError, match="two different images") as caught:
        merge(sources, tmp_path / "out")
    assert "--multi-platform" in caught.value.hint


@pytest.mark.parametrize("multi_platform", [False, True])
def test_what_is_no_image_is_never_joined(multi_platform: bool, tmp_path: Path) -> None:
    chart = make_artifact(b"chart", config_type="application/vnd.cncf.helm.config.v1+json")
    entry = chart.entry(annotations=name_annotations("app:1"))
    sources = [
        write_layout(tmp_path / "chart", [entry], chart),
        write_oci_layout([AMD], tmp_path / "amd"),
    ]
    with pytest.raises(SelectionError, match="two different images") as caught:
        merge(sources, tmp_path / "out", multi_platform=multi_platform)
    assert "--multi-platform" not in caught.value.hint


def test_indexes_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One index of many names, and as many images: each name would be an index of all platforms."""
    names = [f"app:{number}" for number in range(20)]
    others = [image("arm64", name, text=name) for name in names]
    parts = [of_image(image("amd64", text=str(number))) for number in range(20)]
    entries = [
        part.entry(platform={"os": "linux", "architecture": "arm", "variant": f"v{number}"})
        for number, part in enumerate(parts)
    ]
    index = make_index(entries, *parts)
    listed = [index.entry(annotations=name_annotations(name)) for name in names]
    sources = [
        write_layout(tmp_path / "many", listed, index),
        write_oci_layout(others, tmp_path / "others"),
    ]
    done, result = joined(tmp_path / "out", *sources)
    assert len(done.images) == 20 * 21
    assert len(result.index["manifests"]) == 20
    monkeypatch.setattr(limits, "NODES", 400)
    with pytest.raises(SelectionError, match="more than 400 things together"):
        joined(tmp_path / "refused", *sources)


def test_two_sparse_exports_of_one_index_make_it_whole(tmp_path: Path) -> None:
    """As `ctr images export --platform` writes them: each has the index, and one platform."""
    halves = [
        write_index_layout(
            tmp_path / str(number), [AMD, ARM], "app:1", drop=set(gone.blobs()) - set(kept.blobs())
        )
        for number, (gone, kept) in enumerate(((ARM, AMD), (AMD, ARM)))
    ]
    (top,) = json.loads((halves[0] / "index.json").read_bytes())["manifests"]
    asked: list[dict[str, Any]] = [{}, {"sparse": "keep"}, {"preserve_digests": True}]
    for number, how in enumerate(asked):
        done, result = joined(tmp_path / f"out{number}", *halves, **how)
        assert [entry["digest"] for entry in result.index["manifests"]] == [top["digest"]]
        assert len(done.images) == 2


def test_a_thin_one(tmp_path: Path) -> None:
    sources = [
        write_docker_archive([each], tmp_path / each.config_digest[-6:]) for each in (AMD, ARM)
    ]
    done = merge(sources, tmp_path / "thin.tar", multi_platform=True, have=sources[0])
    # What both have is there as the first layer of an image.
    actions = [[layer.action for layer in image.layers] for image in done.images]
    assert actions == [["left out", "left out"], ["left out", "kept"]]
