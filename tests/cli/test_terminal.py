"""Texts from images never reach a terminal as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oci_layout.cli.text import shown
from tests import corrupt
from tests.builders import (
    REF_NAME,
    go_json,
    make_image,
    sha256,
    write_docker_archive,
    write_members,
    write_oci_layout,
)
from tests.command import layout
from tests.independent import read_files

EVIL = "\x1b]0;title\x07\x1b[31mred\r\n\u202egnp.exe\u2066\x9b2J\x00"
OBEYED = [b"\x1b", b"\x07", b"\r", b"\x00", "\u202e".encode(), "\u2066".encode(), "\x9b".encode()]


def harmless(data: bytes) -> None:
    for sequence in OBEYED:
        assert sequence not in data, sequence
    data.decode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain \u00fcml\u00e4ut \u6f22\u5b57", "plain \u00fcml\u00e4ut \u6f22\u5b57"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202e\u2066\u200f", "\\u202e\\u2066\\u200f"),
        ("\x9b", "\\x9b"),
        ("\udc80", "\\udc80"),
        ("\U000e0001", "\\U000e0001"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(text).isprintable()


def test_an_evil_name(tmp_path: Path) -> None:
    source = write_oci_layout([make_image()], tmp_path / "in")
    index = json.loads((source / "index.json").read_bytes())
    index["manifests"][0]["annotations"] = {REF_NAME: EVIL}
    (source / "index.json").write_bytes(go_json(index))
    done = layout("repack", source, "--to", "docker", "-o", tmp_path / "out.tar")
    assert done.returncode == 0, done.stderr
    harmless(done.stdout)
    harmless(done.stderr)
    assert b"\\x1b" in done.stdout
    missing = layout("repack", source, "--to", "oci", "-o", tmp_path / "y", "--image", "no:1")
    assert missing.returncode == 4
    harmless(missing.stderr)
    assert len(missing.stderr.splitlines()) == 1


@pytest.mark.parametrize("surrogate", ["", "\\ud800"])
def test_evil_annotations_and_platforms(surrogate: str, tmp_path: Path) -> None:
    image = make_image(architecture="amd\x1b[2J64")
    plain = write_oci_layout([image], tmp_path / "plain")

    def dress(manifest: dict[str, object]) -> None:
        manifest["annotations"] = {EVIL + "@": "1"}

    source = corrupt.damaged(
        plain,
        tmp_path / "in",
        lambda files: corrupt.edit_document(files, image.manifest_digest(), dress),
    )
    if surrogate:
        files = read_files(source)
        (name,) = [name for name, data in files.items() if b"gnp.exe" in data]
        old = "sha256:" + name.rpartition("/")[2]
        raw = files.pop(name).replace(b"@", surrogate.encode())
        files[corrupt.blob(sha256(raw))] = raw
        index = files["index.json"].replace(old.encode(), sha256(raw).encode())
        entries = json.loads(index)
        entries["manifests"][0]["size"] = len(raw)
        files["index.json"] = go_json(entries)
        source = tmp_path / "in.tar"
        write_members(files, source)
    report = tmp_path / "report.json"
    done = layout(
        "repack", source, "--to", "docker", "-o", tmp_path / "out.tar", "--report", report
    )
    assert done.returncode == 0, done.stderr
    harmless(done.stdout + done.stderr)
    assert "gnp.exe" in json.loads(report.read_bytes())["images"][0]["changes"][0]["text"]
    done = layout("repack", source, "--to", "docker", "-o", tmp_path / "b.tar", "--json")
    harmless(done.stdout + done.stderr)
    json.loads(done.stdout)


@pytest.mark.parametrize("key", ["Config", "Layers"])
def test_evil_member_names_in_errors(key: str, tmp_path: Path) -> None:
    files = read_files(write_docker_archive([make_image()], tmp_path / "plain.tar"))
    saved = json.loads(files["manifest.json"])
    saved[0][key] = EVIL if key == "Config" else [EVIL]
    files["manifest.json"] = go_json(saved)
    source = write_members(files, tmp_path / "in.tar")
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert done.returncode == 3
    harmless(done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_an_evil_path(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m\udc80b"
    folder.mkdir()
    source = write_docker_archive([make_image()], folder / "in.tar")
    done = layout("repack", source, "--to", "oci", "-o", folder / "out")
    assert done.returncode == 0, done.stderr
    harmless(done.stdout + done.stderr)
    done = layout("repack", folder / "absent", "--to", "oci", "-o", folder / "x")
    assert done.returncode == 3
    harmless(done.stderr)


def test_a_bare_label_is_kept_whatever_it_holds(tmp_path: Path) -> None:
    image = make_image(config={"Labels": {"evil": EVIL, "[bold]": "\x1b"}})
    source = write_docker_archive([image], tmp_path / "in.tar")
    done = layout("repack", source, "--to", "oci", "-o", tmp_path / "out")
    harmless(done.stdout + done.stderr)
    assert (tmp_path / "out" / corrupt.blob(image.config_digest)).read_bytes() == image.config_bytes
