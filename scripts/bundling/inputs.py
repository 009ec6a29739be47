"""What the one file is made of, fetched and known by its sums.

CPython's source and the C libraries come from Debian, through apt and its signatures, into folders
of their own: nothing is installed. Compiler, wheels and the writer of the list of parts come from
pip, pinned in tools.txt and locked.txt.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

from bundling.lock import tags
from bundling.shell import HERE, die, run, sha256

# The suite of the source has security updates longest; the libraries are of a suite whose C library
# is old enough that they ask nothing of a newer one.
SOURCE = ("trixie", "python3.13")
LIBRARIES = (
    "bookworm",
    ("libbz2-dev", "libffi-dev", "liblzma-dev", "libsqlite3-dev", "libssl-dev", "zlib1g-dev"),
)
PYTHON = SOURCE[1].removeprefix("python")
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Apt:
    """Apt with lists and a cache of its own.

    Args:
        folder: for all that it keeps.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._options = [
            *("-o", f"Dir={folder}", "-o", "Dir::State=state", "-o", "Dir::Cache=cache"),
            *("-o", f"Dir::State::status={folder}/status", "-o", "Dir::Etc=etc"),
            *("-o", "Dir::Etc::sourcelist=sources.list", "-o", "Dir::Etc::sourceparts=-"),
            *("-o", "APT::Architectures=amd64,arm64", "-o", "Acquire::Languages=none"),
            # A mirror that stands still is good enough, and nothing is run that needs a user.
            *("-o", "Acquire::Check-Valid-Until=false", "-o", "APT::Sandbox::User=root"),
        ]

    def update(self) -> None:
        """Read the lists of the mirror that this machine uses."""
        if not KEYRING.exists():
            die(f"needs Debian's keys: no {KEYRING} (package debian-archive-keyring)")
        mirrors = {label: _mirror(label) for label in ("Debian", "Debian-Security")}
        for name in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        binary = "arch=amd64,arm64 "
        lines = [
            f"{kind} [{option}signed-by={KEYRING}] {mirrors[label]} {suite}{added} main\n"
            for kind, option, suite in (("deb-src", "", SOURCE[0]), ("deb", binary, LIBRARIES[0]))
            for label, added in (("Debian", ""), ("Debian-Security", "-security"))
        ]
        (self._folder / "etc/sources.list").write_text("".join(lines), encoding="utf-8")
        run(["apt-get", *self._options, "update", "-q"])

    def source(self, package: str, into: Path) -> None:
        into.mkdir(parents=True)
        run(["apt-get", *self._options, "source", "-q", "--download-only", package], folder=into)

    def packages(self, names: list[str], into: Path) -> None:
        into.mkdir(parents=True)
        run(["apt-get", *self._options, "download", "-q", *names], folder=into)


def _mirror(label: str) -> str:
    found = run(
        [
            *("apt-get", "indextargets", "--format", "$(REPO_URI)"),
            *("Identifier: Packages", "Origin: Debian", f"Label: {label}"),
        ]
    ).split()
    if not found:
        die(f"apt knows no mirror of {label}: run apt-get update first")
    return found[0]


def fetch(work: Path, machines: list[str]) -> None:
    """Fill work/inputs with what is not there yet.

    Args:
        work: the folder that is kept between runs.
        machines: for which.
    """
    inputs = work / "inputs"
    apt = Apt(work / "apt")
    wanted = [m for m in machines if not (inputs / f"libraries-{m}").exists()]
    if not (inputs / "source").exists() or wanted:
        apt.update()
    if not (inputs / "source").exists():
        partial = _fresh(inputs / "source.partial")
        apt.source(SOURCE[1], partial)
        partial.rename(inputs / "source")
    for machine in wanted:
        partial = _fresh(inputs / "libraries.partial")
        apt.packages([f"{name}:{DEBIAN[machine]}" for name in LIBRARIES[1]], partial)
        partial.rename(inputs / f"libraries-{machine}")


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder


def tools(work: Path) -> Path:
    """The Python of an environment with the tools of tools.txt."""
    venv = work / "tools"
    pinned = HERE / "tools.txt"
    mark = venv / "installed.txt"
    if not mark.exists() or mark.read_bytes() != pinned.read_bytes():
        shutil.rmtree(venv, ignore_errors=True)
        run([sys.executable, "-m", "venv", venv])
        run([venv / "bin/pip", "install", "-q", "--require-hashes", "-r", pinned])
        shutil.copy(pinned, mark)
    return venv / "bin/python"


def wheels(work: Path, machine: str, version: str) -> list[Path]:
    """The locked wheels for a machine and a version of Python; pip checks the sums.

    Args:
        work: the folder that is kept between runs.
        machine: x86_64 or aarch64.
        version: of Python, such as 3.13.
    """
    pinned = HERE / "locked.txt"
    folder = work / "wheels" / f"{machine}-{version}-{sha256(pinned)[:12]}"
    if not folder.exists():
        partial = _fresh(folder.with_name(f"partial-{os.getpid()}"))
        run(
            [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
            + ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", pinned]
            + [word for tag in tags(machine) for word in ("--platform", tag)]
            + ["--python-version", version, "-d", partial]
        )
        with contextlib.suppress(OSError):  # another run was first
            partial.rename(folder)
        shutil.rmtree(partial, ignore_errors=True)
    return sorted(folder.iterdir())
