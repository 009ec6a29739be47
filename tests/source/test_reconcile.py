"""The views of one source agree, or the disagreement is told."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    IMAGE_NAME,
    REF_NAME,
    Link,
    go_json,
    hex_of,
    make_image,
    sha256,
    write_docker_archive,
    write_files,
    write_hybrid_archive,
    write_index_layout,
    write_members,
    write_oci_layout,
)
from tests.independent import read_files
from tests.source.opened import assert_holds, held, opened, refused, warnings_of

ONE = make_image([{"a": b"one"}], names=("demo:1",))
TWO = make_image([{"b": b"two"}], names=("demo:2",))


def changed_hybrid(tmp_path: Path, change: Any, *images: Any, **how: Any) -> Path:
    """A hybrid archive whose documents are changed."""
    path = write_hybrid_archive(images or (ONE, TWO), tmp_path / "plain.tar", **how)
    files = read_files(path)
    documents = {name: json.loads(files[name]) for name in files if not name.startswith("blobs/")}
    change(documents)
    files |= {name: go_json(value) for name, value in documents.items()}
    kept = {name: data for name, data in files.items() if "/" in name or name in documents}
    return write_members(kept, tmp_path / "x.tar")


def entry(image: Any, **annotations: str) -> dict[str, Any]:
    return {**image.descriptor(), "annotations": annotations}


def layout(tmp_path: Path, *entries: dict[str, Any]) -> Path:
    path = write_oci_layout([ONE, TWO], tmp_path / "layout")
    index = {"schemaVersion": 2, "manifests": list(entries)}
    (path / "index.json").write_bytes(go_json(index))
    return path


def test_images_only_in_manifest_json_are_added(tmp_path: Path) -> None:
    """Docker 25 to 28 leave untagged images out of index.json."""
    nameless = make_image([{"n": b"x"}], names=())
    path = write_hybrid_archive([ONE, nameless], tmp_path / "x.tar", untagged=False)
    index = json.loads(read_files(path)["index.json"])
    assert len(index["manifests"]) == 1
    assert_holds(path, ONE, nameless)


def test_names_only_in_manifest_json_are_added(tmp_path: Path) -> None:
    def forget_names(documents: Any) -> None:
        for each in documents["index.json"]["manifests"]:
            del each["annotations"]

    assert_holds(changed_hybrid(tmp_path, forget_names), ONE, TWO)


def test_one_name_for_two_images_is_an_error(tmp_path: Path) -> None:
    def swap(documents: Any) -> None:
        one, two = documents["manifest.json"]
        one["RepoTags"], two["RepoTags"] = two["RepoTags"], one["RepoTags"]

    error = refused(changed_hybrid(tmp_path, swap))
    assert error.code == "name-conflict"
    assert "demo:" in str(error)


def test_one_name_at_two_entries_of_the_index_is_an_error(tmp_path: Path) -> None:
    name = {IMAGE_NAME: "docker.io/library/demo:1"}
    assert refused(layout(tmp_path, entry(ONE, **name), entry(TWO, **name))).code == "name-conflict"


@pytest.mark.parametrize("spelling", ["demo:1", "library/demo:1", "index.docker.io/library/demo:1"])
def test_two_spellings_of_one_name_conflict_too(spelling: str, tmp_path: Path) -> None:
    path = layout(
        tmp_path,
        entry(ONE, **{IMAGE_NAME: "docker.io/library/demo:1"}),
        entry(TWO, **{IMAGE_NAME: spelling}),
    )
    assert refused(path).code == "name-conflict"


def test_one_name_twice_in_manifest_json_is_an_error(tmp_path: Path) -> None:
    other = make_image([{"c": b"three"}], names=("demo:1",))
    assert refused(write_docker_archive([ONE, other], tmp_path / "x.tar")).code == "name-conflict"


def test_the_same_entry_twice_is_one_image(tmp_path: Path) -> None:
    name = {IMAGE_NAME: "docker.io/library/demo:1", REF_NAME: "1"}
    found = held(layout(tmp_path, entry(ONE, **name), entry(ONE, **name)))
    assert [(names, len(images)) for names, images in found.items()] == [(("demo:1",), 1)]


@pytest.mark.parametrize(
    ("annotations", "names"),
    [
        ({IMAGE_NAME: "docker.io/library/demo:1", REF_NAME: "1"}, ("demo:1",)),
        ({IMAGE_NAME: "docker.io/library/demo:1"}, ("demo:1",)),
        ({REF_NAME: "docker.io/library/demo:1"}, ("demo:1",)),
        ({REF_NAME: "reg.example/x:v"}, ("reg.example/x:v",)),
        ({REF_NAME: "1"}, ("1",)),
        ({REF_NAME: "latest"}, ("latest",)),
        ({}, ()),
        ({"other": "x"}, ()),
        ({REF_NAME: ""}, ()),
    ],
)
def test_names_of_an_entry(
    annotations: dict[str, str], names: tuple[str, ...], tmp_path: Path
) -> None:
    assert list(held(layout(tmp_path, entry(ONE, **annotations)))) == [names]


def test_a_name_that_is_none_is_a_warning(tmp_path: Path) -> None:
    path = layout(tmp_path, entry(ONE, **{IMAGE_NAME: "Not A Name", REF_NAME: "1"}))
    assert warnings_of(path) == ["bad-name"]
    assert list(held(path)) == [("Not A Name",)]  # as containerd has it


def test_repositories_must_agree(tmp_path: Path) -> None:
    def rename(documents: Any) -> None:
        documents["repositories"] = {"demo": {"1": "x", "3": "y"}}

    path = changed_hybrid(tmp_path, rename)
    assert warnings_of(path) == ["names-disagree", "names-disagree"]
    assert_holds(path, ONE, TWO)


def test_none_tags_of_old_versions_are_no_names(tmp_path: Path) -> None:
    def untag(documents: Any) -> None:
        documents["manifest.json"][0]["RepoTags"] = ["<none>:<none>"]
        del documents["repositories"]

    assert set(held(changed_hybrid(tmp_path, untag, ONE))) == {("demo:1",)}


THREE = make_image([{"a": b"1"}, {"b": b"2"}, {"a": b"1"}, {"c": b"3"}], names=("demo:3",))


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_layers_of_docker_25_0_0(collapse: bool, seed: int, tmp_path: Path) -> None:
    """manifest.json has them right: the config's diff_ids prove it."""
    manifest = json.loads(THREE.manifest_bytes())
    layers = manifest["layers"]
    if collapse:
        layers = list({layer["digest"]: layer for layer in layers}.values())
    manifest["layers"] = random.Random(seed).sample(layers, len(layers))  # noqa: S311  no secret
    if [x["digest"] for x in manifest["layers"]] == [x.digest for x in THREE.layers]:
        manifest["layers"].reverse()
    raw = go_json(manifest)
    files = read_files(write_hybrid_archive([THREE], tmp_path / "plain.tar"))
    del files[f"blobs/sha256/{hex_of(THREE.manifest_digest())}"]
    files[f"blobs/sha256/{hex_of(sha256(raw))}"] = raw
    index = json.loads(files["index.json"])
    index["manifests"][0] |= {"digest": sha256(raw), "size": len(raw)}
    files["index.json"] = go_json(index)
    path = write_members(files, tmp_path / "x.tar")
    assert warnings_of(path) == ["shuffled-layers"]
    assert_holds(path, THREE)


def test_too_few_layers_without_a_second_opinion_is_an_error(tmp_path: Path) -> None:
    files = read_files(write_docker_archive([THREE], tmp_path / "plain.tar", style="flat"))
    saved = json.loads(files["manifest.json"])
    saved[0]["Layers"].pop()
    files["manifest.json"] = go_json(saved)
    error = refused(write_members(files, tmp_path / "x.tar"))
    assert error.code == "layer-count"
    assert "3" in str(error)
    assert "4" in str(error)


def test_a_nested_index_keeps_its_platforms(tmp_path: Path) -> None:
    arm = make_image([{"b": b"arm"}], names=(), architecture="arm64")
    path = write_index_layout(tmp_path / "layout", [ONE, arm])
    found = held(path)
    assert list(found) == [("demo:1",)]
    assert [image.platform.architecture for image in found["demo:1",]] == ["amd64", "arm64"]


def test_a_flat_list_of_platforms_under_one_name_is_one_image(tmp_path: Path) -> None:
    arm = make_image([{"b": b"arm"}], names=("demo:1",), architecture="arm64")
    found = held(write_oci_layout([ONE, arm], tmp_path / "layout"))
    assert [len(images) for names, images in found.items() if names == ("demo:1",)] == [2]


def test_a_repeated_member_is_told(tmp_path: Path) -> None:
    raw = write_docker_archive([ONE], tmp_path / "one.tar").read_bytes()
    files = read_files(tmp_path / "one.tar")
    again = write_members({"manifest.json": files["manifest.json"]}, tmp_path / "again.tar")
    cut = raw.rstrip(b"\0")
    cut += bytes(-len(cut) % 512)
    path = tmp_path / "x.tar"
    path.write_bytes(cut + again.read_bytes())
    assert warnings_of(path) == ["repeated-member"]
    assert_holds(path, ONE)
    other = write_members({"manifest.json": b"[]"}, tmp_path / "again.tar")
    path.write_bytes(cut + other.read_bytes())
    assert refused(path).code == "conflicting-member"


def test_a_linked_layer_in_manifest_json(tmp_path: Path) -> None:
    files: dict[str, bytes | Link] = {
        **read_files(write_docker_archive([ONE], tmp_path / "plain.tar", style="flat"))
    }
    (layer,) = json.loads(files["manifest.json"])[0]["Layers"]  # type: ignore[arg-type]
    files["store/l1"] = files[layer]
    files["l2"] = Link("store/l1")
    files[layer] = Link("./l2")
    assert_holds(write_members(files, tmp_path / "x.tar"), ONE)
    with opened(write_files({"x": b""}, tmp_path / "unused") / ".." / "x.tar") as source:
        assert source.roots
