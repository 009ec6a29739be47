"""V1 archives in every form that was written: what comes out is what Docker makes of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.builders import compress, full_name, layer_tar, sha256, write_files, write_members
from tests.builders.files import Link, Members
from tests.builders.legacy import (
    RUN,
    Step,
    ids_of,
    repositories,
    steps_of,
    together,
    v1_files,
    wanted_config,
    write_v1,
)
from tests.command import report
from tests.converting import convert, convert_one, sound

THREE = steps_of({"a": b"1"}, {"b": b"2"}, {"c": b"3"})


def plain(members: Members) -> dict[str, bytes]:
    """Members that are all files."""
    return {name: data for name, data in members.items() if isinstance(data, bytes)}


def test_all_of_it(tmp_path: Path) -> None:
    """Config, history and layers, and every field of them."""
    top = {"author": "A <a@b>", "comment": "no & more", "container": "c0ffee", "parent_id": "x"}
    steps = steps_of({"a": b"1"}, {"b": b"2"}, **top)
    source = write_v1(steps, tmp_path / "in.tar", "demo:1")
    result = convert_one(source, tmp_path)
    assert result.config == wanted_config(steps)
    assert result.config["history"][1] == {
        "created": "2015-03-04T05:06:07.123456789Z",
        "author": "A <a@b>",
        "created_by": "/bin/sh -c #(nop) ADD <1> in /",
        "comment": "no & more",
    }
    assert result.config["config"] == RUN
    assert result.names == ("docker.io/library/demo:1",)
    sound(source)


def test_the_report_says_where_it_comes_from(tmp_path: Path) -> None:
    source = write_v1(THREE, tmp_path / "in.tar", "demo:1")
    said = report(source, "--to", "docker", "-o", tmp_path / "out.tar")
    (image,) = said["images"]
    assert image["image_id_before"] is None
    assert image["manifest_before"] is None
    (made,) = image["config_changes"]
    assert (made["kind"], made["field"]) == ("made", "rootfs")
    assert ids_of(THREE)[-1] in made["text"]
    assert "V1" in said["source_kind"]


@pytest.mark.parametrize("form", ["dir", "gz", "zst", "bz2", "xz", "nested", "dotted", "reversed"])
def test_forms(form: str, tmp_path: Path) -> None:
    """A folder, a compressed archive, in a folder of its own, with `./`, in any order."""
    members = v1_files(THREE, "demo:1")
    path = tmp_path / "in.tar"
    match form:
        case "dir":
            path = write_files(plain(members), tmp_path / "in")
        case "nested":
            write_members({f"images/old/{name}": each for name, each in members.items()}, path)
        case "dotted":
            write_members(members, path, prefix="./")
        case "reversed":
            write_members(members, path, order=reversed)
        case _:
            write_members(members, path)
            kind = {"gz": "gzip", "zst": "zstd", "bz2": "bzip2"}.get(form, form)
            path.write_bytes(compress(path.read_bytes(), kind))
    result = convert_one(path, tmp_path)
    assert result.config == wanted_config(THREE)
    assert result.names == ("docker.io/library/demo:1",)
    sound(path)


def test_folders_as_members(tmp_path: Path) -> None:
    """As tar and the first Docker wrote it: a member for each folder."""
    folder = write_files(plain(v1_files(THREE, "demo:1")), tmp_path / "in")
    subprocess.run(["tar", "-C", folder, "-cf", tmp_path / "in.tar", "."], check=True)
    assert convert_one(tmp_path / "in.tar", tmp_path).config == wanted_config(THREE)


def test_without_repositories(tmp_path: Path) -> None:
    """Images are the ids that are nobody's parent; here two of them, on one base."""
    other = [*THREE[:2], Step(layer_tar({"d": b"4"}), extra={"config": {"Cmd": ["d"]}})]
    members = v1_files(THREE) | v1_files(other)
    assert len(members) == 4 * 3
    results = convert(write_members(members, tmp_path / "in.tar"), tmp_path)
    assert [each.names for each in results] == [(), ()]
    wanted = [wanted_config(THREE), wanted_config(other)]
    assert len(results) == 2
    assert all(each.config in wanted for each in results)
    assert results[0].config != results[1].config


def test_named_and_nameless(tmp_path: Path) -> None:
    """What no name leads to is an image too; the steps below a named one are none."""
    other = steps_of({"z": b"26"})
    members = v1_files(THREE, "demo:1") | v1_files(other)
    results = convert(write_members(members, tmp_path / "in.tar"), tmp_path)
    assert sorted(each.names for each in results) == [(), ("docker.io/library/demo:1",)]


def test_several_repositories_and_tags(tmp_path: Path) -> None:
    """One image of four names, and one more that another repository holds."""
    names = ("demo:1", "demo:2", "example.com:5000/team/demo:1", "team/demo:latest")
    other = steps_of({"z": b"26"})
    members = together(v1_files(THREE, *names), v1_files(other, "other:1"))
    results = convert(write_members(members, tmp_path / "in.tar"), tmp_path)
    found = {each.names: each.diff_ids for each in results}
    assert found == {
        tuple(sorted(map(full_name, names))): tuple(sha256(step.layer) for step in THREE),
        ("docker.io/library/other:1",): (sha256(other[0].layer),),
    }


def test_a_name_in_the_middle(tmp_path: Path) -> None:
    """A tag may stand at a step that another image builds on."""
    members = v1_files(THREE)
    members["repositories"] = repositories({"base:1": ids_of(THREE)[1], "demo:1": ids_of(THREE)[2]})
    results = convert(write_members(members, tmp_path / "in.tar"), tmp_path)
    counts = {each.names: len(each.diff_ids) for each in results}
    assert counts == {("docker.io/library/base:1",): 2, ("docker.io/library/demo:1",): 3}


def test_same_words_and_other_layers(tmp_path: Path) -> None:
    """Two images whose documents differ in ids alone are two images."""
    one, two = ([Step(layer_tar({"a": text}))] for text in (b"1", b"2"))
    members = together(v1_files(one, "one:1"), v1_files(two, "two:1"))
    results = convert(write_members(members, tmp_path / "in.tar"), tmp_path)
    assert {each.names: each.diff_ids for each in results} == {
        ("docker.io/library/one:1",): (sha256(one[0].layer),),
        ("docker.io/library/two:1",): (sha256(two[0].layer),),
    }


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
def test_compressed_layers(compression: str, tmp_path: Path) -> None:
    """`layer.tar` may be packed whatever its name says: the diff_id is of the tar inside."""
    source = write_v1(THREE, tmp_path / "in.tar", "demo:1", compression=compression)
    assert convert_one(source, tmp_path).config == wanted_config(THREE)
    sound(source)


def test_empty_layers_stay(tmp_path: Path) -> None:
    """Zero bytes, and 1,024 zeros: Docker keeps each as a layer with the digest of its bytes."""
    steps = [Step(b""), Step(bytes(1024)), *THREE, Step(bytes(1024)), Step(b"")]
    result = convert_one(write_v1(steps, tmp_path / "in.tar", "demo:1"), tmp_path)
    assert result.diff_ids == tuple(sha256(step.layer) for step in steps)
    assert result.diff_ids[0] == sha256(b"")
    assert len(result.config["history"]) == 7
    assert not any("empty_layer" in line for line in result.config["history"])


def test_throwaway_means_nothing_here(tmp_path: Path) -> None:
    """Docker heeds it in schema 1 alone (tarexport/load.go: HistoryFromConfig(json, false))."""
    steps = [*THREE[:2], Step(THREE[2].layer, extra={"throwaway": True})]
    result = convert_one(write_v1(steps, tmp_path / "in.tar", "demo:1"), tmp_path)
    assert len(result.diff_ids) == 3
    assert not any("empty_layer" in line for line in result.config["history"])
    sound(tmp_path / "out")


def test_repeated_layers_as_links(tmp_path: Path) -> None:
    """Docker 1.10 and later write the second of two equal layers as a link."""
    base = layer_tar({"a": b"1"})
    steps = [Step(base), Step(layer_tar({"b": b"2"})), Step(base, ("again",))]
    members = v1_files(steps, "demo:1")
    first, _, last = ids_of(steps)
    members[f"{last}/layer.tar"] = Link(f"../{first}/layer.tar")
    result = convert_one(write_members(members, tmp_path / "in.tar"), tmp_path)
    assert result.diff_ids == tuple(sha256(step.layer) for step in steps)


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [
        ({"os": None}, {"os": "linux"}),
        ({"architecture": None}, {"architecture": "amd64"}),
        ({"created": "2013-04-11T14:13:15.57812-07:00"}, {}),
        ({"config": None}, {}),
        ({"container_config": {"Cmd": None}}, {}),
        ({"x-custom": {"n": 1.50, "big": 12345678901234567890}}, {}),
    ],
)
def test_odd_documents(extra: dict[str, Any], wanted: dict[str, Any], tmp_path: Path) -> None:
    """What is missing is filled in, and what is unknown stays."""
    command = () if "container_config" in extra else ("sh",)
    steps = [Step(layer_tar({"a": b"1"}), command, extra)]
    result = convert_one(write_v1(steps, tmp_path / "in.tar", "demo:1"), tmp_path)
    assert result.config == {**wanted_config(steps), **wanted}


def test_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    steps = [Step(layer_tar({"a": b"1"}))]
    members = v1_files(steps, "demo:1")
    (identity,) = ids_of(steps)
    raw = members[f"{identity}/json"]
    assert isinstance(raw, bytes)
    members[f"{identity}/json"] = raw[:-1] + b',"f":1.50,"e":1e3,"t":"\\u003c"}'
    source = write_members(members, tmp_path / "in.tar")
    report(source, "--to", "oci", "-o", tmp_path / "out")
    (config,) = (
        data
        for path in (tmp_path / "out/blobs/sha256").iterdir()
        if b"rootfs" in (data := path.read_bytes())
    )
    for text in (b'"f":1.50', b'"e":1e3', b'"t":"\\u003c"'):
        assert text in config
    assert list(json.loads(config)) == sorted(json.loads(config))
