"""--platform takes what containerd would, from indexes of any depth, with what belongs to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack
from oci_layout.errors import DamagedError, SelectionError
from tests import corrupt
from tests.builders import Image, make_attestation, make_image, name_annotations
from tests.builders.artifacts import Built, make_artifact, make_index, of_image, write_layout
from tests.builders.platforms import PLATFORMS, packings
from tests.independent import check
from tests.repacked import packed


def image(architecture: str, variant: str | None = None, **config: Any) -> Image:
    text = f"{architecture}{variant}{config}".encode()
    return make_image(
        [{"a": text}], names=(), architecture=architecture, variant=variant, config=config or None
    )


def listed(*images: Image) -> list[dict[str, Any]]:
    return [of_image(each).entry(platform=each.platform) for each in images]


def attestation(of: Image) -> tuple[dict[str, Any], Built]:
    entry, blobs = make_attestation(of)
    document = blobs.pop(entry["digest"])
    return entry, Built(document, entry["mediaType"], blobs)


AMD, ARM64, ARM6, ARM5 = (
    image("amd64"),
    image("arm64", "v8"),
    image("arm", "v6"),
    image("arm", "v5"),
)
TOP = name_annotations("demo:1")


def nested_twice(dest: Path, drop: tuple[str, ...] = ()) -> Path:
    """An index of an index of an index, images on each floor."""
    note, note_blobs = attestation(ARM6)
    floor = make_index([*listed(ARM6, ARM5), note], of_image(ARM6), of_image(ARM5), note_blobs)
    middle = make_index([floor.entry(), *listed(ARM64)], floor, of_image(ARM64))
    outer = make_index([*listed(AMD), middle.entry()], middle, of_image(AMD))
    return write_layout(dest, [outer.entry(annotations=TOP)], outer, drop=drop)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("linux/amd64", AMD),
        ("linux/amd64/v3", AMD),
        ("linux/arm64", ARM64),
        ("linux/arm64/v8.4", ARM64),
        ("linux/arm/v7", ARM6),
        ("linux/arm/v5", ARM5),
    ],
)
def test_from_any_depth(wanted: str, expected: Image, tmp_path: Path) -> None:
    _, result = packed(nested_twice(tmp_path / "in"), tmp_path / "out", platforms=(wanted,))
    assert list(result.configs) == [expected.config_digest]
    assert result.names == {"docker.io/library/demo:1"}
    # v6 came with an attestation: that, and nothing else, keeps an index around it.
    assert len(result.manifests) == (2 if expected is ARM6 else 1)


def test_all_of_a_nested_index(tmp_path: Path) -> None:
    report, result = packed(nested_twice(tmp_path / "in"), tmp_path / "out")
    assert len(result.configs) == 4
    assert report.changes == ()


def test_no_other_architecture_is_taken(tmp_path: Path) -> None:
    small = image("386")
    index = make_index(listed(small, ARM6), of_image(small), of_image(ARM6))
    source = write_layout(tmp_path / "in", [index.entry()], index)
    for wanted in ("linux/amd64", "linux/arm64"):
        with pytest.raises(SelectionError, match="386") as caught:
            packed(source, tmp_path / "out", platforms=(wanted,))
        assert caught.value.exit_status == 4


WINDOWS = ("10.0.17763.5830", "10.0.20348.2402", "10.0.26100.1")


def windows(version: str) -> Image:
    return make_image([{"w": version.encode()}], names=(), os="windows", config={"Cmd": [version]})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("windows/amd64", WINDOWS),
        ("windows(10.0.17763)/amd64", WINDOWS[:1]),
        ("windows(10.0.20348)/amd64", WINDOWS[1:2]),
        ("windows(10.0.25398)/amd64", WINDOWS[1:2]),
        ("windows(10.0.26100.9)/amd64", WINDOWS[2:]),
    ],
)
def test_the_version_of_windows(wanted: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    images = {version: windows(version) for version in WINDOWS}
    entries = [
        of_image(each).entry(platform={**each.platform, "os.version": version})
        for version, each in images.items()
    ]
    index = make_index(entries, *map(of_image, images.values()))
    source = write_layout(tmp_path / "in", [index.entry()], index)
    _, result = packed(source, tmp_path / "out", platforms=(wanted,))
    assert set(result.configs) == {images[version].config_digest for version in expected}


def test_a_platform_whose_manifest_is_absent_is_damage(tmp_path: Path) -> None:
    source = nested_twice(tmp_path / "in", drop=(ARM64.manifest_digest(),))
    with pytest.raises(DamagedError, match=ARM64.manifest_digest()) as caught:
        packed(source, tmp_path / "out", platforms=("linux/arm64",))
    assert caught.value.exit_status == 3


def signature(of: Built) -> Built:
    return make_artifact(
        f"signs {of.digest}".encode(), artifact_type="application/x-signature", subject=of.entry()
    )


def test_a_signature_goes_with_the_platform_it_signs(tmp_path: Path) -> None:
    """Not with another, and that of the whole index cannot go with a part of it: that is told."""
    parts = of_image(AMD), of_image(ARM64)
    index = make_index(listed(AMD, ARM64), *parts)
    signed = [signature(each) for each in (*parts, index)]
    entries = [index.entry(annotations=TOP), *(each.entry() for each in signed)]
    source = write_layout(tmp_path / "in", entries, index, *signed)
    report, result = packed(source, tmp_path / "out", platforms=("linux/amd64",))
    assert set(result.manifests) == {AMD.manifest_digest(), signed[0].digest}
    (said,) = [each for each in report.warnings if each.code == "attachment-dropped"]
    assert signed[2].digest in said.where.image
    _, every = packed(source, tmp_path / "all")
    assert {each.digest for each in signed} <= set(every.manifests)


def test_a_child_chosen_by_digest_keeps_its_attestation(tmp_path: Path) -> None:
    note, blobs = attestation(ARM64)
    index = make_index([*listed(AMD, ARM64), note], of_image(AMD), of_image(ARM64), blobs)
    source = write_layout(tmp_path / "in", [index.entry(annotations=TOP)], index)
    _, result = packed(source, tmp_path / "out", images=(ARM64.manifest_digest(),))
    assert set(result.manifests) == {ARM64.manifest_digest(), note["digest"]}


def test_an_attestation_two_floors_above_comes_along(tmp_path: Path) -> None:
    note, blobs = attestation(ARM64)
    signed = make_artifact(b"signs it", subject=note)
    floor = make_index(listed(AMD, ARM64), of_image(AMD), of_image(ARM64))
    top = make_index([signed.entry(), note, floor.entry()], floor, blobs, signed)
    source = write_layout(tmp_path / "in", [top.entry(annotations=TOP)], top)
    _, result = packed(source, tmp_path / "out", platforms=("linux/arm64",))
    assert set(result.manifests) == {ARM64.manifest_digest(), note["digest"], signed.digest}


def test_an_attestation_that_is_absent_is_told(tmp_path: Path) -> None:
    """It belongs to the platform that was asked for; dropping attestations, nobody misses it."""
    note, blobs = attestation(AMD)
    index = make_index([*listed(AMD, ARM64), note], of_image(AMD), of_image(ARM64), blobs)
    entries = [index.entry(annotations=TOP)]
    source = write_layout(tmp_path / "in", entries, index, drop=[note["digest"]])
    report, _ = packed(source, tmp_path / "out", platforms=("linux/amd64",))
    (said,) = [each for each in report.warnings if each.code == "sparse-index"]
    assert note["digest"] in said.message
    assert AMD.manifest_digest()[:19] in said.message
    report, _ = packed(source, tmp_path / "arm", platforms=("linux/arm64",), sparse="fail")
    assert report.warnings == ()
    how: dict[str, Any] = {"attestations": "drop", "sparse": "fail"}
    report, _ = packed(source, tmp_path / "bare", **how)
    assert [each.code for each in report.warnings] == ["attachment-dropped"]


@pytest.mark.parametrize("to", ["docker", "oci"])
@pytest.mark.parametrize("platforms", [(), ("linux/amd64",)])
def test_of_two_packings_the_first_counts(
    to: str, platforms: tuple[str, ...], tmp_path: Path
) -> None:
    twice = make_image([{"a": b"1" * 900}], names=("demo:1",))
    first, second = packings(twice)
    path = PLATFORMS["two packings"](twice, tmp_path / "in.tar")
    dest = tmp_path / "out.tar"
    repack(str(path), str(dest), to=to, platforms=platforms, compression="keep")
    result = check(dest)
    assert result.docker is not None
    (entry,) = result.docker
    layer = json.loads(first.document)["layers"][0]["digest"]
    assert entry["Layers"] == [f"blobs/{layer.replace(':', '/')}"]
    assert len(result.manifests) == 2
    if to == "oci":
        for built in (first, second):
            one = tmp_path / built.digest[7:]
            repack(str(path), str(one), to="oci", images=(built.digest,))
            assert [*check(one).manifests] == [built.digest]


def test_an_artifact_beside_them_stays(tmp_path: Path) -> None:
    """A Helm chart has no platform that could be the wrong one."""
    chart = make_artifact(b"chart", config_type="application/vnd.cncf.helm.config.v1+json")
    index = make_index(listed(AMD, ARM64), of_image(AMD), of_image(ARM64))
    source = write_layout(tmp_path / "in", [index.entry(), chart.entry()], index, chart)
    _, result = packed(source, tmp_path / "out", platforms=("linux/amd64",))
    assert set(result.manifests) == {AMD.manifest_digest(), chart.digest}


def inner(result: Any) -> list[dict[str, Any]]:
    (entry,) = result.index["manifests"]
    document: dict[str, Any] = json.loads(result.files[corrupt.blob(entry["digest"])])
    return list(document["manifests"])


def test_a_missing_platform_is_filled_from_the_config(tmp_path: Path) -> None:
    entries = [of_image(AMD).entry(), of_image(ARM6).entry(platform={"os": "", "architecture": ""})]
    index = make_index(entries, of_image(AMD), of_image(ARM6))
    source = write_layout(tmp_path / "in", [index.entry(annotations=TOP)], index)
    report, result = packed(source, tmp_path / "out")
    assert [each["platform"] for each in inner(result)] == [AMD.platform, ARM6.platform]
    assert any("platform of 2" in change for change in map(str, report.changes))
    again, same = packed(tmp_path / "out", tmp_path / "again")
    assert again.changes == ()
    assert same.index == result.index
    report, kept = packed(source, tmp_path / "kept", preserve_digests=True)
    assert kept.index["manifests"][0]["digest"] == index.digest
    assert report.changes == ()


def test_an_index_that_is_signed_is_not_touched_for_a_missing_platform(tmp_path: Path) -> None:
    index = make_index(
        [of_image(AMD).entry(), of_image(ARM6).entry()], of_image(AMD), of_image(ARM6)
    )
    signed = signature(index)
    entries = [index.entry(annotations=TOP), signed.entry()]
    source = write_layout(tmp_path / "in", entries, index, signed)
    _, result = packed(source, tmp_path / "out")
    assert [entry["digest"] for entry in result.index["manifests"]] == [index.digest, signed.digest]
