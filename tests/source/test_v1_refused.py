"""V1 archives that do not hold: a clear error, exit 3, and nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oci_layout import limits
from tests.builders import go_json, layer_tar, write_members
from tests.builders.files import Members
from tests.builders.legacy import (
    Step,
    document,
    ids_of,
    repositories,
    steps_of,
    v1_files,
    write_v1,
)
from tests.command import layout, names_in, refuse, the_line
from tests.converting import messages, refused

THREE = steps_of({"a": b"1"}, {"b": b"2"}, {"c": b"3"})
IDS = ids_of(THREE)


def edited(number: int, **fields: Any) -> Members:
    """The archive with fields of one step's `json` changed."""
    members = v1_files(THREE, "demo:1")
    raw = members[f"{IDS[number]}/json"]
    assert isinstance(raw, bytes)
    members[f"{IDS[number]}/json"] = go_json({**json.loads(raw), **fields})
    return members


def write(members: Members, tmp_path: Path) -> Path:
    return write_members(members, tmp_path / "in.tar")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_loop(length: int, named: bool, tmp_path: Path) -> None:
    """A step that is its own ancestor, reached by a name or by nothing at all."""
    members = edited(0, parent=IDS[length - 1])
    if not named:
        del members["repositories"]
    line = refused(write(members, tmp_path), tmp_path / "to", "v1-loop")
    assert "ancestor" in line
    assert any(identity in line for identity in IDS)


def test_loop_below_the_top(tmp_path: Path) -> None:
    """The top is no part of the loop that it leads to."""
    refused(write(edited(0, parent=IDS[1]), tmp_path), tmp_path / "to", "v1-loop")


def test_two_loops_beside_an_image(tmp_path: Path) -> None:
    """What nothing leads to does not vanish without a word."""
    one = "1" * 64
    members = v1_files(THREE, "demo:1")
    members[f"{one}/json"] = go_json(document(THREE[0], one, one))
    members[f"{one}/layer.tar"] = THREE[0].layer
    refused(write(members, tmp_path), tmp_path / "to", "v1-loop")


def test_parent_missing(tmp_path: Path) -> None:
    """By its json, by its whole folder, or never there."""
    members = v1_files(THREE, "demo:1")
    for name in ("json", "VERSION", "layer.tar"):
        del members[f"{IDS[1]}/{name}"]
    line = refused(write(members, tmp_path), tmp_path / "to", "v1-parent-missing")
    assert IDS[1] in line
    assert IDS[2] in line


def test_named_image_missing(tmp_path: Path) -> None:
    members = v1_files(THREE)
    members["repositories"] = repositories({"demo:1": "a" * 64})
    line = refused(write(members, tmp_path), tmp_path / "to", "v1-parent-missing")
    assert "a" * 64 in line


BAD_IDS = ["../../../etc", "..", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "/etc", "\u0663" * 64, " "]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_parent(bad: str, tmp_path: Path) -> None:
    refused(write(edited(0, parent=bad), tmp_path), tmp_path / "to", "bad-v1-id")


@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_id_in_repositories(bad: str, tmp_path: Path) -> None:
    members = v1_files(THREE)
    members["repositories"] = repositories({"demo:1": bad})
    refused(write(members, tmp_path), tmp_path / "to", "bad-v1-id")


@pytest.mark.parametrize("bad", ["a" * 63, "A" * 64, "latest", "..."])
def test_bad_folder(bad: str, tmp_path: Path) -> None:
    """A folder with json and layer.tar whose name is no id."""
    members = v1_files(THREE, "demo:1")
    members[f"{bad}/json"] = go_json(document(THREE[0], bad, ""))
    members[f"{bad}/layer.tar"] = THREE[0].layer
    line = refused(write(members, tmp_path), tmp_path / "to", "bad-v1-id")
    assert bad in line


def test_folder_outside(tmp_path: Path) -> None:
    """CVE-2014-9358: an id that leads out of the archive."""
    bad = "../../../etc"
    members = v1_files(THREE, "demo:1")
    members[f"{bad}/json"] = go_json(document(THREE[0], bad, ""))
    members[f"{bad}/layer.tar"] = THREE[0].layer
    refused(write(members, tmp_path), tmp_path / "to", "unsafe-name")


@pytest.mark.parametrize("stated", ["b" * 64, "../../../etc", "", 7, None])
def test_other_id_inside(stated: object, tmp_path: Path) -> None:
    """The json says another id than its folder, or none."""
    members = edited(1, id=stated)
    source = write(members, tmp_path)
    code = "wrong-type" if stated == 7 else "v1-id-mismatch"
    line = refused(source, tmp_path / "to", code)
    assert IDS[1] in line


def test_missing_layer(tmp_path: Path) -> None:
    members = v1_files(THREE, "demo:1")
    del members[f"{IDS[1]}/layer.tar"]
    line = refused(write(members, tmp_path), tmp_path / "to", "missing-member")
    assert f"{IDS[1]}/layer.tar" in line


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad-json"),
        (b"{", "bad-json"),
        (b"[]", "wrong-type"),
        (b"null", "wrong-type"),
        (b'{"id":"' + IDS[1].encode() + b'","id":"' + IDS[1].encode() + b'"}', "duplicate-key"),
        (b'{"id":"' + IDS[1].encode() + b'","parent":7}', "wrong-type"),
        (b'{"id":"' + IDS[1].encode() + b'","container_config":[]}', "wrong-type"),
        (b'{"id":"' + IDS[1].encode() + b'","container_config":{"Cmd":"x"}}', "wrong-type"),
        (b'{"id":"' + IDS[1].encode() + b'","created":NaN}', "bad-json"),
    ],
)
def test_bad_json(raw: bytes, code: str, tmp_path: Path) -> None:
    members = v1_files(THREE, "demo:1")
    members[f"{IDS[1]}/json"] = raw
    line = refused(write(members, tmp_path), tmp_path / "to", code)
    assert f"{IDS[1]}/json" in line


def test_nothing_but_a_null(tmp_path: Path) -> None:
    """The one image is not there, and that is not sound."""
    steps = steps_of({"a": b"1"})
    members = v1_files(steps)
    members[f"{ids_of(steps)[0]}/json"] = b"null"
    refused(write(members, tmp_path), tmp_path / "to", "wrong-type")


@pytest.mark.parametrize("raw", [b"[]", b"{", b'{"demo":7}', b'{"demo":{"1":7}}', b'"x"'])
def test_bad_repositories(raw: bytes, tmp_path: Path) -> None:
    members = v1_files(THREE)
    members["repositories"] = raw
    done = layout("repack", write(members, tmp_path), "--to", "oci", "-o", tmp_path / "out")
    assert "repositories" in the_line(done, 3)
    assert names_in(tmp_path) == ["in.tar"]


def test_damaged_layer(tmp_path: Path) -> None:
    """A gzip layer with a flipped byte in the middle."""
    members = v1_files(THREE, "demo:1", compression="gzip")
    data = members[f"{IDS[1]}/layer.tar"]
    assert isinstance(data, bytes)
    at = len(data) - 6
    members[f"{IDS[1]}/layer.tar"] = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    refused(write(members, tmp_path), tmp_path / "to", "corrupt-stream")


def test_truncated(tmp_path: Path) -> None:
    source = write_v1(THREE, tmp_path / "in.tar", "demo:1")
    data = source.read_bytes()
    end = data.rindex(THREE[2].layer[:512]) + 700
    source.write_bytes(data[:end])
    line = refuse(3, source, "--to", "oci", "-o", tmp_path / "out")
    assert "offset" in line or "cut" in line
    assert names_in(tmp_path) == ["in.tar"]


def test_depth(tmp_path: Path) -> None:
    """As many ancestors as the limit come through, one more does not."""
    layer = layer_tar({"a": b"1"})
    steps = [Step(layer)] * limits.V1_DEPTH
    source = write_v1(steps, tmp_path / "in.tar", "demo:1")
    assert layout("verify", source).returncode == 0
    over = write_v1([*steps, Step(layer)], tmp_path / "over.tar", "demo:1")
    refused(over, tmp_path / "to", "v1-depth")


def test_all_findings_at_once(tmp_path: Path) -> None:
    """`verify` goes on after the first."""
    members = edited(0, id="b" * 64)
    del members[f"{IDS[2]}/layer.tar"]
    source = write(members, tmp_path)
    assert len(messages(source, "v1-id-mismatch")) == 1
    assert len(messages(source, "missing-member")) == 1
