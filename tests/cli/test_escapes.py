"""Escapes in each string of each document: no verb prints one, in a pipe or on a terminal."""

from __future__ import annotations

import copy
import json
import os
import pty
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oci_layout.cli.main import run
from tests.builders import make_image, write_docker_archive, write_members, write_oci_layout
from tests.independent import read_files

EVIL = "E\x1b[31m\u202e\x9bZ\x07\n\r\u2028Q\ud800"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")
OURS = re.compile("\x1b\\[(1;33|0)m|\r\x1b\\[K|\r\n")


def changed(value: Any) -> Iterator[Any]:
    """The document, with one key or string dressed at a time."""
    spots = list(_spots(value, ()))
    for path, is_key in spots:
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


def printed(arguments: list[str], *, terminal: bool) -> tuple[int, str]:
    """Status and output of the command in a child, both streams on one pipe or terminal."""
    reader, writer = pty.openpty() if terminal else os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            os.environ["TERM"] = "xterm"
            import sys  # noqa: PLC0415

            sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            run(arguments)
        except SystemExit as error:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(error.code or 0))
        finally:
            os._exit(99)
    os.close(writer)
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
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, b"".join(parts).decode("utf-8")


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("name", ["index.json", "manifest.json", "repositories"])
def test_no_string_escapes(name: str, terminal: bool, tmp_path: Path) -> None:
    image = make_image(config={"Labels": {"k": "v"}, "Env": ["A=b"]})
    if name == "index.json":
        files = read_files(write_oci_layout([image], tmp_path / "plain"))
        index = json.loads(files[name])
        index["annotations"] = {"k": "v"}
        index["manifests"][0]["platform"] = {"os": "linux", "architecture": "amd64"}
        files[name] = json.dumps(index).encode()
    else:
        files = read_files(write_docker_archive([image], tmp_path / "plain.tar"))
        files.setdefault("repositories", b'{"demo": {"1": "x"}}')
    good = str(write_members(files, tmp_path / "good.tar"))
    source = str(tmp_path / "in.tar")
    for number, value in enumerate(changed(json.loads(files[name]))):
        write_members({**files, name: json.dumps(value).encode()}, Path(source))
        calls = [["inspect", source], ["verify", source], ["check", source], ["diff", source, good]]
        calls.append(["repack", source, "--to", "oci", "--dry-run"])
        for call in calls:
            as_json = ["--json"] if number % 2 else []
            status, text = printed([*call, *as_json], terminal=terminal)
            assert status < 7, (call, value, text)
            assert RAW.search(OURS.sub("", text)) is None, (call, value, text)
