"""Names: all of them survive, each where its reader looks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oci_layout.errors import LayoutError, SelectionError, UsageError
from tests.builders import (
    IMAGE_NAME,
    REF_NAME,
    go_json,
    make_image,
    write_docker_archive,
    write_oci_layout,
)
from tests.repacked import entry_notes, packed, repo_tags

ONE = make_image([{"a": b"1"}], names=("demo:1",))
TWO = make_image([{"b": b"2"}], names=("demo:2",))


def named(tmp_path: Path, *refs: dict[str, str]) -> Path:
    """A layout with an entry for each set of annotations, each of another image."""
    images = [make_image([{"f": bytes([n])}], names=()) for n in range(len(refs))]
    layout = write_oci_layout(images, tmp_path / "layout")
    entries = [{**i.descriptor(), "annotations": r} for i, r in zip(images, refs, strict=True)]
    (layout / "index.json").write_bytes(go_json({"schemaVersion": 2, "manifests": entries}))
    return layout


@pytest.mark.parametrize("target", ["oci", "docker"])
@pytest.mark.parametrize(
    ("name", "full", "tag"),
    [
        ("demo:1", "docker.io/library/demo:1", "1"),
        ("team/app:v", "docker.io/team/app:v", "v"),
        ("localhost:5000/x:y", "localhost:5000/x:y", "y"),
        ("reg.example/a/b/c:latest", "reg.example/a/b/c:latest", "latest"),
    ],
)
def test_both_annotations_and_the_familiar_repo_tag(
    name: str, full: str, tag: str, target: str, tmp_path: Path
) -> None:
    source = write_docker_archive([make_image(names=(name,))], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar", target)
    assert entry_notes(result) == [{IMAGE_NAME: full, REF_NAME: tag}]
    assert repo_tags(result) == [name]


def test_one_entry_a_tag(tmp_path: Path) -> None:
    image = make_image(names=("demo:1", "demo:latest", "other/x:2"))
    source = write_docker_archive([image], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar")
    assert len(result.index["manifests"]) == 3
    assert len({entry["digest"] for entry in result.index["manifests"]}) == 1
    assert len(result.docker or []) == 1
    assert repo_tags(result) == list(image.names)


def test_a_shared_tag_is_told_by_the_full_name(tmp_path: Path) -> None:
    """Where two entries would carry one ref.name, skopeo takes the first, silently."""
    images = [make_image([{n: b"x"}], names=(f"{n}:latest", f"{n}:{n}")) for n in ("one", "two")]
    source = write_docker_archive(images, tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar")
    assert {each[IMAGE_NAME]: each[REF_NAME] for each in entry_notes(result)} == {
        "docker.io/library/one:latest": "docker.io/library/one:latest",
        "docker.io/library/two:latest": "docker.io/library/two:latest",
        "docker.io/library/one:one": "one",
        "docker.io/library/two:two": "two",
    }


@pytest.mark.parametrize("ref", ["tiny", "latest", "1"])
def test_a_bare_ref_name_makes_no_repo_tag_and_asks_for_a_name(ref: str, tmp_path: Path) -> None:
    source = named(tmp_path, {REF_NAME: ref})
    report, result = packed(source, tmp_path / "out.tar", "docker")
    assert repo_tags(result) == []
    assert entry_notes(result) == [{REF_NAME: ref}]
    (warning,) = [each for each in report.warnings if each.code == "no-repo-tag"]
    assert "--name" in warning.hint
    assert ref in warning.message
    report, result = packed(source, tmp_path / "named.tar", "docker", names=("demo:9",))
    assert repo_tags(result) == ["demo:9"]
    assert "no-repo-tag" not in [each.code for each in report.warnings]


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        ("latest", "a tag alone"),
        ("Team/Hello:1", "repositories are lower case"),
        ("team/-:1", "not the name of an image"),
    ],
)
def test_why_a_name_is_none_for_docker(ref: str, why: str, tmp_path: Path) -> None:
    report, _ = packed(named(tmp_path, {REF_NAME: ref}), tmp_path / "out.tar", "docker")
    (warning,) = [each for each in report.warnings if each.code == "no-repo-tag"]
    assert f"{ref!r} ({why}" in warning.message


def test_other_annotations_of_an_entry_stay(tmp_path: Path) -> None:
    source = named(tmp_path, {REF_NAME: "demo:1", "kind": "dev.cosignproject.cosign/image"})
    _, result = packed(source, tmp_path / "out")
    assert entry_notes(result)[0]["kind"] == "dev.cosignproject.cosign/image"


@pytest.mark.parametrize("name", ["docker.io/library/a/b:1", "docker.io/0.0/x:1"])
def test_a_name_whose_short_form_would_be_another_keeps_its_long_one(
    name: str, tmp_path: Path
) -> None:
    """`a/b:1` is docker.io/a/b:1, and `0.0/x:1` a registry called 0.0."""
    source = named(tmp_path, {IMAGE_NAME: name})
    _, result = packed(source, tmp_path / "out.tar", "docker")
    assert repo_tags(result) == [name]


def test_naming_the_only_image(tmp_path: Path) -> None:
    source = write_docker_archive([make_image(names=("a:1", "b:2"))], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / "out.tar", names=("new/name:3",))
    assert repo_tags(result) == ["new/name:3"]
    assert result.names == {"docker.io/new/name:3"}
    assert report.images[0].names == ("new/name:3",)


def test_a_single_name_for_two_images_is_ambiguous(tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    with pytest.raises(SelectionError, match="OLD=NEW") as caught:
        packed(source, tmp_path / "out.tar", names=("x:1",))
    assert caught.value.exit_status == 4
    _, result = packed(source, tmp_path / "out.tar", names=("x:1",), images=("demo:2",))
    assert repo_tags(result) == ["x:1"]


@pytest.mark.parametrize("old", ["demo:1", "library/demo:1", "docker.io/library/demo:1"])
def test_renaming(old: str, tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar", names=(f"{old}=reg.example/x:1",))
    assert repo_tags(result) == ["reg.example/x:1", "demo:2"]


def test_renaming_a_bare_ref_name(tmp_path: Path) -> None:
    source = named(tmp_path, {REF_NAME: "tiny"}, {REF_NAME: "other"})
    _, result = packed(source, tmp_path / "out.tar", names=("tiny=demo:1", "other=demo:2"))
    assert repo_tags(result) == ["demo:1", "demo:2"]


@pytest.mark.parametrize("cut", [71, 19, 14])
def test_naming_by_digest(cut: int, tmp_path: Path) -> None:
    """An image without a name has nothing else to be called by."""
    bare = [replace(image, names=()) for image in (ONE, TWO)]
    source = write_oci_layout(bare, tmp_path / "in")
    first, second = (image.manifest_digest()[:cut] for image in bare)
    names = (f"{first}=a:1", f"{second.removeprefix('sha256:')}=b:2")
    _, result = packed(source, tmp_path / "out.tar", names=names)
    assert repo_tags(result) == ["a:1", "b:2"]
    with pytest.raises(SelectionError, match="to rename"):
        packed(source, tmp_path / "no.tar", names=(f"sha256:{'0' * 64}=a:1",))


def test_a_digest_stands_for_all_names_of_an_image(tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar", names=(f"{ONE.config_digest}=a:1",))
    assert repo_tags(result) == ["a:1", "demo:2"]


def test_swapping_two_names(tmp_path: Path) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    report, result = packed(source, tmp_path / "out.tar", names=("demo:1=demo:2", "demo:2=demo:1"))
    assert repo_tags(result) == ["demo:2", "demo:1"]
    assert [str(image.image_id_after) for image in report.images] == [
        ONE.config_digest,
        TWO.config_digest,
    ]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("Bad Name",), UsageError),
        (("demo:1=UPPER",), UsageError),
        (("a:1", "b:1"), UsageError),
        (("a:1", "demo:1=b:1"), UsageError),
        (("=b:1",), LayoutError),
        (("demo:1=",), UsageError),
        (("nothere:1=b:1",), SelectionError),
        (("demo:1=demo:2",), SelectionError),
        (("demo:1=x:1", "demo:2=x:1"), SelectionError),
    ],
)
def test_names_that_are_refused(
    names: tuple[str, ...], kind: type[LayoutError], tmp_path: Path
) -> None:
    source = write_docker_archive([ONE, TWO], tmp_path / "in.tar")
    with pytest.raises(kind) as caught:
        packed(source, tmp_path / "out.tar", names=names)
    assert caught.value.exit_status in (2, 4)
    assert not (tmp_path / "out.tar").exists()


def test_a_name_without_a_tag_is_latest(tmp_path: Path) -> None:
    source = write_docker_archive([ONE], tmp_path / "in.tar")
    _, result = packed(source, tmp_path / "out.tar", names=("fresh",))
    assert repo_tags(result) == ["fresh:latest"]
