"""Flat layouts: several platforms in index.json, and no index around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack
from oci_layout.errors import SelectionError
from tests import corrupt, independent
from tests.builders import (
    IMAGE_NAME,
    REF_NAME,
    Image,
    make_attestation,
    make_image,
    name_annotations,
    write_hybrid_archive,
)
from tests.builders.artifacts import Built, make_artifact, of_image, write_layout
from tests.independent import Checked
from tests.repacked import packed
from tests.shared import FIXTURES, needs_shared
from tests.source.opened import refused, warnings_of

AMD = make_image([{"a": b"amd"}], names=())
ARM = make_image([{"a": b"arm"}], names=(), architecture="arm64")
BOTH = (AMD, ARM)
PARTS = tuple(map(of_image, BOTH))
ONE, LATEST = name_annotations("demo:1"), name_annotations("demo:latest")


def entry(
    image: Image, notes: dict[str, str] | None = None, *, stated: bool = True
) -> dict[str, Any]:
    more = {"platform": image.platform} if stated else {}
    return of_image(image).entry(annotations=notes, **more)


def names_of(result: Checked) -> dict[str, list[str]]:
    """The image digests below each entry, by full name."""
    found = {}
    for each in result.index["manifests"]:
        name = each.get("annotations", {}).get(IMAGE_NAME, "")
        raw = json.loads(result.files[corrupt.blob(each["digest"])])
        below = raw.get("manifests") or [each]
        found[name] = [child["digest"] for child in below]
    return found


def inner(result: Checked) -> list[dict[str, Any]]:
    (top,) = result.index["manifests"]
    document = json.loads(result.files[corrupt.blob(top["digest"])])
    return list(document["manifests"])


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("notes", [ONE, {REF_NAME: "1"}], ids=["full name", "bare tag"])
def test_one_name_becomes_one_index(notes: dict[str, str], stated: bool, tmp_path: Path) -> None:
    """The platforms come from the entries or else from the configs."""
    entries = [entry(image, notes, stated=stated) for image in BOTH]
    source = write_layout(tmp_path / "in", entries, *PARTS)
    _, result = packed(source, tmp_path / "out.tar")
    children = inner(result)
    assert [each["platform"] for each in children] == [AMD.platform, ARM.platform]
    assert not any("annotations" in each for each in children)
    assert result.index["manifests"][0]["annotations"][REF_NAME] == "1"
    _, again = packed(tmp_path / "out.tar", tmp_path / "again")
    assert again.index == result.index


def test_platform_and_docker_choose_from_it(tmp_path: Path) -> None:
    source = write_layout(tmp_path / "in", [entry(image, ONE) for image in BOTH], *PARTS)
    with pytest.raises(SelectionError, match="--platform"):
        packed(source, tmp_path / "out.tar", "docker")
    _, result = packed(source, tmp_path / "out.tar", "docker", platforms=("linux/arm64",))
    assert list(result.configs) == [ARM.config_digest]
    assert result.names == {"docker.io/library/demo:1"}


def test_two_names_of_the_same_platforms(tmp_path: Path) -> None:
    entries = [entry(image, notes) for notes in (ONE, LATEST) for image in BOTH]
    source = write_layout(tmp_path / "in", entries, *PARTS)
    _, result = packed(source, tmp_path / "out")
    digests = [part.digest for part in PARTS]
    assert names_of(result) == {
        "docker.io/library/demo:1": digests,
        "docker.io/library/demo:latest": digests,
    }
    assert len({each["digest"] for each in result.index["manifests"]}) == 1


def test_a_second_name_of_one_platform_alone(tmp_path: Path) -> None:
    entries = [*(entry(image, ONE) for image in BOTH), entry(AMD, LATEST)]
    source = write_layout(tmp_path / "in", entries, *PARTS)
    _, result = packed(source, tmp_path / "out")
    assert names_of(result) == {
        "docker.io/library/demo:1": [part.digest for part in PARTS],
        "docker.io/library/demo:latest": [PARTS[0].digest],
    }


def attestation() -> tuple[dict[str, Any], Built]:
    note, blobs = make_attestation(AMD)
    return note, Built(blobs.pop(note["digest"]), note["mediaType"], blobs)


@pytest.mark.parametrize("notes", [ONE, None], ids=["one name", "no name"])
@pytest.mark.parametrize("first", [False, True])
def test_attestations_go_into_the_index(
    first: bool, notes: dict[str, str] | None, tmp_path: Path
) -> None:
    note, part = attestation()
    note["annotations"] |= notes or {}
    entries = [entry(image, notes) for image in BOTH]
    entries = [note, *entries] if first else [*entries, note]
    source = write_layout(tmp_path / "in", entries, *PARTS, part)
    _, result = packed(source, tmp_path / "out")
    assert {each["digest"] for each in inner(result)} == {part.digest, *(p.digest for p in PARTS)}


def test_without_names_the_entries_must_state_their_platforms(tmp_path: Path) -> None:
    source = write_layout(tmp_path / "in", [entry(image) for image in BOTH], *PARTS)
    _, result = packed(source, tmp_path / "out")
    assert [each["platform"] for each in inner(result)] == [AMD.platform, ARM.platform]
    loose = [entry(image, stated=False) for image in BOTH]
    source = write_layout(tmp_path / "loose", loose, *PARTS)
    _, result = packed(source, tmp_path / "apart")
    assert [each["digest"] for each in result.index["manifests"]] == [p.digest for p in PARTS]


OTHER = make_image([{"c": b"3"}], names=())
CHART = make_artifact(b"chart", config_type="application/vnd.cncf.helm.config.v1+json")


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (entry(OTHER), of_image(OTHER)),
        (entry(OTHER, ONE), of_image(OTHER)),
        (CHART.entry(), CHART),
    ],
    ids=["the same platform", "a named one", "an artifact"],
)
def test_what_need_not_belong_together_stays_apart(
    more: dict[str, Any], part: Built, tmp_path: Path
) -> None:
    """Images without names, of which nothing says that they are one."""
    entries = [*(entry(image) for image in BOTH), more]
    source = write_layout(tmp_path / "in", entries, *PARTS, part)
    _, result = packed(source, tmp_path / "out")
    digests = [each["digest"] for each in result.index["manifests"]]
    wanted = [each["digest"] for each in entries]
    if part is CHART:  # the platforms are one image, the chart stands beside it
        assert set(result.manifests) == set(wanted)
    else:
        assert digests == wanted


def test_untagged_images_of_docker_stay_apart(tmp_path: Path) -> None:
    """`docker save ID ID` of two platforms: two images, not one."""
    source = write_hybrid_archive(BOTH, tmp_path / "in.tar", untagged=True)
    _, result = packed(source, tmp_path / "out.tar", "docker")
    assert len(result.docker or []) == 2


@pytest.mark.parametrize("notes", [ONE, None], ids=["one name", "no name"])
def test_an_absent_platform_is_pruned(notes: dict[str, str] | None, tmp_path: Path) -> None:
    entries = [entry(image, notes) for image in BOTH]
    source = write_layout(tmp_path / "in", entries, *PARTS, drop=[PARTS[1].digest])
    report, result = packed(source, tmp_path / "out")
    assert set(result.configs) == {AMD.config_digest}
    assert "linux/arm64" in "".join(map(str, report.warnings))


def test_one_platform_twice_under_one_name_is_no_flat_image(tmp_path: Path) -> None:
    parts = (*PARTS, of_image(OTHER))
    full = write_layout(tmp_path / "full", [entry(x, ONE) for x in (*BOTH, OTHER)], *parts)
    assert refused(full).code == "name-conflict"
    bare = [entry(x, {REF_NAME: "1"}) for x in (*BOTH, OTHER)]
    assert "repeated-tag" in warnings_of(write_layout(tmp_path / "bare", bare, *parts))


FLAT = ("golden", "top_image", "base_image")


@needs_shared
@pytest.mark.parametrize("name", FLAT)
def test_flat_samples_of_apko(name: str, tmp_path: Path) -> None:
    source = FIXTURES / "chainguard-dev+apko/internal/cli/testdata" / name
    listed = json.loads((source / "index.json").read_bytes())["manifests"]
    assert len(listed) == 2
    repack(str(source), str(tmp_path / "out.tar"), to="oci")
    result = independent.check(tmp_path / "out.tar")
    assert [each["digest"] for each in inner(result)] == [each["digest"] for each in listed]
    _, one = packed(source, tmp_path / "one.tar", "docker", platforms=("linux/arm64",))
    ((config,),) = [list(one.configs.values())]
    assert json.loads(config)["architecture"] == "arm64"
