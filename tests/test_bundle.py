"""What scripts/bundle makes for hosts without a network.

The one file takes minutes to make, so a finished one is tested: OCI_LAYOUT_BUNDLE names it. The
.pyz and the wheels are made here, for this Python and machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.builders import make_image
from tests.builders.artifacts import of_image, write_layout
from tests.builders.signatures import classic, public_pem, tagged
from tests.pages import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from bundling import contents, lock  # type: ignore[import-not-found]

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
BUNDLE = os.environ.get("OCI_LAYOUT_BUNDLE", "")
ONE_FILE = pytest.mark.skipif(not BUNDLE, reason="OCI_LAYOUT_BUNDLE names no one file")
FLOOR = (2, 28)


def scripts_bundle(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/bundle", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if "index" in done.stderr + done.stdout and done.returncode:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dist/ for this Python and machine, without the one file."""
    folder = tmp_path_factory.mktemp("bundle")
    own = ("--python", HERE, "--arch", platform.machine())
    scripts_bundle("pyz", "wheels", "share", *own, "--output", folder / "dist")
    return folder / "dist"


@pytest.fixture(params=["pyz", pytest.param("one file", marks=ONE_FILE)])
def command(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What starts layout out of one file, however that was made."""
    if request.param == "pyz":
        (pyz,) = request.getfixturevalue("made").glob("*.pyz")
        yield [sys.executable, str(pyz)]
    else:
        yield [str(Path(BUNDLE).resolve())]


def run(command: list[str], *words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """In an empty environment, in which nothing of this checkout is found."""
    return subprocess.run(
        [*command, *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_it_has_its_libraries_inside(command: list[str], tmp_path: Path) -> None:
    done = run(command, "--version", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "absent" not in done.stdout
    assert re.search(r"^zstandard \S+ \(cext, ", done.stdout, re.MULTILINE), done.stdout
    locked = (ROOT / "scripts/bundling/locked.txt").read_text(encoding="utf-8")
    for name in ("isal", "cryptography", "zstandard"):
        (version,) = re.findall(rf"^{name}==(\S+)", locked, re.MULTILINE)
        assert f"{name} {version}" in done.stdout


def test_workers_are_processes_of_it(command: list[str], tmp_path: Path) -> None:
    """Each, and what cleans up behind them, is this file started again."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in ("docker20.tar", "docker28.tar", "podman-oci-archive.tar"):
        shutil.copy(ROOT / "testdata" / name, shelf)
    words = ("batch", "repack", "shelf", "--to", "oci", "-o", "done", "--jobs", "2")
    done = run(command, *words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert len(list((tmp_path / "done").iterdir())) == 3


def test_it_runs_where_files_in_memory_must_not_be_programs(
    command: list[str], tmp_path: Path
) -> None:
    """The setting is of a namespace of process ids, so no other process is concerned."""
    enter = ("unshare", "--pid", "--fork", "--mount-proc", "sh", "-euc")
    strict = "echo 2 >/proc/sys/vm/memfd_noexec"
    if os.geteuid() != 0 or run([*enter, strict], folder=tmp_path).returncode:
        pytest.skip("needs root and Linux 6.3")
    done = run([*enter, f'{strict}; exec "$0" "$@"', *command, "--version"], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "absent" not in done.stdout


def test_it_reads_files_of_the_package(command: list[str], tmp_path: Path) -> None:
    source = ROOT / "testdata/docker20.tar"
    done = run(command, "report", source, "-o", "page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert (ROOT / "oci_layout/page/page.css").read_text(encoding="utf-8") in page
    done = run(command, "completion", "fish", folder=tmp_path)
    assert done.stdout == (ROOT / "oci_layout/cli/shells/layout.fish").read_text(encoding="utf-8")


def test_signatures_are_checked(command: list[str], tmp_path: Path) -> None:
    """The cryptography inside answers."""
    app = of_image(make_image([{"a": b"1"}], names=("app:1",)))
    key, other = (ed25519.Ed25519PrivateKey.generate() for _ in range(2))
    signature = classic(app.digest, key)
    entries = [app.entry(), tagged(signature, app.digest, name="app")]
    write_layout(tmp_path / "app", entries, app, signature)
    (tmp_path / "key.pem").write_bytes(public_pem(key))
    (tmp_path / "other.pem").write_bytes(public_pem(other))
    good = ("verify", "app", "--require-signature", "--key", "key.pem")
    done = run(command, *good, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(command, *good[:-1], "other.pem", folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr


@ONE_FILE
def test_it_says_what_it_cannot_take_in(tmp_path: Path) -> None:
    words = ("batch", "verify", tmp_path, "--cluster", "tcp://127.0.0.1:1")
    done = run([BUNDLE], *words, folder=tmp_path)
    assert done.returncode == 2
    assert "install oci-layout[cluster] with pip" in done.stderr


@ONE_FILE
def test_it_writes_nothing_but_what_is_asked(tmp_path: Path) -> None:
    """No cache and no unpacked library: no file anywhere is opened for writing."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    log = tmp_path / "log"
    traced = [strace, "-f", "-e", "trace=open,openat,creat,mkdir,rename", "-o", str(log), BUNDLE]
    done = run(traced, "--version", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    calls = log.read_text(encoding="utf-8")
    assert "openat(" in calls
    written = [
        line for line in calls.splitlines() if re.search(r"O_WRONLY|O_RDWR|O_CREAT|mkdir", line)
    ]
    assert written == []


@ONE_FILE
def test_it_asks_for_an_old_c_library() -> None:
    content = Path(BUNDLE).read_bytes()
    parts = [content]
    with zipfile.ZipFile(BUNDLE) as archive:
        parts += [archive.read(name) for name in archive.namelist() if name.endswith(".so")]
    assert len(parts) == 7
    for part in parts:
        asked = {
            tuple(map(int, each.split(b"."))) for each in re.findall(rb"GLIBC_([\d.]+)\0", part)
        }
        assert asked
        assert max(asked) <= FLOOR


@ONE_FILE
def test_the_list_of_parts_is_of_this_file() -> None:
    parts = json.loads(Path(f"{BUNDLE}.cdx.json").read_text(encoding="utf-8"))
    names = {each["name"] for each in parts["components"]}
    assert {"cpython", "openssl", "zlib", "sqlite", "libffi", "zstd", "isa-l"} <= names
    assert {"attrs", "isal", "zstandard", "cryptography"} <= names
    done = subprocess.run(["sha256sum", BUNDLE], capture_output=True, text=True, check=True)
    (own,) = parts["metadata"]["component"]["hashes"]
    assert own["content"] == done.stdout.split()[0]
    with zipfile.ZipFile(BUNDLE) as archive:
        licences = {
            name.split("/")[1] for name in archive.namelist() if name.startswith("licences/")
        }
    assert {"cpython", "libssl-dev", "oci-layout", "zstandard", "cryptography"} <= licences


def test_the_pyz_is_the_same_in_any_folder(made: Path, tmp_path: Path) -> None:
    own = ("--python", HERE, "--arch", platform.machine())
    scripts_bundle("pyz", "share", *own, "--output", tmp_path)
    for path in tmp_path.glob("layout-*"):
        assert path.read_bytes() == (made / path.name).read_bytes(), path.name


def test_an_old_python_is_told_what_is_needed(made: Path, tmp_path: Path) -> None:
    old = [
        path for path in Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python") if path.exists()
    ]
    if not old:
        pytest.skip("no Python 3.6 to 3.9 is here")
    (pyz,) = made.glob("*.pyz")
    for python in old:
        done = run([str(python), str(pyz)], "--version", folder=tmp_path)
        assert done.returncode == 1
        assert re.fullmatch(
            r"layout: needs Python 3\.\d+ or later, this is 3\.\d; .*\n", done.stderr
        )


def test_the_sums_are_those_of_the_files(made: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    listed = (made / "SHA256SUMS").read_text(encoding="utf-8")
    for path in made.rglob("*"):
        assert path.is_dir() or path.name == "SHA256SUMS" or path.name in listed


def test_the_lock_has_what_the_project_needs() -> None:
    """Another dependency, or another floor, needs scripts/bundle lock."""
    locked = (ROOT / "scripts/bundling/locked.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", locked, re.MULTILINE))
    for need in lock.wanted():
        name, floor = re.fullmatch(r"([a-z]+)>=([\d.]+).*", need).groups()  # type: ignore[union-attr]
        assert tuple(map(int, pinned[name].split("."))) >= tuple(map(int, floor.split(".")))


def test_a_shared_object_loads_without_what_debuggers_read(tmp_path: Path) -> None:
    isal = importlib.util.find_spec("isal")
    folders = [] if isal is None else list(isal.submodule_search_locations or ())
    for path in (path for each in folders for path in Path(each).glob("igzip_lib*.so")):
        whole = path.read_bytes()
        kept = contents.loadable(whole + bytes(1 << 20))
        assert len(kept) <= len(whole)
        assert struct.unpack_from("<H", kept, 60) == (0,)
        small = tmp_path / path.name
        small.write_bytes(kept)
        words = "import sys; sys.path.insert(0, '.'); import igzip_lib; print(igzip_lib.__file__)"
        done = run([sys.executable, "-S", "-c", words], folder=tmp_path)
        assert str(small.name) in done.stdout, done.stderr
        return
    pytest.skip("isal is not here")
