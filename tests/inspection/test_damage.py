"""Damage that shows in documents: a short list at the end, and everything else all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import corrupt
from tests.builders import (
    go_json,
    make_image,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_oci_layout,
)
from tests.command import layout, the_line
from tests.independent import read_files
from tests.inspection.shown import nodes, text, tree
from tests.verification.checking import layout_with

IMAGE = make_image()


def test_damage_is_listed_and_the_rest_is_shown(tmp_path: Path) -> None:
    files = layout_with(IMAGE)
    raw = files.pop(corrupt.blob(IMAGE.config_digest))
    files[corrupt.blob(IMAGE.config_digest)] = raw.replace(b"amd64", b"arm64")
    source = write_files(files, tmp_path / "in")
    value = tree(source)
    assert [finding["code"] for finding in value["findings"]] == ["digest-mismatch"]
    done = layout("inspect", source)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode()
    assert "linux/arm64\n" in shown
    assert "found while reading the documents; layout verify checks everything\n" in shown
    assert "\n  error digest-mismatch:" in shown


def test_one_image_is_broken_and_the_other_shown(tmp_path: Path) -> None:
    other = make_image([{"z": b"1"}], names=["other:1"])
    files = read_files(write_oci_layout([IMAGE, other], tmp_path / "plain"))
    files[corrupt.blob(IMAGE.config_digest)] = b"no JSON"
    source = write_files(files, tmp_path / "in")
    value = tree(source)
    assert [node["image_id"] for node in nodes(value)] == [other.config_digest]
    (absent,) = nodes(value, "absent")
    assert absent["unreadable"]
    assert value["totals"]["missing"] == []
    shown = text(source)
    assert f"! cannot be read: manifest, {IMAGE.manifest_digest()[:19]}\n" in shown
    assert "error bad-json:" in shown


def test_the_list_is_short(tmp_path: Path) -> None:
    images = [make_image([{"a": bytes([n])}], names=[f"x:{n}"]) for n in range(20)]
    files = read_files(write_oci_layout(images, tmp_path / "plain"))
    index = json.loads(files["index.json"])
    for entry in index["manifests"]:
        entry["size"] += 1
    source = write_files({**files, "index.json": go_json(index)}, tmp_path / "in")
    value = tree(source)
    assert len(value["findings"]) == 20
    shown = text(source)
    assert shown.count("error size-mismatch") == 6
    assert shown.endswith("\n  and 14 more\n")


def test_errors_come_before_warnings_and_notes_are_left_to_the_json(tmp_path: Path) -> None:
    files = layout_with(IMAGE)
    index = json.loads(files["index.json"])
    index["manifests"][0]["size"] += 1
    index["manifests"][0]["annotations"] = {"io.containerd.image.name": "NO NAME"}
    source = write_files({**files, "index.json": go_json(index)}, tmp_path / "in")
    found = text(source).partition("found while")[2].splitlines()
    severities = [line.split()[0] for line in found[1:] if line.startswith("  ") and line[2] != " "]
    assert severities == ["error", "warning"]


def test_a_config_that_is_not_valid(tmp_path: Path) -> None:
    image = make_image()
    image.config["created"] = "yesterday"
    source = write_docker_archive([image], tmp_path / "in.tar")
    (finding,) = tree(source)["findings"]
    assert (finding["code"], finding["field"]) == ("wrong-type", "created")
    assert "created   yesterday\n" in text(source)


def test_nothing_can_be_shown(tmp_path: Path) -> None:
    files = layout_with(IMAGE)
    broken = write_files({**files, "index.json": b"{"}, tmp_path / "in")
    assert "index.json" in the_line(layout("inspect", broken), 3)
    assert "index.json" in the_line(layout("inspect", broken, "--json"), 3)
    (tmp_path / "text").write_text("no image\n")
    the_line(layout("inspect", tmp_path / "text"), 3)
    the_line(layout("inspect", tmp_path / "absent"), 3)
    (tmp_path / "folder").mkdir()
    the_line(layout("inspect", tmp_path / "folder"), 3)


def test_an_empty_layout_is_nothing_wrong(tmp_path: Path) -> None:
    source = write_oci_layout([], tmp_path / "in")
    done = layout("inspect", source)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().endswith("\n\nno image\n")


@pytest.mark.parametrize("cut", [1, 513, 2048])
def test_a_truncated_archive(cut: int, tmp_path: Path) -> None:
    whole = write_docker_archive([IMAGE], tmp_path / "whole.tar", order=lambda names: names[::-1])
    data = whole.read_bytes().rstrip(b"\0")
    source = tmp_path / "in.tar"
    source.write_bytes(data[:-cut])
    done = layout("inspect", source)
    assert done.returncode in (0, 3)
    if done.returncode == 0:
        assert b"found while reading" in done.stdout


def test_selection_in_a_damaged_source(tmp_path: Path) -> None:
    source = write_index_layout(tmp_path / "in", [IMAGE], drop=[IMAGE.manifest_digest()])
    done = layout("inspect", source, "--platform", "linux/amd64")
    assert done.returncode == 0
    assert b"not here: linux/amd64" in done.stdout, "it is listed, and that it is absent is said"
    the_line(layout("inspect", source, "--platform", "linux/s390x"), 4)
