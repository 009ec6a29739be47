"""Memory of a million files: each verb in a process of its own, as the kernel counts it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tarfile
import weakref
from pathlib import Path

import pytest

from oci_layout import files
from oci_layout.rootfs import merge
from oci_layout.rootfs.table import PathTable
from tests.builders import Layer, write_oci_layout
from tests.builders.trees import image_of
from tests.conftest import Figure
from tests.rootfs.entries import entry, layer
from tests.rootfs.made import written

FILES = 1_000_000
BOUND = 100 << 10  # KiB over the interpreter
FOLDER = "usr/share/some/where"
# A process that has just begun waits: what it has itself would count as its child's.
_PROGRAM = """
import os, sys
def peak(*words):
    child = os.posix_spawn(sys.executable, [sys.executable, *words], os.environ)
    _, status, usage = os.wait4(child, 0)
    return usage.ru_maxrss, os.waitstatus_to_exitcode(status)
before, _ = peak("-c", "pass")
most, status = peak("-m", "oci_layout", *sys.argv[1:])
print(most - before, status, file=sys.stderr)
"""
VERBS = {
    "diff --files": ("diff", "{a}", "{b}", "--files"),
    "diff --rootfs": ("diff", "{a}", "{b}", "--rootfs"),
    "files --changed": ("files", "{a}", "--changed", "0", "0"),
    "cat": ("cat", "{a}", f"{FOLDER}/{(FILES - 1) // 1000:04}/file-{FILES - 1:07}.py"),
}


def test_a_table_goes_when_the_last_file_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and not when somebody looks for cycles: the next pass makes one of its own."""
    made: list[weakref.ref[PathTable]] = []

    class Watched(PathTable):
        def __init__(self) -> None:
            super().__init__()
            made.append(weakref.ref(self))

    monkeypatch.setattr(merge, "PathTable", Watched)
    gc.disable()
    try:
        assert len(list(files(written(tmp_path, layer(entry("d/f")), layer(entry("g")))))) == 3
        assert [each() for each in made] == [None]
    finally:
        gc.enable()


def _header(name: str, size: int, mtime: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, mtime
    return info.tobuf(tarfile.USTAR_FORMAT)


def _image(dest: Path, mtime: int, order: range, change: int) -> Path:
    pieces = []
    for number in order:
        data = b"line %d\nsecond %d\n" % (number, number // change)
        name = f"{FOLDER}/{number // 1000:04}/file-{number:07}.py"
        pieces += [_header(name, len(data), mtime), data, bytes(-len(data) % 512)]
    return write_oci_layout([image_of(Layer(b"".join([*pieces, bytes(1024)]), "gzip"))], dest)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two images of a million files in opposite orders, of other times."""
    folder = tmp_path_factory.mktemp("million")
    return {
        "a": _image(folder / "a", 1000, range(FILES), FILES),
        "b": _image(folder / "b", 2000, range(FILES - 1, -1, -1), FILES - 1),
    }


@pytest.mark.skipif(not os.environ.get("OCI_LAYOUT_SLOW"), reason="a million files: slow")
@pytest.mark.parametrize("verb", VERBS)
def test_memory_is_bounded(verb: str, images: dict[str, Path], figure: Figure) -> None:
    words = [each.format(**images) for each in VERBS[verb]]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words], capture_output=True, check=False
    )
    taken, status = map(int, done.stderr.split())
    figure(f"memory of {verb} of a million files: {taken >> 10} MiB over the interpreter")
    assert status in (0, 1)
    assert taken < BOUND
