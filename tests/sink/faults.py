"""Lets each call of the system that can fail do so once, and looks at what is left."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack, verify
from oci_layout.disk.folder import Folder
from oci_layout.disk.outputs import Outputs
from oci_layout.disk.sidefile import SideFile
from oci_layout.errors import LayoutError
from tests.builders import make_image, write_docker_archive, write_oci_layout
from tests.builders.registry import repository_name, write_registry

CALLS = (
    "open", "mkdir", "rename", "unlink", "rmdir", "link", "fsync", "write", "pwrite", "pread",
    "ftruncate", "listdir", "scandir", "stat", "fstat", "dup", "copy_file_range", "fpathconf",
    "fchmod", "fchown",
)  # fmt: skip
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES)
SMALL = [{"a": b"1" * 3000}, {"b": b"2" * 3000}]
IMAGE = make_image(SMALL, names=("new:1",), compression="gzip")
OLD = make_image([{"o": b"old"}], names=("old:1",))


class Faults:
    """Counts calls, and lets one of them fail.

    Args:
        at: the number of the call that fails; 0 for none.
        code: errno of it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, code: int) -> None:
        self.count, self.failed = 0, ""
        self._at, self._code, self._lock = at, code, threading.Lock()
        for name in CALLS:
            monkeypatch.setattr(os, name, self._of(name, getattr(os, name)))
        monkeypatch.setattr(Folder, "rename_as", self._of("renameat2", Folder.rename_as))

    def _of(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **more: Any) -> Any:
            with self._lock:
                self.count += 1
                fails = self.count == self._at
            if fails:
                self.failed = name
                raise OSError(self._code, os.strerror(self._code))
            return call(*args, **more)

        return called


class Stage:
    """A folder with a file of the user in it, and a destination that is made again and again."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder, self.target = folder / "work", target
        self.source = write_oci_layout([IMAGE], folder / "in")
        self.archive = write_docker_archive([IMAGE], folder / "in.tar")
        self.kept = folder / "kept"
        self.dest = self.folder / TARGETS[target][0]
        if TARGETS[target][1] == "folder":
            write_oci_layout([OLD], self.kept)
        elif TARGETS[target][1] == "registry":
            write_registry([OLD], self.kept)
        elif TARGETS[target][1] == "file":
            self.kept.write_bytes(b"old")
        self.reset()

    def reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        (self.folder / "thesis").write_bytes(b"chapter 1")
        if self.kept.is_dir():
            shutil.copytree(self.kept, self.dest)
        elif self.kept.exists():
            shutil.copyfile(self.kept, self.dest)

    def run(self) -> None:
        TARGETS[self.target][2](self)

    def found(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }


def written(target: str, **how: Any) -> Callable[[Stage], object]:
    return lambda stage: repack(str(stage.source), str(stage.dest), to=target, jobs=1, **how)


def summed(stage: Stage) -> None:
    verify(str(stage.archive), sums=str(stage.dest), jobs=1)


def reported(stage: Stage) -> None:
    with (
        Outputs(str(stage.source)) as outputs,
        SideFile("--report", str(stage.dest), outputs) as file,
    ):
        file.write(b"new" * 100)


TARGETS: dict[str, tuple[str, str, Callable[[Stage], object]]] = {
    "layout": ("out", "", written("oci")),
    "dir": ("out", "", written("dir")),
    "archive": ("out.tar", "", written("docker")),
    "unpacked archive": ("out.tar", "", written("docker", compression="none")),
    "repacked archive": ("out.tar", "", written("oci", compression="zstd:1")),
    "compressed archive": ("out.tar.gz", "", written("oci")),
    "volumes": ("out.tar", "", written("oci", compression="none", volume_size=30_720)),
    "force layout": ("out", "folder", written("oci", force=True)),
    "force archive": ("out.tar", "file", written("docker", force=True)),
    "append": ("out", "folder", written("oci", append=True)),
    "append to nothing": ("out", "", written("oci", append=True)),
    "registry": ("out", "", written("registry")),
    "registry append": ("out", "registry", written("registry", append=True)),
    "linked": ("out", "", written("oci", link=True)),
    "sums": ("sums", "file", summed),
    "report": ("report", "file", reported),
}


def whole(
    stage: Stage, found: dict[str, bytes], old: dict[str, bytes], new: dict[str, bytes]
) -> str:
    """`old` or `new`; to a layout that is added to, blobs come before the index."""
    if found == new:
        return "new"
    if stage.target == "append" and found["out/index.json"] == old["out/index.json"]:
        assert old.items() <= found.items() <= {**new, "out/index.json": b""}.items() | old.items()
        return "old"
    if stage.target == "registry append":
        current = "out/" + repository_name("new", "_manifests", "tags", "1", "current")
        assert old.items() <= found.items() <= new.items()
        return "new" if current in found else "old"
    assert found == old
    return "old"


def outcomes(folder: Path, target: str, every: int, first: int = 0) -> Counter[str]:
    """Run once for each call of the system, or for some, and let it fail there.

    Args:
        folder: to work in.
        target: one of ``TARGETS``.
        every: of so many calls one fails.
        first: shifts which one it is, and how it fails.

    Returns:
        How often the old one stayed or the new one came, with or without an error.
    """
    stage = Stage(folder, target)
    old = stage.found()
    source = {path: path.read_bytes() for path in stage.source.rglob("*") if path.is_file()}
    with pytest.MonkeyPatch.context() as patched:
        counted = Faults(patched, 0, 0)
        stage.run()
    new = stage.found()
    assert new != old
    assert counted.count > 20
    found: Counter[str] = Counter()
    for at in range(1 + (len(target) + first) % every, counted.count + 1, every):
        stage.reset()
        error: LayoutError | None = None
        with pytest.MonkeyPatch.context() as patched:
            faults = Faults(patched, at, ERRORS[(at // every + first) % len(ERRORS)])
            try:
                stage.run()
            except LayoutError as refused:
                error = refused
        state = whole(stage, stage.found(), old, new)
        assert error is not None or state == "new", f"{faults.failed} {at}: no error"
        if error is not None:
            assert "\n" not in str(error)
            assert error.exit_status in (2, 3, 5)
        found[f"{state}, {'refused' if error else 'done'}"] += 1
        assert {path: path.read_bytes() for path in source} == source
    return found
