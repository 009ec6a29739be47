"""Escapes in each string of each document: no verb prints one, in a pipe or on a terminal."""

from __future__ import annotations

import copy
import json
import os
import pty
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from oci_layout.cli.main import run
from tests.builders import (
    Link,
    make_image,
    sha256,
    write_docker_archive,
    write_files,
    write_index_layout,
    write_members,
    write_oci_layout,
)
from tests.builders.legacy import schema1, schema1_dir, steps_of, v1_files
from tests.independent import read_files

EVIL = "E\x1b[31m\u202e\x9bZ\x07\n\r\u2028Q\ud800"
IN_NAMES = EVIL.replace("\ud800", "")  # a name in a tar is UTF-8
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")
OURS = re.compile("\x1b\\[(1;33|0)m|\r\x1b\\[K|\r\n")
CONFIG = {
    "Labels": {"k": "v"},
    "Env": ["A=b"],
    "Cmd": ["sh"],
    "User": "u",
    "Healthcheck": {"Test": ["NONE"]},
}
EACH = 1 if os.environ.get("OCI_LAYOUT_SLOW") else 3  # all of them take minutes

Files = dict[str, bytes]


def changed(value: Any) -> Iterator[Any]:
    """The document, with one key or string dressed at a time."""
    for path, is_key in list(_spots(value, ())):
        made = copy.deepcopy(value)
        inner = made
        for step in path[:-1]:
            inner = inner[step]
        if is_key:
            inner[path[-1] + EVIL] = inner.pop(path[-1])
        else:
            inner[path[-1]] += EVIL
        yield made


def _spots(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], bool]]:
    if isinstance(value, str):
        yield path, False
    if not isinstance(value, dict | list):
        return
    for step, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(value, dict):
            yield (*path, step), True
        yield from _spots(each, (*path, step))


def _document(data: bytes) -> Any:
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def _pointed(value: Any, old: str, new: bytes) -> Any:
    """The document with each descriptor of one blob made to fit another."""
    if isinstance(value, list):
        return [_pointed(each, old, new) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _pointed(each, old, new) for key, each in value.items()}
    return (
        {**found, "digest": sha256(new), "size": len(new)} if value.get("digest") == old else found
    )


def replaced(files: Mapping[str, bytes], name: str, data: bytes) -> Files:
    """The files with one of them changed, and all digests made to fit."""
    old = files[name]
    left = {other: found for other, found in files.items() if other != name}
    folder, _, base = name.rpartition("/")
    named = sha256(old).removeprefix("sha256:")
    new_name = f"{folder}/{sha256(data).removeprefix('sha256:')}" if base == named else name
    made = {**left, new_name: data}
    for other, found in left.items():
        value = _document(found)
        pointed = _pointed(value, sha256(old), data)
        if pointed != value:
            made = replaced(made, other, json.dumps(pointed).encode())
    return made


def variants(files: Files) -> Iterator[Files]:
    """The files with one string of one document dressed at a time."""
    for name, data in files.items():
        value = _document(data)
        for made in changed(value) if value is not None else ():
            yield replaced(files, name, json.dumps(made).encode())


def printed(calls: list[list[str]], *, terminal: bool) -> tuple[list[int], str]:
    """Statuses and output of commands in a child, both streams on one pipe or terminal."""
    reader, writer = pty.openpty() if terminal else os.pipe()
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            os.environ["TERM"] = "xterm"
            sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            for call in calls:
                try:
                    run(call)
                except SystemExit as error:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os.write(tell, bytes([int(error.code or 0)]))
        finally:
            os._exit(0)
    os.close(writer)
    os.close(tell)
    parts = []
    while True:
        try:
            data = os.read(reader, 1 << 16)
        except OSError:
            break
        if not data:
            break
        parts.append(data)
    os.close(reader)
    os.waitpid(child, 0)
    statuses = list(os.read(told, 1 << 10))
    os.close(told)
    return statuses, b"".join(parts).decode("utf-8")


def require_harmless(source: str, good: str, number: int) -> None:
    """No verb prints what a terminal would obey: in turns on one or not, as text and as JSON."""
    terminal, as_json = bool(number & 1), ["--json"] if number & 2 else []
    calls = [
        ["inspect", source, "--history"],
        ["verify", source],
        ["check", source],
        ["diff", source, good],
        ["diff", good, source],
        ["repack", source, "--to", "oci", "--repair", "--dry-run"],
        ["repack", source, "--to", "docker", "--dry-run"],
        ["merge", source, good, "--to", "oci", "--force", "-o", f"{good}-merged"],
    ]
    calls = [[*call, *as_json] for call in calls]
    statuses, text = printed(calls, terminal=terminal)
    assert len(statuses) == len(calls), text
    assert max(statuses) < 7, (statuses, text)
    assert "Traceback" not in text
    found = RAW.search(OURS.sub("", text))
    assert found is None, text[max(0, found.start() - 200) : found.end() + 50] if found else ""


def _layout(folder: Path) -> Files:
    image = make_image(config=CONFIG)
    files = read_files(write_index_layout(folder, [image], attestations=True))
    index = json.loads(files["index.json"])
    index["annotations"] = {"k": "v"}
    return {**files, "index.json": json.dumps(index).encode()}


def _docker(folder: Path) -> Files:
    files = read_files(write_docker_archive([make_image(config=CONFIG)], folder / "d.tar"))
    files.setdefault("repositories", b'{"demo": {"1": "x"}}')
    return files


def _v1(folder: Path) -> Files:
    del folder
    made = v1_files(steps_of({"a": b"1"}, {"b": b"2"}), "demo:1")
    return {name: data for name, data in made.items() if isinstance(data, bytes)}


def _schema1(folder: Path) -> Files:
    del folder
    steps = steps_of({"a": b"1"})
    return schema1_dir(steps, schema1(steps))


SOURCES: dict[str, Callable[[Path], Files]] = {
    "layout": _layout,
    "docker": _docker,
    "v1": _v1,
    "schema1": _schema1,
}


@pytest.mark.parametrize("kind", SOURCES)
def test_no_string_of_a_document_escapes(kind: str, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    files = SOURCES[kind](tmp_path / "made")
    folder = kind == "schema1"
    good = str((write_files if folder else write_members)(files, tmp_path / "good"))
    count = 0
    for number, variant in enumerate(variants(files)):
        if number % EACH:
            continue
        source = tmp_path / f"in{number}"
        (write_files if folder else write_members)(variant, source)
        require_harmless(str(source), good, number // EACH)
        count += 1
    assert count * EACH > 8


@pytest.mark.parametrize("turn", range(4))
def test_no_name_of_a_member_escapes(turn: int, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    files = _docker(tmp_path / "made")
    good = str(write_members(files, tmp_path / "good"))
    manifest = json.loads(files["manifest.json"])
    layer = manifest[0]["Layers"][0]
    renamed = {(name if name != layer else layer + IN_NAMES): data for name, data in files.items()}
    manifest[0]["Layers"][0] = layer + IN_NAMES
    odd: list[dict[str, bytes | Link]] = [
        {**files, "x" + IN_NAMES: b"x"},
        {**files, "../" + IN_NAMES: b"x"},
        {**files, "link": Link("/" + IN_NAMES)},
        {**files, IN_NAMES + "/json": b"{}", IN_NAMES + "/layer.tar": b""},
        {**renamed, "manifest.json": json.dumps(manifest).encode()},
        {"x" + IN_NAMES: b"x"},
    ]
    for number, members in enumerate(odd):
        source = write_members(members, tmp_path / f"in{number}{IN_NAMES if number else ''}")
        require_harmless(str(source), good, turn)


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_no_platform_of_an_image_without_a_match_escapes(terminal: bool, tmp_path: Path) -> None:
    sides = []
    for side in "ab":
        images = [
            make_image(
                [{side: each.encode()}],
                names=(f"{side}{each}:1",),
                architecture=f"{each}{IN_NAMES}",
            )
            for each in "01"
        ]
        sides.append(str(write_oci_layout(images, tmp_path / side)))
    calls = [["diff", *sides], ["diff", *sides, "--json"], ["inspect", sides[0]]]
    statuses, text = printed(calls, terminal=terminal)
    assert len(statuses) == 3
    assert max(statuses) < 2
    assert RAW.search(OURS.sub("", text)) is None, text
