"""The command starts fast: what a call does not need is not imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oci_layout.cli.verbs import VERBS
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.command import environment

CALL = """
import os, sys

def leave(status):
    print("MODULES", *sys.modules, file=sys.stderr, flush=True)
    end(status)

end, os._exit = os._exit, leave
from oci_layout.cli.start import run
run()
"""
PACKAGES = ("api", "blobs", "delta", "graph", "havelist", "page", "plan", "sink", "source")
PARTLY = {"report": "page", "batch": "shelf"}  # their requests are there
HEAVY = ("typer", "click", "argparse", "email", "importlib.metadata", "pathlib")
if sys.version_info >= (3, 11):  # before, it is what platform imports, and that is what attrs does
    HEAVY = (*HEAVY, "subprocess")


def loaded(*words: object, completing: str = "") -> set[str]:
    """What is imported in the end."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, *map(str, words)],
        env=environment({"_LAYOUT_COMPLETE": completing} if completing else None),
        capture_output=True,
        text=True,
        check=True,
    )
    _, _, modules = done.stderr.rpartition("MODULES ")
    found = set(modules.split())
    assert "oci_layout.cli.start" in found
    return found


def packages(modules: set[str]) -> set[str]:
    """The packages of the project among them."""
    return {name.split(".")[1] for name in modules if name.startswith("oci_layout.")}


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_the_command_itself_needs_no_verb(word: str) -> None:
    modules = loaded(word)
    assert packages(modules).isdisjoint(PACKAGES)
    assert "oci_layout.cli.inspect" not in modules
    assert modules.isdisjoint(HEAVY)
    assert ("zstandard" in modules) == (word == "--version")


def test_completion_needs_no_more_than_the_options() -> None:
    assert "oci_layout.cli.verify" not in loaded("ver", completing="bash")
    modules = loaded("verify", "--", completing="bash")
    assert "oci_layout.cli.verify" in modules
    assert "oci_layout.cli.main" not in modules
    assert packages(modules).isdisjoint({"api", "graph", "sink", "streams"})
    assert modules.isdisjoint({*HEAVY, "zstandard", "difflib"})


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_reads_or_writes_before_it_is_asked_to(verb: str) -> None:
    modules = loaded(verb, "--", completing="bash")
    assert f"oci_layout.cli.{verb}" in modules
    assert packages(modules).isdisjoint({"api", "page", "shelf", "sink"} - {PARTLY.get(verb)})


@pytest.mark.parametrize("form", ["archive", "layout"])
def test_inspect_needs_what_reads_the_documents(form: str, tmp_path: Path) -> None:
    write = write_docker_archive if form == "archive" else write_oci_layout
    modules = loaded("inspect", write([make_image(names=("a:1",))], tmp_path / "source"))
    assert "oci_layout.source.opening" in modules
    assert packages(modules).isdisjoint({"blobs", "delta", "havelist", "page", "plan", "sink"})
    assert modules.isdisjoint({*HEAVY, "zstandard", "logging"} - {"pathlib"})
    if form == "archive":
        assert modules.isdisjoint({"ctypes", "oci_layout.source.engines"})
    readers = {f"oci_layout.source.kinds.{name}" for name in ("containerds", "dockerstore")}
    assert modules.isdisjoint(readers)


def test_the_usual_end_comes_where_it_is_asked_for(tmp_path: Path) -> None:
    """What was registered runs then, as profilers need it."""
    source = write_docker_archive([make_image(names=("a:1",))], tmp_path / "source.tar")
    call = "import atexit; atexit.register(print, 'the end')\n" + CALL
    for more, ends in (([], False), (["--debug"], True)):
        done = subprocess.run(
            [sys.executable, "-c", call, "inspect", source, *more],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith(str(source))
        assert done.stdout.endswith("the end\n") == ends
        assert ("MODULES" in done.stderr) != ends
