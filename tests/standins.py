"""What stands in for engines and set-up scripts where the pages' commands are run.

Engines save images of testdata under the names asked for, and load what `layout check` says that
several of their versions load; tests/interop asks real engines. `scripts/demo`, `scripts/lint` and
`scripts/test` are the real ones on a checkout that is set up already; of every other script the
usage is checked.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.builders import make_image, name_annotations, write_docker_archive
from tests.builders.artifacts import of_image, write_layout
from tests.builders.containerdroot import of_images, write_containerd_root
from tests.builders.containersroot import write_containers_root
from tests.builders.dockerroot import write_docker_root
from tests.builders.signatures import SLSA, bundled, classic, public_pem, statement, tagged
from tests.forking import address

ROOT = Path(__file__).resolve().parent.parent
SAVED = ("docker20.tar", "skopeo-oci-gzip", "podman-docker-archive.tar")
# The command: asks for a process that is forked off one in which its modules are loaded.
CLIENT = """\
import json, os, signal, socket, sys
link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
link.connect("\\0{address}")
request = [sys.argv[1:], os.getcwd(), dict(os.environ), ""]
socket.send_fds(link, [json.dumps(request).encode()], [0, 1, 2])
link.recv(64)
status = os.waitstatus_to_exitcode(int(link.recv(64)))
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""
LOADING = {
    "docker": ("docker@20.10", "docker@28", "docker@29+containerd"),
    "ctr": ("containerd@1.6", "containerd@1.7", "containerd@2.1"),
    "podman": ("podman@4.3", "podman@5.8"),
}


def sandbox(folder: Path, columns: str = "80") -> Mapping[str, str]:
    """Prepare a folder in which commands of the pages are run; the environment for them."""
    (folder / "testdata").symlink_to(ROOT / "testdata")
    (folder / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    hello = make_image([{"etc/motd": b"hello\n"}, {"srv/a": b"1"}], names=("hello:1",))
    write_docker_root([hello], folder / "olddisk/var/lib/docker")
    node = folder / "oldnode/var/lib/rancher/k3s/agent/containerd"
    write_containerd_root({"k8s.io": of_images([hello])}, node)
    packed = make_image([{"etc/motd": b"hello\n"}], names=("web:1",), compression="gzip")
    write_containers_root([packed], folder / "oldhome/.local/share/containers/storage")
    _write_signed(folder)
    _write_releases(folder)
    bin_, scripts, home = (folder / name for name in (".bin", "scripts", ".home"))
    for each in (bin_, scripts, home):
        each.mkdir()
    run = f'#!/bin/sh\nexec "{sys.executable}" -m '
    _write(bin_ / "layout", f"#!{sys.executable} -IS\n{CLIENT.format(address=address())}")
    for engine in LOADING:
        _write(bin_ / engine, f'{run}tests.standins engine {engine} "$@"\n')
    _write(bin_ / "id", '#!/bin/sh\n[ "$*" = -u ] && echo 0\n')
    for script in sorted((ROOT / "scripts").iterdir()):
        if script.is_file() and os.access(script, os.X_OK):
            _write(scripts / script.name, f'{run}tests.standins script {script.name} "$@"\n')
    for name in ("demo", "lint", "test"):
        (scripts / name).unlink()
        shutil.copy(ROOT / "scripts" / name, scripts / name)
    tools = "".join(f'cp "$b/tool" .venv/bin/{name}\n' for name in ("python", "ruff", "mypy"))
    _write(bin_ / "tool", f'{run}tests.standins tool "$(basename "$0")" "$@"\n')
    _write(
        scripts / "venv",
        f'#!/bin/sh\nb="{bin_}"\nmkdir -p .venv/bin\ncp "$b/layout" .venv/bin/layout\n{tools}',
    )
    return {
        **os.environ,
        "COLUMNS": columns,
        "HOME": str(home),
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
    }


def _write_signed(folder: Path) -> None:
    """A signed image with its provenance, as ``cosign save`` has it; the same on each run."""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    (folder / "cosign.pub").write_bytes(public_pem(key))
    app = of_image(make_image([{"etc/motd": b"hello\n"}], names=("app:1.2",)))
    predicate = {
        "builder": {"id": "https://ci.example.com/builder"},
        "buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {
            "configSource": {"uri": "https://git.example.com/app", "digest": {"sha1": "cafe01"}}
        },
        "materials": [{"uri": "pkg:docker/alpine@3.19", "digest": {"sha256": "ab" * 32}}],
    }
    more = [
        classic(app.digest, key, claims={"env": "prod"}),
        bundled(app.entry(), key, raw=statement(app.digest, SLSA, predicate)),
    ]
    entries = [
        app.entry(annotations=name_annotations("app:1.2")),
        tagged(more[0], app.digest, name="app"),
    ]
    write_layout(folder / "app", [*entries, more[1].entry()], app, *more)


def _write_releases(folder: Path) -> None:
    """Two releases of an image, which differ in the top layer, and another image on their base."""

    def noise(name: str, size: int) -> bytes:
        return hashlib.shake_128(name.encode()).digest(size)

    base = {"usr/lib/base": noise("base", 80_000)}
    for release in ("1.2", "1.3"):
        program = noise("app", 12_000) + release.encode()
        image = make_image([base, {"srv/app": program}], names=(f"app:{release}",))
        write_docker_archive([image], folder / f"app-{release}.tar")
    database = make_image([base, {"srv/db": noise("db", 30_000)}], names=("db:15",))
    write_docker_archive([database], folder / "db-15.tar")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _layout(*words: str) -> int:
    return subprocess.run(["layout", *words], check=False).returncode


def _option(words: list[str], *names: str) -> str | None:
    """Take an option with its value out of a command line."""
    for name in names:
        if name in words:
            at = words.index(name)
            value = words[at + 1]
            del words[at : at + 2]
            return value
    return None


def _save(names: list[str], output: str, target: str) -> int:
    assert names, "no image is named"
    assert len(names) <= len(SAVED)
    parts: list[str] = []
    for name, source in zip(names, SAVED, strict=False):
        part = f".saved-{len(parts)}.tar"
        words = ["--to", target, "--name", name, "-o", part, "--force", "--quiet"]
        if _layout("repack", f"testdata/{source}", *words):
            return 1
        parts.append(part)
    return _layout("merge", *parts, "--to", target, "-o", output, "--quiet")


def _load(engine: str, path: str) -> int:
    if path == "-":
        path = ".loaded.tar"
        with open(path, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    targets = ",".join(LOADING[engine])
    kept = Path(os.environ["HOME"]) / f".loaded-{engine}"  # what is there already
    before = kept.read_text().splitlines() if kept.exists() else []
    have = [word for each in before if os.path.exists(each) for word in ("--have", each)]
    status = _layout("check", path, "--for", targets, "--platform", "linux/amd64", *have)
    if status == 0 and path != ".loaded.tar":
        kept.write_text("".join(f"{each}\n" for each in (*before, os.path.abspath(path))))
    return status


def engine(name: str, words: list[str]) -> int:
    """Do what an engine does with a command line."""
    if name == "ctr":
        _option(words, "-n", "--namespace")
        match words:
            case ["images", "import", path]:
                return _load(name, path)
            case ["images", "export", path, *names]:
                return _save(names, path, "oci")
    else:
        match words[0]:
            case "load":
                path = _option(words, "-i", "--input") or "-"
                assert words == ["load"], words
                return _load(name, path)
            case "save":
                output = _option(words, "-o", "--output") or "-"
                return _save(words[1:], output, "docker")
    print(f"{name}: no such command: {words}", file=sys.stderr)
    return 2


def script(name: str, words: list[str]) -> int:
    """Whether a script exists and knows the options it is given."""
    path = ROOT / "scripts" / name
    text = path.read_text(encoding="utf-8")
    if text.startswith("#!/usr/bin/env python3"):
        asked = [sys.executable, str(path), *words, "--help"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        text = done.stdout
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    unknown = [each for each in options if not re.search(rf"(?<!\S|-){re.escape(each)}\b", text)]
    print(f"{name}: unknown: {', '.join(unknown)}" if unknown else f"{name}: known")
    return 1 if unknown else 0


def tool(name: str, words: list[str]) -> int:
    """A tool of the developers, as far as scripts/lint and scripts/test call it."""
    assert stat.S_ISREG((Path(".venv/bin") / name).stat().st_mode)
    print(name, *words)
    return 0


if __name__ == "__main__":
    kind, called, *rest = sys.argv[1:]
    sys.exit({"engine": engine, "script": script, "tool": tool}[kind](called, rest))
