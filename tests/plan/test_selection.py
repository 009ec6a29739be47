"""--image and --platform: what goes, what is ambiguous, what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from oci_layout import repack
from oci_layout.errors import DamagedError, SelectionError, TargetError, UsageError
from tests import corrupt
from tests.builders import (
    Image,
    go_json,
    make_attestation,
    make_image,
    sha256,
    write_docker_archive,
    write_index_layout,
    write_oci_layout,
)
from tests.repacked import packed, repo_tags

ONE = make_image([{"a": b"1"}], names=("demo:1", "demo:latest"))
TWO = make_image([{"b": b"2"}], names=("team/app:2",))


def platform(text: str) -> Image:
    os, architecture, variant = (*text.split("/"), None)[:3]
    return make_image(
        [{"arch": text.encode()}],
        names=(),
        os=str(os),
        architecture=str(architecture),
        variant=variant,
    )


AMD, ARM64, ARM6, ARM7 = map(
    platform, ("linux/amd64", "linux/arm64/v8", "linux/arm/v6", "linux/arm/v7")
)


@pytest.mark.parametrize(
    ("wanted", "tags"),
    [
        (("demo:1",), ["demo:1"]),
        (("docker.io/library/demo:1",), ["demo:1"]),
        (("demo:1", "demo:latest"), ["demo:1", "demo:latest"]),
        (("demo",), ["demo:latest"]),
        (("team/app:2",), ["team/app:2"]),
        (("demo:1", "team/app:2"), ["demo:1", "team/app:2"]),
        ((ONE.config_digest,), ["demo:1", "demo:latest"]),
        ((TWO.config_digest,), ["team/app:2"]),
    ],
)
def test_images_by_name_and_digest(
    wanted: tuple[str, ...], tags: list[str], tmp_path: Path
) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar", images=wanted)
    assert repo_tags(result) == tags


def test_an_image_by_its_manifest_s_digest(tmp_path: Path) -> None:
    source = write_oci_layout([ONE, TWO], tmp_path / "in")
    _, result = packed(source, tmp_path / "out", images=(TWO.manifest_digest(),))
    assert list(result.manifests) == [TWO.manifest_digest()]


def test_a_child_by_its_digest(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64])
    _, result = packed(source, tmp_path / "out", images=(ARM64.manifest_digest(),))
    assert list(result.configs) == [ARM64.config_digest]


@pytest.mark.parametrize("wanted", ["nothere:1", "demo:3", "sha256:" + "0" * 64, "!"])
def test_no_such_image(wanted: str, tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    with pytest.raises(SelectionError) as caught:
        packed(source, tmp_path / "out.tar", images=(wanted,))
    assert caught.value.exit_status == 4
    assert "demo:1" in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("linux/amd64",), [AMD]),
        (("linux/x86_64",), [AMD]),
        (("linux/amd64/v3",), [AMD]),
        (("linux/arm64",), [ARM64]),
        (("linux/arm64/v8",), [ARM64]),
        (("linux/arm",), [ARM7]),
        (("linux/arm/v8",), [ARM7]),
        (("linux/arm/v6",), [ARM6]),
        (("linux/amd64", "linux/arm/v6"), [AMD, ARM6]),
        (("all",), [AMD, ARM64, ARM6, ARM7]),
    ],
)
def test_platforms(wanted: tuple[str, ...], expected: list[Image], tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64, ARM6, ARM7], attestations=True)
    _, result = packed(source, tmp_path / "out", platforms=wanted)
    assert set(result.configs) == {image.config_digest for image in expected}
    assert result.names == {"docker.io/library/demo:1"}


def test_what_is_attached_goes_with_its_platform(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64], attestations=True)
    _, result = packed(source, tmp_path / "out", platforms=("linux/arm64",))
    entry, _ = make_attestation(ARM64)
    assert set(result.manifests) == {ARM64.manifest_digest(), entry["digest"]}


def test_no_such_platform(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64])
    with pytest.raises(SelectionError, match=r"s390x.*linux/amd64"):
        packed(source, tmp_path / "out", platforms=("linux/s390x",))
    with pytest.raises(UsageError, match="platform: "):
        packed(source, tmp_path / "out", platforms=("amd64",))


def test_docker_takes_one_platform_and_asks_which(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64])
    with pytest.raises(SelectionError, match="--platform") as caught:
        packed(source, tmp_path / "out.tar", "docker")
    assert caught.value.exit_status == 4
    assert "linux/amd64" in str(caught.value)
    _, result = packed(source, tmp_path / "out.tar", "docker", platforms=("linux/arm64",))
    assert repo_tags(result) == ["demo:1"]
    assert list(result.configs) == [ARM64.config_digest]


def test_oci_takes_every_platform_and_manifest_json_none_of_them(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64])
    report, result = packed(source, tmp_path / "out.tar")
    assert set(result.configs) == {AMD.config_digest, ARM64.config_digest}
    assert result.docker is None
    assert "no-docker-platform" in [warning.code for warning in report.warnings]


def test_what_manifest_json_names_already_is_the_platform(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [AMD, ARM64])
    paths = [corrupt.blob(layer.digest) for layer in ARM64.layers]
    saved = [{"Config": corrupt.blob(ARM64.config_digest), "RepoTags": ["demo:1"], "Layers": paths}]
    (source / "manifest.json").write_bytes(go_json(saved))
    for target in ("oci", "docker"):
        _, result = packed(source, tmp_path / f"{target}.tar", target)
        (entry,) = result.docker or []
        assert entry["Config"].endswith(ARM64.config_digest[7:])
        assert set(result.configs) == {AMD.config_digest, ARM64.config_digest}


def drop(tmp_path: Path, *digests: str) -> Path:
    return write_index_layout(tmp_path / "in", [AMD, ARM64], attestations=True, drop=digests)


@pytest.mark.parametrize(
    "gone", [ARM64.manifest_digest(), ARM64.config_digest, ARM64.layers[0].digest]
)
def test_an_incomplete_child_is_left_out_with_what_is_attached(gone: str, tmp_path: Path) -> None:
    report, result = packed(drop(tmp_path, gone), tmp_path / "out")
    assert set(result.configs) == {AMD.config_digest}
    assert len(result.manifests) == 2
    said = [warning.message for warning in report.warnings if warning.code == "sparse-index"]
    assert any(gone in message for message in said)
    assert str(report.images[0].platform) == "linux/amd64"


def test_nothing_complete_is_damage(tmp_path: Path) -> None:
    gone = (AMD.config_digest, ARM64.layers[0].digest)
    with pytest.raises(DamagedError, match="missing") as caught:
        packed(drop(tmp_path, *gone), tmp_path / "out")
    assert caught.value.exit_status == 3
    assert all(digest in str(caught.value) for digest in gone)
    assert not (tmp_path / "out").exists()


def test_a_platform_that_is_asked_for_and_incomplete_is_damage(tmp_path: Path) -> None:
    gone = ARM64.layers[0].digest
    with pytest.raises(DamagedError, match=gone):
        packed(drop(tmp_path, gone), tmp_path / "out", platforms=("linux/arm64",))


def test_nothing_but_artifacts(tmp_path: Path) -> None:
    entry, blobs = make_attestation(AMD)
    layout = write_oci_layout([], tmp_path / "in")
    for digest, data in blobs.items():
        path = layout / corrupt.blob(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert sha256(blobs[entry["digest"]]) == entry["digest"]
    (layout / "index.json").write_bytes(go_json({"schemaVersion": 2, "manifests": [entry]}))
    with pytest.raises(TargetError, match="artifacts") as caught:
        packed(layout, tmp_path / "out.tar", "docker")
    assert caught.value.exit_status == 6
    _, result = packed(layout, tmp_path / "out", "oci")
    assert set(result.manifests) == {entry["digest"]}


def test_each_platform_that_is_asked_for_must_be_somewhere(tmp_path: Path) -> None:
    """One that is found does not hide one that is not."""
    layout = write_index_layout(tmp_path / "in", [AMD, ARM64])
    with pytest.raises(SelectionError, match="no image for linux/s390x") as caught:
        packed(layout, tmp_path / "out", platforms=("linux/amd64", "linux/s390x"))
    assert "linux/arm64" in str(caught.value)
    packed(layout, tmp_path / "out", platforms=("linux/amd64", "linux/arm64"))


def test_a_digest_in_every_form_that_is_printed(tmp_path: Path) -> None:
    images = [make_image([{"a": str(n).encode()}], names=(f"demo:{n}",)) for n in range(2)]
    source = write_oci_layout(images, tmp_path / "in")
    whole = images[0].manifest_digest()
    for text in (whole, whole[:19], whole[7:19], f"{whole[:19]}..."):
        report = repack(source, tmp_path / "out", to="oci", images=text, force=True)
        assert [image.names for image in report.images] == [("demo:0",)]
