"""What completes the words of a command line, asked as the shells ask."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oci_layout.cli import completing, verbs
from oci_layout.cli.asked import Group
from oci_layout.cli.completing import candidates, lines
from oci_layout.cli.verbs import VERBS
from oci_layout.filediff.ignoring import Ignored
from oci_layout.signatures.policy import SignatureType
from oci_layout.targets.target import ENGINES
from tests.command import argv_of, environment, layout

SHELLS = ("bash", "zsh", "fish")


def words(line: str) -> list[str]:
    """Candidates for the last word of a line, which is empty after a blank."""
    return [word for word, _ in candidates(line.split(" "))]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", list(VERBS)),
        ("ver", ["verify"]),
        ("--v", ["--version"]),
        ("help re", ["repack", "report"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("verify --chec", ["--check"]),
        ("verify --check ", ["full", "digests", "quick"]),
        ("verify --check=q", ["--check=quick"]),
        ("verify x.tar --check full --chec", []),
        ("repack x --to o", ["oci"]),
        ("repack -o --to --at", ["--attestations"]),
        ("repack x --name ", []),
        ("files x --changed 1 --js", []),
        ("files x --changed 1 2 --js", ["--json"]),
        ("verify -- --", []),
        ("verify --foo --jso", ["--json"]),
        ("verify ", []),
        ("nothing --", []),
        ("diff a b --ignore m", ["mtime", "mode"]),
        ("diff a b --ignore mtime,", ["mtime," + word for word in list(Ignored)[1:]]),
        ("diff a b --ignore=mtime,ow", ["--ignore=mtime,owner"]),
        ("repack x --compression ", ["auto", "keep", "none", "gzip", "zstd"]),
        ("check x --for ", list(ENGINES)),
        ("check x --for k3", ["k3s", "k3d"]),
        ("check x --for podm", ["podman", "podman@4.3", "podman@5.8"]),
        ("check x --for docker@29", ["docker@29", "docker@29+containerd"]),
        ("check x --for skopeo,nerd", ["skopeo,nerdctl", "skopeo,nerdctl@2.1"]),
        ("report x --for=cri", ["--for=cri-o", "--for=cri-o@1.34"]),
        ("repack x --have y --for podman@4", ["podman@4.3"]),
        ("verify x --attestation slsa", ["slsaprovenance", "slsaprovenance02", "slsaprovenance1"]),
        ("verify x --signature ", list(SignatureType)),
        ("verify x --trust-level p", ["permissive"]),
    ],
)
def test_what_may_come_next(line: str, wanted: list[str]) -> None:
    assert words(line) == wanted


def test_options_that_are_there_are_offered_again_only_where_they_may_be_given_again() -> None:
    found = words("repack x --image a --force --")
    assert "--image" in found
    assert "--force" not in found
    assert "-o" in words("repack x -")
    assert "-o" not in found


def test_bash_breaks_words_at_each_equals_sign() -> None:
    assert lines("bash", ["repack", "--to", "=", "o"]) == ["oci"]
    assert lines("bash", ["repack", "--to", "="]) == ["oci", "docker", "dir", "registry"]
    assert lines("bash", ["repack", "--to", "=", "oci", "--on-con"]) == ["--on-conflict"]
    assert lines("zsh", ["repack", "--to=o"])[0].startswith("--to=oci\t")


def test_bash_breaks_words_at_other_letters_too() -> None:
    assert lines("bash", ["check", "x", "--for", "docker", "@", "20"]) == ["@20.10"]
    assert lines("bash", ["check", "x", "--for", "containerd", "@"]) == ["@1.6", "@1.7", "@2.1"]
    assert lines("bash", ["check", "x", "--for", "pod"]) == ["podman", "podman@4.3", "podman@5.8"]
    assert lines("bash", ["repack", "x", "--image", "app", ":", "1", "--app"]) == ["--append"]
    assert lines("bash", ["check", "--for", "=", "podman", "@", "5"]) == ["@5.8"]


def test_each_option_of_some_words_offers_them() -> None:
    """Whatever has a fixed set of words, of whatever verb, offers all of it."""
    for verb in VERBS:
        command = verbs.command_of(verb)
        every = command.commands.values() if isinstance(command, Group) else [command]
        for each in every:
            for option in each.options:
                if option.words or option.offered:
                    found = [word for word, _ in completing.values(option, "")]
                    assert found == list(option.words or option.offered), option.spelled


def test_nothing_at_all() -> None:
    assert lines("bash", [])[: len(VERBS)] == list(VERBS)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script(shell: str, tmp_path: Path) -> None:
    done = layout("completion", shell)
    assert done.returncode == 0
    assert f"_LAYOUT_COMPLETE={shell}".encode() in done.stdout
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_bytes(done.stdout)
    subprocess.run([program, "-n", tmp_path / "script"], check=True)


def test_another_shell() -> None:
    done = layout("completion", "tcsh")
    assert done.returncode == 2
    assert b"'tcsh' is none of bash, zsh, fish" in done.stderr


def asked(shell: str, *typed: str) -> list[str]:
    """What comes out of the command as a shell calls it."""
    done = subprocess.run(
        argv_of(*typed),
        env=environment({"_LAYOUT_COMPLETE": shell}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_command_answers() -> None:
    assert asked("bash", "ver") == ["verify"]
    assert asked("fish", "ver") == [f"verify\t{VERBS['verify']}"]
    assert asked("bash", "repack", "") == []
    assert asked("bash", "check", "x", "--for", "skop")[0] == "skopeo"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with ``layout`` on the PATH, its scripts, and one file."""
    command = tmp_path / "bin/layout"
    command.parent.mkdir()
    inner = environment()["PYTHONPATH"]
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={inner} exec {sys.executable} -m oci_layout "$@"\n',
        encoding="utf-8",
    )
    command.chmod(0o755)
    for shell in SHELLS:
        (tmp_path / f"script.{shell}").write_bytes(layout("completion", shell).stdout)
    (tmp_path / "saved.tar").touch()
    return tmp_path


STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], "source ./script.bash"),
    "zsh": (["-f", "-i"], "autoload -U compinit && compinit -u && source ./script.zsh"),
}


@pytest.mark.parametrize("shell", STARTS)
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("layout verif\t", "layout verify "),
        ("layout repack saved.tar --attest\t", "--attestations "),
        ("layout repack saved.tar --to dock\t", "--to docker "),
        ("layout repack saved.tar --to=dock\t", "--to=docker "),
        ("layout verify sav\t", "layout verify saved.tar "),
        ("layout diff a b --ignore mtime,hist\t", "--ignore mtime,history "),
        # To the beginning, "echo", Enter: what a shell draws of such a word is not the word.
        (
            "layout check saved.tar --for docker@20\t\x01echo \n",
            "\nlayout check saved.tar --for docker@20.10",
        ),
    ],
)
def test_a_shell_completes(shell: str, typed: str, becomes: str, home: Path) -> None:
    """What the shell shows after a Tab, on a terminal."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    flags, start = STARTS[shell]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(home)
        inner = {"PATH": f"{home}/bin:{os.environ['PATH']}", "HOME": str(home), "TERM": "dumb"}
        os.execve(program, [shell, *flags], inner)  # noqa: S606  the shell itself
    try:
        os.write(terminal, f"PS1=READY; {start}\necho begun$((40 + 2))\n".encode())
        assert "begun42" in until(terminal, "begun42")
        os.write(terminal, typed.encode())
        assert becomes in until(terminal, becomes)
    finally:
        os.close(terminal)
        os.kill(process, 9)
        os.waitpid(process, 0)


def until(terminal: int, wanted: str) -> str:
    """What a terminal shows, until it shows what is wanted, or nothing more for long."""
    shown = ""
    end = time.monotonic() + 30
    poll = select.poll()  # select.select() takes no descriptors over 1023
    poll.register(terminal, select.POLLIN)
    while wanted not in shown and time.monotonic() < end:
        if poll.poll(1000):
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("layout verif", ["verify"]),
        ("layout repack saved.tar --to dock", ["docker"]),
        ("layout verify sav", ["saved.tar"]),
    ],
)
def test_fish_completes(typed: str, wanted: list[str], home: Path) -> None:
    program = shutil.which("fish")
    if program is None:
        pytest.skip("fish is not installed")
    done = subprocess.run(
        [program, "--no-config", "-c", f"source script.fish; complete -C '{typed}'"],
        cwd=home,
        env={"PATH": f"{home}/bin:{os.environ['PATH']}", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == wanted
