"""Four ways to write, what is there before and after each, and what a broken run may leave."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import independent
from tests.builders import write_docker_archive, write_oci_layout
from tests.builders.trees import blob_name, fingerprint, heavy_image, read
from tests.command import LEFTOVER, layout, names_in

Print = str | dict[str, str] | None
INDEX_LEFTOVER = ".index.json.layout.tmp"

# Flags of each, and whether something is there before.
TARGETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "new archive": ("dest.tar", ()),
    "append": ("dest", ("--append",)),
    "force archive": ("dest.tar", ("--force",)),
    "force folder": ("dest", ("--force",)),
}
# What is edited in place has no source beside it.
EDITS: dict[str, tuple[str, tuple[str, ...]]] = {
    "edit archive": ("dest.tar", ()),
    "edit layout": ("dest", ()),
}
GROWING = ("append", "edit layout")  # blobs come first, and old ones stay


@dataclass
class Stage:
    """A folder in which one of the targets is written again and again.

    Args:
        folder: holds the destination and nothing else.
        target: a key of `TARGETS`.
        flags: how layers are packed; slow enough to be caught at it.
        finished: whether any run is to come to its end.
        old: what stands at the destination before.
        new: what stands there after a run that nobody disturbs.
    """

    folder: Path
    source: Path
    target: str
    flags: tuple[str, ...] = ("--compression", "gzip", "--jobs", "1")
    finished: bool = True
    old: Print = None
    new: Print = None
    _kept: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._kept = self.source.parent / f"kept-{self.dest.name}"
        if self.target != "new archive" and not self._kept.exists():
            if self.dest.suffix:
                write_docker_archive([heavy_image(2, "old:1", layers=2)], self._kept)
            else:
                write_oci_layout([heavy_image(2, "old:1", layers=2)], self._kept)
        self.reset()
        self.old = fingerprint(self.dest)
        if not self.finished:
            return
        done = layout(*self.words)
        assert done.returncode == 0, done.stderr
        if self.target == "edit layout":  # what the old index led to stays, and no orphan is wrong
            assert layout("verify", self.dest, "-q").returncode == 0
        elif self.dest.is_dir() or self.target not in GROWING:
            independent.check(self.dest)
        self.new = fingerprint(self.dest)
        assert self.new != self.old
        self.reset()

    @property
    def dest(self) -> Path:
        return self.folder / (TARGETS | EDITS)[self.target][0]

    @property
    def words(self) -> list[object]:
        if self.target in EDITS:
            return ["edit", self.dest, "--in-place", "--clamp-time", "0", "--layers", "-q"]
        flags = (*TARGETS[self.target][1], *self.flags, "-q")
        return ["repack", self.source, "--to", "oci", *flags, "-o", self.dest]

    def probe(self) -> int:
        """A number that changes in the moment in which the new one becomes visible."""
        path = self.dest / "index.json" if self.target in GROWING else self.dest
        try:
            return path.stat().st_ino
        except FileNotFoundError:
            return 0

    def reset(self) -> None:
        """Put back what was there before, without leftovers."""
        for name in names_in(self.folder):
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if self.target == "new archive":
            return
        if self._kept.is_dir():
            shutil.copytree(self._kept, self.dest)
        else:
            shutil.copyfile(self._kept, self.dest)

    def untouched(self) -> bool:
        """Whether the old one stands there, and nothing beside it; in a layout, more blobs may."""
        found = fingerprint(self.dest)
        if self.target in GROWING and isinstance(found, dict) and isinstance(self.old, dict):
            found = {name: found[name] for name in found if name in self.old}
        return found == self.old and set(names_in(self.folder)) <= {self.dest.name}

    def state(self) -> str:
        """`old` or `new`; anything else fails."""
        if not os.path.lexists(self.dest):
            assert self.old is None
            return "old"
        found = fingerprint(self.dest)
        if self.target in GROWING:
            assert isinstance(found, dict)
            return self._appended(found)
        assert found in (self.old, self.new), "neither the old one nor the new one"
        return "old" if found == self.old else "new"

    def _appended(self, found: Mapping[str, str]) -> str:
        """Every file is that of before or after; what the index names is there."""
        assert isinstance(self.old, dict)
        assert isinstance(self.new, dict)
        state = "new" if found["index.json"] == self.new["index.json"] else "old"
        whole = self.new if state == "new" else self.old
        assert whole.items() <= dict(found).items()
        strange = set(found) - set(self.new) - {INDEX_LEFTOVER}
        assert not strange, strange
        for name, digest in found.items():
            if name.startswith("blobs/"):
                assert digest == self.new[name]
        files = read(self.dest)
        for entry in json.loads(files["index.json"])["manifests"]:
            assert blob_name(entry["digest"]) in files
        return state

    def leftovers(self) -> list[str]:
        """What lies beside the destination; only names that tell what they are may."""
        names = [name for name in names_in(self.folder) if name != self.dest.name]
        for name in names:
            assert LEFTOVER.fullmatch(name), name
            assert name.startswith(f".{self.dest.name}.layout-")
        return names

    def run_again(self) -> None:
        """The next run succeeds, and removes what the broken one left."""
        words = self.words
        if self.target == "new archive" and self.dest.exists():
            words.append("--force")
        done = layout(*words)
        assert done.returncode == 0, done.stderr
        assert self.state() == "new"
        assert names_in(self.folder) == [self.dest.name]
        if self.target in GROWING:
            assert INDEX_LEFTOVER not in names_in(self.dest)
            assert fingerprint(self.dest) == self.new


def make_stage(folder: Path, target: str, **how: object) -> Stage:
    """A stage with a source of its own beside it."""
    source = folder.with_name(f"source-{folder.name}") / "in.tar"
    source.parent.mkdir(parents=True, exist_ok=True)
    write_docker_archive([heavy_image(1, "heavy:1", layers=4)], source)
    return Stage(folder, source, target, **how)  # type: ignore[arg-type]
