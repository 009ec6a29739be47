"""The help: examples that do what they say, and ways to ask for it."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import pytest

from oci_layout import __version__
from tests.builders import make_image, name_annotations, write_docker_archive
from tests.builders.artifacts import of_image, write_layout
from tests.builders.signatures import classic, private, public_pem, tagged
from tests.command import layout

VERBS = ("repack", "verify", "inspect", "diff", "check", "merge", "edit", "list", "tag", "rm", "gc")
ALLOWED = {"diff": {0, 1}}  # a difference is an answer


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_runs(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hello, other = make_image(names=("hello:1",)), make_image([{"b": b"2"}], names=("other:1",))
    write_docker_archive([hello], tmp_path / "saved.tar")
    write_docker_archive([other], tmp_path / "other.tar")
    built, key = of_image(hello), private()
    signature = classic(built.digest, key)
    entries = [
        built.entry(annotations=name_annotations("hello:1")),
        tagged(signature, built.digest),
    ]
    write_layout(tmp_path / "folder", entries, built, signature)
    (tmp_path / "cosign.pub").write_bytes(public_pem(key))
    for each in ("amd64", "arm64"):
        image = make_image(names=("app:1",), architecture=each)
        write_docker_archive([image], tmp_path / f"{each}.tar")
    examples = importlib.import_module(f"oci_layout.cli.{verb}").EXAMPLES
    shown = layout(verb, "--help").stdout.decode()
    assert examples
    for line in examples:
        assert line in " ".join(shown.split())
        first, *words = shlex.split(line)
        assert first == "layout"
        done = layout(*words)
        assert done.returncode in ALLOWED.get(verb, {0}), (line, done.stderr)


@pytest.mark.parametrize("verb", VERBS)
def test_help_in_three_ways(verb: str) -> None:
    shown = {layout(*words).stdout for words in ((verb, "--help"), (verb, "-h"), ("help", verb))}
    assert len(shown) == 1
    text = shown.pop().decode()
    assert "Examples:" in text
    assert "Exit status:" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_help_of_all() -> None:
    assert layout("help").stdout == layout("--help").stdout
    for flag in ("-V", "--version"):
        assert layout(flag).stdout.decode().split() == ["layout", __version__]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_LAYOUT_COMPLETE", f"source_{shell}")
    assert b"_LAYOUT_COMPLETE" in layout().stdout
    monkeypatch.setenv("_LAYOUT_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", "layout ver")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "layout ver")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert b"verify" in layout().stdout
