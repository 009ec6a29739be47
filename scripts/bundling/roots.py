"""The jobs of the README with the one file, in root folders that have no Python.

As a user without a home, /tmp mounted noexec, all read-only but one folder of work. Docker and ctr
are stand-ins of a few lines: what is asked here is whether the file runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bundling.shell import ROOT, die, say

sys.path.insert(0, str(ROOT))

from tests.pages import README, Block, blocks, matches, read, section, shown

_JOBS = "Six jobs"
_ENTER = """
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount -t tmpfs -o noexec,mode=1777 tmpfs "$0/tmp"
mount --bind "$1" "$0/mnt"
mount -o remount,ro,bind "$0"
exec chroot --userspec=65534:65534 "$0" /usr/bin/env -i PATH=/mnt/bin:/usr/bin:/bin \
    HOME=/nonexistent LC_ALL=C.UTF-8 COLUMNS=80 bash -uo pipefail -c 'cd /mnt/work; eval "$0"' "$2"
"""
_DOCKER = """#!/bin/sh
case "$*" in
    "save app:1.2 db:15 -o "*) cp testdata/docker20.tar "$5" ;;
    "save app:1.2") cat testdata/docker20.tar ;;
    "save app:1.3") cat testdata/docker28.tar ;;
    "load -i "*) [ -s "$3" ] ;;
    *) exit 2 ;;
esac
"""
_CTR = '#!/bin/sh\nfor last; do :; done\n[ -s "$last" ]\n'


def check(file: Path, folders: list[Path]) -> None:
    """Run the jobs in each folder; ends the run where one fails.

    Args:
        file: the one file.
        folders: root folders.
    """
    if os.geteuid() != 0:
        die("check needs root: it changes into other root folders")
    for root in folders:
        with tempfile.TemporaryDirectory() as folder:
            inside = Path(folder)
            _furnish(inside, file)
            _no_python(root.resolve(), inside)
            count = sum(_run(root.resolve(), inside, block) for block in jobs())
            say(f"{root}: {_libc(root.resolve(), inside)}; {count} blocks of commands run")


def jobs() -> list[Block]:
    """The blocks of the README's jobs, then what else starts processes or reads files inside."""
    listed = blocks(section(read(README), _JOBS), README)
    more = (
        "layout --version",
        "mkdir two; cp images.tar hello.tar two",
        "layout batch repack two --to oci -o shelf --jobs 2",
        "layout report images.tar -o images.html && [ -s images.html ]",
        "layout completion bash | grep -q complete",
        "layout check hello.tar --for docker@28",
    )
    return [*listed, Block(README, 0, "sh", more)]


def _furnish(inside: Path, file: Path) -> None:
    inside.chmod(0o755)
    (inside / "bin").mkdir()
    shutil.copy(file, inside / "bin/layout")
    for name, text in (("docker", _DOCKER), ("ctr", _CTR)):
        (inside / "bin" / name).write_text(text, encoding="utf-8")
        (inside / "bin" / name).chmod(0o755)
    (inside / "work").mkdir()
    shutil.copytree(ROOT / "testdata", inside / "work/testdata")
    os.chown(inside / "work", 65534, 65534)


def _enter(root: Path, inside: Path, command: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-euc", _ENTER),
            *(root, inside, command),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _no_python(root: Path, inside: Path) -> None:
    status, printed = _enter(root, inside, "! ls /usr/bin/python3* /usr/local/bin/python3* 2>&-")
    if status:
        die(f"{root} has a Python, so nothing would be shown, or cannot be entered: {printed}")


def _libc(root: Path, inside: Path) -> str:
    _, printed = _enter(root, inside, "ldd --version 2>&1 | head -n 1")
    return printed.strip()


def _run(root: Path, inside: Path, block: Block) -> bool:
    """Run one block; whether there was anything to run."""
    if block.language == "sh":
        status, printed = _enter(root, inside, f"set -e\n{block.text}")
        if status:
            die(f"{root}: {block.text}exits {status}:\n{printed}")
    elif block.language == "console":
        for each in shown(block):
            status, printed = _enter(root, inside, each.command)
            shown_as = matches(each.output, tuple(printed.rstrip().splitlines()))
            # The page has what is printed for amd64; 1 is an answer, more is an error.
            if not shown_as and (status > 1 or _is_amd64(inside / "bin/layout")):
                die(f"{root}: {each.command} prints:\n{printed}")
    return block.language in {"sh", "console"}


def _is_amd64(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(20)[18:] == b"\x3e\0"  # e_machine
