"""`layout check` as a person and as a program meet it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import oci_layout
from oci_layout.targets.rules import RULES
from oci_layout.targets.target import USUAL
from tests.builders import REF_NAME, go_json, make_image, write_oci_layout
from tests.command import layout, the_line
from tests.interop.shown import HERE
from tests.targets.answers import answer, codes
from tests.targets.makes import MAKES, UNREAD, Maker

REMARK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["rule", "message", "says", "source"],
    "properties": {
        "rule": {"enum": list(RULES)},
        "message": {"type": "string", "minLength": 1},
        "says": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
    },
}
IMAGE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["names", "image_id", "id_of", "platform"],
    "properties": {
        "names": {"type": "array", "items": {"type": "string"}},
        "image_id": {"type": ["string", "null"], "pattern": "^(sha(256|512):)?[0-9a-f]{64,128}$"},
        "id_of": {"enum": ["config", "manifest", "index", "v1", "new"]},
        "platform": {"type": ["string", "null"]},
    },
}
TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "target",
        "asked",
        "loads",
        "command",
        "basis",
        "images",
        "reasons",
        "losses",
        "notes",
        "repack",
        "no_repack",
    ],
    "properties": {
        "target": {"type": "string", "pattern": r"^[a-z0-9-]+@[0-9.]+(\+[a-z-]+)?$"},
        "asked": {"type": "string"},
        "loads": {"type": "boolean"},
        "command": {"type": "string"},
        "basis": {"type": "string", "minLength": 1},
        "images": {"type": "array", "items": IMAGE},
        "reasons": {"type": "array", "items": REMARK},
        "losses": {"type": "array", "items": REMARK},
        "notes": {"type": "array", "items": REMARK},
        "repack": {"type": ["array", "null"], "items": {"type": "string"}},
        "no_repack": {"type": "string"},
    },
}
FINDING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "severity", "message"],
    "properties": {
        "code": {"type": "string"},
        "severity": {"enum": ["error", "warning", "note"]},
        "file": {"type": "string"},
        "member": {"type": "string"},
        "field": {"type": "string"},
        "image": {"type": "string"},
        "layer": {"type": ["integer", "null"]},
        "offset": {"type": ["integer", "null"]},
        "message": {"type": "string"},
        "hint": {"type": "string"},
    },
}
SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "source", "source_kind", "platform", "layers_read", "loads"],
        "properties": {
            "version": {"const": 1},
            "source": {"type": "string"},
            "source_kind": {"type": "string"},
            "platform": {"type": "string"},
            "layers_read": {"type": "boolean"},
            "loads": {"type": "boolean"},
            "targets": {"type": "array", "items": TARGET, "minItems": 1},
            "findings": {"type": "array", "items": FINDING},
            "findings_left_out": {"type": "integer"},
        },
    }
)


def as_json(*words: object) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(layout("check", *words, "--json").stdout)
    SCHEMA.validate(value)
    return value


@pytest.mark.parametrize("name", [*MAKES, *UNREAD])
def test_json(name: str, tmp_path: Path) -> None:
    """Every sort of file keeps to the schema, and says in each place what belongs there."""
    path = (MAKES | UNREAD)[name](Maker(tmp_path))
    value = as_json(path, *(["--full"] if name in UNREAD else []))
    assert [each["asked"] for each in value["targets"]] == list(USUAL)
    assert value["loads"] is all(each["loads"] for each in value["targets"])
    assert value["layers_read"] is (name in UNREAD)
    for each in value["targets"]:
        assert each["loads"] is not bool(each["reasons"])
        assert bool(each["images"]) is each["loads"]
        if not each["loads"]:
            assert bool(each["repack"]) is not bool(each["no_repack"])
        if each["repack"]:
            assert each["repack"][:2] == ["layout", "repack"]


@pytest.mark.parametrize("name", [*MAKES, *UNREAD])
def test_fits_a_narrow_terminal(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wider than 80 columns but commands to copy, and words that cannot be broken."""
    path = (MAKES | UNREAD)[name](Maker(tmp_path))
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("COLUMNS", "80")
    for words in ([], [f"--for={target}" for target in USUAL]):
        text = layout("check", path.name, *words).stdout.decode()
        assert "\x1b" not in text
        for row in text.splitlines():
            one_word = len(row.split()) == 1
            assert len(row) <= 80 or one_word or row.lstrip().startswith("layout repack "), row


def test_statuses(tmp_path: Path) -> None:
    path = MAKES["docker, none"](Maker(tmp_path))
    for words, status in (
        (["--for", "docker@20.10"], 0),
        (["--for", "docker@20.10", "--for", "containerd@1.6"], 0),
        (["--for", "docker@20.10,podman"], 0),
        (["--for", "docker@20.10", "--for", "docker@1.9"], 1),
        ([], 0),  # what is in use, not the engines of ten years ago
    ):
        assert layout("check", path, *words).returncode == status
    for nothing in ("", ",", "docker,"):
        the_line(layout("check", path, "--for", nothing), 2)
    known = the_line(layout("check", path, "--for", "lxc"), 2)
    for name in ("docker", "containerd", "podman", "skopeo", "cri-o", "kind", "k3s", "rke2"):
        assert name in known
    the_line(layout("check", path, "--platform", "linux"), 2)
    the_line(layout("check", path, "--jobs", "2"), 2)
    the_line(layout("check", path, "--image", "absent:1"), 4)
    the_line(layout("check", tmp_path / "absent.tar"), 3)
    empty = tmp_path / "empty.tar"
    empty.write_bytes(bytes(1024))
    the_line(layout("check", empty), 3)


def test_the_line_can_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is shown, from a shell, with a name that a shell would take apart."""
    path = MAKES["pure, gzip, oci"](Maker(tmp_path)).rename(tmp_path / "an 'odd' $name.tar")
    monkeypatch.chdir(tmp_path)
    text = layout("check", path.name, "--for", "docker@20.10").stdout.decode()
    (shown,) = re.findall(r"^ +(layout repack .*)$", text, re.MULTILINE)
    words = shlex.split(shown)
    assert words[2] == path.name
    assert layout(*words[1:]).returncode == 0
    assert layout("check", words[-1], "--for", "docker@20.10").returncode == 0


def test_standard_input(tmp_path: Path) -> None:
    path = MAKES["pure, gzip, oci"](Maker(tmp_path))
    done = layout("check", "-", "--for", "docker@20.10", "--json", stdin=path.read_bytes())
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["targets"]
    assert found["repack"] == [
        "layout",
        "repack",
        "FILE",
        "--to",
        "docker",
        "-o",
        "image-docker.tar",
    ]


def test_platform_of_the_host(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    path = MAKES["pure, platforms"](maker)
    config = {
        platform: as_json(path, "--for", "podman", "--platform", platform)["targets"][0]
        for platform in ("linux/amd64", "linux/arm64", "linux/riscv64")
    }
    ids = {name: [each["image_id"] for each in found["images"]] for name, found in config.items()}
    assert ids["linux/amd64"] != ids["linux/arm64"]
    assert not config["linux/riscv64"]["loads"]
    default = as_json(path, "--for", "podman")
    assert default["platform"] == f"linux/{HERE}"
    windows = MAKES["docker, windows"](maker)
    found = as_json(windows, "--for", "docker@28", "--platform", "windows/amd64")
    assert found["loads"] is True


def test_text_from_images_is_escaped(tmp_path: Path) -> None:
    evil = "\x1b]0;title\x07\x1b[31mred\r\n\u202egnp.exe:1"
    source = write_oci_layout([make_image()], tmp_path / "in")
    index = json.loads((source / "index.json").read_bytes())
    index["manifests"][0]["annotations"] = {REF_NAME: evil}
    (source / "index.json").write_bytes(go_json(index))
    for words in ([], ["--for", "podman"], ["--for", "skopeo+oci-archive"]):
        done = layout("check", source, *words)
        for byte in (b"\x1b", b"\x07", b"\r", "\u202e".encode()):
            assert byte not in done.stdout


def test_says_whether_layers_were_read(tmp_path: Path) -> None:
    path = MAKES["docker, none"](Maker(tmp_path))
    assert b"no layer was read (--full reads them)" in layout("check", path).stdout
    assert b"every layer was read" in layout("check", path, "--full", "-q").stdout


def test_from_python(tmp_path: Path) -> None:
    path = MAKES["docker, none"](Maker(tmp_path))
    report = oci_layout.check(str(path), targets="docker@20.10")
    assert report.loads
    assert report.to_json()["targets"][0]["images"][0]["names"] == ["demo:1"]


def test_one_reason_is_told_once(tmp_path: Path) -> None:
    source = tmp_path / "in.tar"
    source.write_bytes((Path(__file__).parents[2] / "testdata/docker26.tar").read_bytes()[:25_300])
    shown = layout("check", source).stdout.decode()
    assert shown.count("repack does not repair this") == 1
    assert "every target: repack does not repair this: the engine " in " ".join(shown.split())


def test_a_version_that_is_not_known_yet_is_told() -> None:
    source = Path(__file__).parents[2] / "testdata/docker26.tar"
    shown = layout("check", source, "--for", "docker@99").stdout.decode()
    assert "docker@99  loads, if it is as 29: this version is not known" in shown
    (target,) = as_json(source, "--for", "docker@99")["targets"]
    assert target["basis"].startswith("not known yet: taken for docker 29")
    (target,) = as_json(source, "--for", "docker@29")["targets"]
    assert "not known" not in target["basis"]


def test_what_a_line_does_not_know_is_said(tmp_path: Path) -> None:
    """No layer was read for it: repack may stop at one, and says what to do then."""
    path = UNREAD["hybrid, layer damaged"](Maker(tmp_path)).rename(tmp_path / "in.tar")
    told = " ".join(layout("check", path, "--for", "k3s,docker@1.9").stdout.decode().split())
    assert told.endswith("If one is damaged, repack stops; --full finds it first.")
    words = answer(path, "docker@1.9").repair
    done = layout(*words[1:], cwd=tmp_path)
    assert done.returncode == 3
    assert b"copy the file again" in done.stderr
    full = layout("check", path, "--for", "docker@1.9", "--full").stdout.decode()
    assert "No layer was read." not in full


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("target", ["docker@20.10", "docker@99"])
def test_the_command_that_loads_it_is_always_told(
    target: str, columns: int, tmp_path: Path
) -> None:
    """In the first line where it fits, or else in one of its own, and never broken."""
    path = MAKES["docker, none"](Maker(tmp_path)).rename(tmp_path / f"{'x' * 30}.tar")
    shown = layout("check", path, "--for", target, columns=columns).stdout.decode().splitlines()
    command = f"docker load -i {path}"
    (number,) = (place for place, line in enumerate(shown) if line.endswith(command))
    head = next(place for place, line in enumerate(shown) if line.startswith(target))
    if number == head:
        assert len(shown[number]) <= columns
    else:
        assert (number, shown[number]) == (head + 1, f"    {command}")
        assert len(shown[head]) + 2 + len(command) > columns


def test_which_image_store_is_predicted(tmp_path: Path) -> None:
    path = MAKES["docker, none"](Maker(tmp_path))
    for words in ((), ("--for", "docker@29")):
        told = " ".join(layout("check", path, *words).stdout.decode().split())
        assert "docker@29+containerd" in told or "+containerd asks the other" in told
    assert "image store" not in layout("check", path, "--for", "docker@28").stdout.decode()


def test_names_that_become_one(tmp_path: Path) -> None:
    path = MAKES["docker, names that become one"](Maker(tmp_path))
    found = answer(path, "podman@5.8")
    assert [image.names for image in found.images] == [(), ("localhost/demo:1",)]
    assert "shared-name" in codes(found)["losses"]
    assert not codes(answer(path, "docker@28"))["losses"]
