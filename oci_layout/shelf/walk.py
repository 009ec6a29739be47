"""The sources on a shelf, in order: folders are walked, and what a file is, its bytes tell."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from oci_layout import limits
from oci_layout.batchlines.kinds import Status
from oci_layout.disk.folder import Identity, identity
from oci_layout.errors import LayoutError, NotAnImageError, ReadError, UsageError
from oci_layout.model.volumelist import SUFFIX
from oci_layout.shelf import marks
from oci_layout.shelf.marks import Marked
from oci_layout.shelf.names import is_ours
from oci_layout.shelf.state import Row
from oci_layout.source.glancing import FolderKind, file_may_hold, folder_kind
from oci_layout.source.parts import parts_among
from oci_layout.source.volumeset import list_at
from oci_layout.where import Where

STANDARD_INPUT = "-"
_ARCHIVE = re.compile(r"\.(tar|tgz|tzst|tbz2?|txz|tar\.(gz|zst|xz|bz2|lz4))$", re.IGNORECASE)
_BINARY = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]")
_SNIFFED = 4096  # bytes of a list of paths
_PATH = 4096  # PATH_MAX


@attrs.frozen(kw_only=True)
class Found:
    """A source on a shelf, or what stands in the way of one.

    Args:
        path: as the user called the shelf, and below it.
        below: its path below the shelf: what its result is called by.
        files: that it is made of: itself, its parts, or its list and volumes.
        sure: whether it must be a source: the user named it, it is called like one, or was one.
        may_hold: whether it may be one, by its first bytes.
        marked: what it looks like now.
        error: why it cannot be read; empty where it can.
    """

    path: str
    below: str
    files: tuple[str, ...] = ()
    sure: bool = False
    may_hold: bool = True
    marked: Marked = attrs.field(factory=lambda: Marked("", 0))
    error: str = ""

    @property
    def key(self) -> str:
        """Its path from the root on: what it is known by."""
        return os.path.abspath(self.path)


Known = Callable[[str], Row | None]


def status_of(shelf: str) -> os.stat_result:
    """What a shelf is.

    Args:
        shelf: its path.

    Raises:
        NotAnImageError: it is not there.
    """
    try:
        return os.stat(shelf)
    except OSError as error:
        raise NotAnImageError(
            what=error.strerror or str(error), where=Where(file=shelf), hint="SHELF is a folder"
        ) from error


class Walk:
    """The sources of some shelves. What is passed over is counted, not kept.

    Args:
        shelves: folders, files with paths, sources; ``-`` for paths on standard input.
        include: globs; a source that none of them fits is passed over. Without any all fit.
        exclude: globs; what one of them fits is passed over, a folder with all that is in it.
        ours: what belongs to this run: its destination, its report.
        known: what is known of a path from the root on.
    """

    def __init__(
        self,
        shelves: Sequence[str],
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        ours: Iterable[Identity] = (),
        known: Known = lambda _path: None,
    ) -> None:
        self._shelves, self._known = tuple(shelves), known
        self._include, self._exclude = _globs(include), _globs(exclude)
        self._ours = set(ours)
        self.passed: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Found]:
        for shelf in self._shelves:
            yield from self._shelf(shelf)

    def _shelf(self, path: str) -> Iterator[Found]:
        """What one argument stands for.

        Raises:
            NotAnImageError: it is not there, or nothing of the kind.
            ReadError: it cannot be read.
        """
        if path == STANDARD_INPUT:
            yield from self._listed(_paths(0, "standard input"))
            return
        status = status_of(path)
        name = os.path.basename(os.path.abspath(path))
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, "", alone=name)
        elif stat.S_ISREG(status.st_mode) and (self._owed(path) or file_may_hold(path)):
            yield from self._file(path, name, sure=True)
        else:
            yield from self._listed(_paths_at(path))

    def _listed(self, paths: Iterable[str]) -> Iterator[Found]:
        for path in paths:
            below = _below(path)
            try:
                status = os.stat(path)
            except OSError as error:
                yield Found(path=path, below=below, error=_said(path, error))
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._folder(path, below, alone=below)
            elif stat.S_ISREG(status.st_mode):
                yield from self._file(path, below, sure=True)
            else:
                yield Found(path=path, below=below, error=f"{path}: not a regular file")

    def _folder(self, top: str, prefix: str, *, alone: str) -> Iterator[Found]:
        """The sources in a folder, and below; the folder itself where it is one.

        Args:
            top: the folder.
            prefix: what paths below it begin with; empty for nothing.
            alone: what it is called where it is a source itself.
        """
        stack: list[Iterator[Found | tuple[str, str]]] = [iter([(top, prefix)])]
        first = True
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
            elif isinstance(step, Found):
                yield step
            else:
                path, below = step
                stack.append(self._entries(path, alone if first else below, below, sure=first))
                first = False

    def _entries(
        self, path: str, called: str, prefix: str, *, sure: bool
    ) -> Iterator[Found | tuple[str, str]]:
        """A folder as a source, or what is in it: sources, and folders to look into."""
        try:
            if identity(os.stat(path)) in self._ours:
                self.passed["ours"] += 1
                return
            files, folders = self._names(path)
        except OSError as error:
            yield Found(path=path, below=called, error=_said(path, error))
            return
        kind = folder_kind(path, files, folders)
        if kind is not None:
            yield from self._told(path, called, kind, sure=sure)
            return
        if self._before(path).was_image and self._wanted(called):
            what = "was an image before, and is none now (another name for what is not one)"
            yield Found(path=path, below=called, error=f"{path}: {what}")
        whole = _whole_ones(path, files)
        inside = {each for each, parts in whole.items() for each in parts[1:]}
        for name in sorted([*files, *folders]):
            below = os.path.join(prefix, name)
            inner = os.path.join(path, name)
            if name in folders:
                if self._fits(self._exclude, below):
                    self.passed["excluded"] += 1
                else:
                    yield inner, below
            elif name not in inside:
                yield from self._file(inner, below, parts=whole.get(name))

    def _names(self, path: str) -> tuple[set[str], set[str]]:
        """The names of files and of folders in a folder; links are passed over.

        Raises:
            OSError: it cannot be read.
        """
        files, folders = set(), set()
        with os.scandir(path) as scanned:
            for entry in scanned:
                if is_ours(entry.name):
                    self.passed["ours"] += 1
                elif entry.is_symlink():
                    self.passed["links"] += 1
                elif entry.is_dir():
                    folders.add(entry.name)
                elif entry.is_file():
                    files.add(entry.name)
                else:
                    self.passed["others"] += 1
        return files, folders

    def _told(self, path: str, below: str, kind: FolderKind, *, sure: bool) -> Iterator[Found]:
        """A folder that is a source."""
        if not self._wanted(below):
            return
        try:  # what an engine or a registry owns may change deep inside
            marked = marks.of_folder(path) if kind is FolderKind.LAYOUT else Marked("", 0)
        except OSError as error:
            yield Found(path=path, below=below, error=_said(path, error))
            return
        yield Found(path=path, below=below, files=(path,), sure=sure, marked=marked)

    def _file(
        self, path: str, below: str, *, sure: bool = False, parts: Sequence[str] | None = None
    ) -> Iterator[Found]:
        """A file, if it is a source."""
        if not self._wanted(below):
            return
        paths = [os.path.join(os.path.dirname(path), each) for each in parts or ()] or [path]
        try:
            status = os.stat(path)
            if identity(status) in self._ours:
                self.passed["ours"] += 1
                return
            marked = (
                marks.of_files(paths)
                if len(paths) > 1
                else Marked(marks.of_status(status), status.st_size)
            )
        except OSError as error:
            yield Found(path=path, below=below, error=_said(path, error))
            return
        before = self._before(path)
        sure = sure or parts is not None
        settled = before.status in (Status.DONE, Status.NO_IMAGE)
        may_hold = True
        if not sure and not (settled and before.mark == marked.mark != ""):
            try:
                may_hold = file_may_hold(path)
            except ReadError as error:
                yield Found(path=path, below=below, error=str(error))
                return
            except LayoutError:  # packed, and not whole
                may_hold = False
            if not may_hold and not self._owed(path):
                self.passed["others"] += 1
                return
        yield Found(
            path=path,
            below=below,
            files=tuple(paths),
            sure=sure or before.was_image or not may_hold,
            may_hold=may_hold,
            marked=marked,
        )

    def _before(self, path: str) -> Row:
        return self._known(os.path.abspath(path)) or Row()

    def _owed(self, path: str) -> bool:
        """Whether a file must be an archive: its name says so, or it was one before."""
        return bool(_ARCHIVE.search(path)) or self._before(path).was_image

    def _wanted(self, below: str) -> bool:
        fits = (not self._include or self._fits(self._include, below)) and not self._fits(
            self._exclude, below
        )
        self.passed["excluded"] += not fits
        return fits

    @staticmethod
    def _fits(globs: Sequence[tuple[re.Pattern[str], bool]], below: str) -> bool:
        name = os.path.basename(below)
        return any(glob.match(below if whole else name) for glob, whole in globs)


def _globs(texts: Sequence[str]) -> list[tuple[re.Pattern[str], bool]]:
    """Globs; one with a slash is held against the whole path below the shelf, else the name."""
    made = []
    for text in texts:
        glob = text.removeprefix("./").removesuffix("/")
        if glob in ("", "."):
            raise UsageError(what=f"{text!r} fits nothing", hint="a glob, such as '*.tar'")
        made.append((re.compile(fnmatch.translate(glob.removeprefix("/"))), "/" in glob))
    return made


def _whole_ones(path: str, files: Iterable[str]) -> dict[str, list[str]]:
    """Files of a folder that several belong to, each with all of them, itself first."""
    whole = parts_among(files)
    for name in files:
        if name.endswith(SUFFIX):
            try:
                listed = list_at(os.path.join(path, name))
            except LayoutError:
                whole[name] = [name]
                continue
            if listed is not None:
                volumes = [each.file for each in listed.volumes]
                whole[name] = [name, *(each for each in volumes if each in files)]
    return whole


def _said(path: str, error: OSError) -> str:
    return f"{path}: {error.strerror or error}"


def _below(path: str) -> str:
    """What the result of a listed path is called by: nothing leads out of the destination."""
    normal = os.path.normpath(path)
    if normal.startswith(("../", "/")) or normal == "..":
        return os.path.abspath(normal).lstrip("/")
    return normal


def _paths_at(path: str) -> Iterator[str]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield from _paths(fd, path)
    finally:
        os.close(fd)


def _paths(fd: int, label: str) -> Iterator[str]:
    """The paths in a list: one a line, or each ended by a NUL as ``find -print0`` does.

    Raises:
        NotAnImageError: it is no list of paths.
        ReadError: it cannot be read.
    """
    where = Where(file=label)
    parts: list[bytes] = []
    size = 0
    try:
        while data := os.read(fd, limits.CHUNK):
            size += len(data)
            parts.append(data)
            if size > limits.LISTED_BYTES:
                what = f"a list of more than {limits.LISTED_BYTES >> 20} MiB"
                raise NotAnImageError(what=what, where=where, hint="name the folder, or cut it")
    except OSError as error:
        raise ReadError(what=error.strerror or str(error), where=where) from error
    raw = b"".join(parts)
    end = b"\0" if b"\0" in raw else b"\n"
    if _BINARY.search(raw, 0, _SNIFFED):
        what = "neither a folder, an image, nor a list of paths"
        raise NotAnImageError(what=what, where=where, hint="one path a line")
    for line in raw.split(end):
        path = line.removesuffix(b"\r") if end == b"\n" else line
        if len(path) > _PATH:
            raise NotAnImageError(what="a path of more than 4096 bytes", where=where)
        if path.strip():
            yield os.fsdecode(path)
