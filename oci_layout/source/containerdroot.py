"""containerd's root on disk: where it is, and what its database says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath

import attrs

from oci_layout.counting import plural
from oci_layout.errors import DamagedError, NotAnImageError, SelectionError
from oci_layout.model import containerdroot, dockersave, layout
from oci_layout.model.containerdroot import Namespace, Record
from oci_layout.source.rootedstore import Engine, RootedStore, refused
from oci_layout.source.store import ABSENT
from oci_layout.streams.bbolt import Bucket, snapshot
from oci_layout.streams.member import Member
from oci_layout.where import Where

_TAILS = tuple(  # of a copy, what is around it
    dict.fromkeys(
        "/".join(parts[number:])
        for parts in (root.split("/") for root in containerdroot.ROOTS)
        for number in range(len(parts), -1, -1)
    )
)
_INSIDE = 4  # floors of the root
_SHOWN = 8  # namespaces in a message
_OTHER = (layout.MARKER, layout.INDEX, dockersave.MANIFEST)


@attrs.frozen(kw_only=True)
class ContainerdAt:
    """containerd's root on disk.

    Args:
        folder: the root.
    """

    folder: str

    @property
    def empty(self) -> bool:
        """Whether no blob is there."""
        try:
            with os.scandir(os.path.join(self.folder, containerdroot.BLOBS, "sha256")) as entries:
                return next(entries, None) is None
        except PermissionError:
            return False
        except OSError:
            return True

    def store(self, label: str) -> ContainerdStore:
        """Its files.

        Args:
            label: how to call it in messages.
        """
        return ContainerdStore(self.folder, label)


class ContainerdStore(RootedStore):
    """containerd's root, of which the names are those of blobs: those of snapshots are not listed.

    Args:
        path: the root.
        label: how to call it in messages.

    Raises:
        ReadError: it cannot be listed.
    """

    engine = Engine.CONTAINERD

    def __init__(self, path: str, label: str) -> None:
        super().__init__(path, label)
        self._path = path
        self._namespaces: list[Namespace] | None = None
        self._blobs: frozenset[str] | None = None

    def choose(self, wanted: str) -> Namespace | None:
        """Be the images and blobs of one namespace from now on.

        Args:
            wanted: which; empty for the only one that has images.

        Returns:
            None where none has an image, and none was asked for: then all blobs are there.

        Raises:
            DamagedError: ``no-database``, ``bad-database``: nobody can tell; all blobs are there.
            ReadError: the database may not be read.
            SelectionError: there is no such namespace, or several have images.
        """
        if self._namespaces is None:  # else it stays as it was first read
            self._namespaces = self._read_database()
        found = chosen(self._namespaces, wanted, self._path)
        self._blobs = None if found is None else frozenset(map(_path_of, found.blobs))
        return found

    def find(self, name: str) -> Member | None:
        """The file of that name; None for a blob of other namespaces."""
        return super().find(name) if self._blobs is None or name in self._blobs else None

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted; without one, of the blobs."""
        found = super().names(prefix or containerdroot.BLOBS)
        return (name for name in found if self._blobs is None or name in self._blobs)

    def _read_database(self) -> list[Namespace]:
        """What the database says, as it is now.

        Raises:
            DamagedError: ``no-database``, ``bad-database``.
            ReadError: it may not be read, or is written faster than that.
        """
        where = Where(file=self.label, member=containerdroot.DATABASE)
        name = os.path.basename(containerdroot.DATABASE)
        try:
            with self.folder(containerdroot.METADATA) as folder:
                if not stat.S_ISREG(folder.status(name).st_mode):
                    raise DamagedError(code="bad-database", what="is no regular file", where=where)
                fd = folder.open(name)
            try:
                return read_namespaces(snapshot(partial(_read, fd), where))
            finally:
                os.close(fd)
        except OSError as error:
            if error.errno in ABSENT:
                raise DamagedError(code="no-database", what="is not there", where=where) from None
            path = os.path.join(self._path, containerdroot.DATABASE)
            raise refused(error, path) from error


def _path_of(digest: str) -> str:
    """Where the blob of a digest of the database lies."""
    return f"{containerdroot.BLOBS}/{digest.replace(':', '/', 1)}"


def _read(fd: int, size: int, offset: int) -> bytes:
    pieces = []
    while size and (piece := os.pread(fd, size, offset)):
        pieces.append(piece)
        size, offset = size - len(piece), offset + len(piece)
    return b"".join(pieces)


def read_namespaces(database: Bucket) -> list[Namespace]:
    """The namespaces of containerd's database, with their images and blobs.

    Args:
        database: its outermost bucket.

    Raises:
        DamagedError: ``bad-database``.
    """
    found: list[Namespace] = []
    for version, schema in database.buckets():
        if version != b"v1":
            continue
        for name, namespace in schema.buckets():
            records: tuple[Record, ...] = ()
            blobs: dict[str, bool] = {}
            for kind, inner in namespace.buckets():
                if kind == b"images":
                    records = tuple(_record(key, each) for key, each in inner.buckets())
                elif kind == b"content":
                    blobs = dict(_blobs(inner))
            called = name.decode("utf-8", "backslashreplace")
            found.append(Namespace(name=called, records=records, blobs=blobs))
    return found


def _record(name: bytes, bucket: Bucket) -> Record:
    target: dict[bytes, bytes] = {}
    annotations: dict[str, str] = {}
    for key, inner in bucket.buckets():
        if key == b"target":
            target = inner.values()
        elif key == b"annotations":
            pairs = (map(containerdroot.text_of, pair) for pair in inner.values().items())
            annotations = {one: two for one, two in pairs if one is not None and two is not None}
    return Record(
        name=containerdroot.text_of(name) or "",
        digest=containerdroot.text_of(target.get(b"digest", b"")) or "",
        media_type=containerdroot.text_of(target.get(b"mediatype", b"")) or "",
        size=containerdroot.size_of(target.get(b"size", b"")),
        annotations=annotations,
    )


def _blobs(content: Bucket) -> Iterator[tuple[str, bool]]:
    for kind, blobs in content.buckets():
        if kind != b"blob":
            continue
        for digest, blob in blobs.buckets():
            labels = [inner.values() for key, inner in blob.buckets() if key == b"labels"]
            let_go = any(map(containerdroot.let_go_of_layers, labels))
            yield digest.decode("ascii", "replace"), let_go


def chosen(namespaces: list[Namespace], wanted: str, root: str) -> Namespace | None:
    """The namespace that is meant; None where none has an image and none was asked for.

    Args:
        namespaces: all that there are.
        wanted: the one that was asked for; empty for the only one with images.
        root: the folder, for errors.

    Raises:
        SelectionError: there is no such namespace, or several have images.
    """
    full = [each for each in namespaces if each.records]
    if wanted:
        for each in namespaces:
            if each.name == wanted:
                return each
        what, there = f"there is no namespace {wanted!r}", namespaces
    elif len(full) > 1:
        what, there = f"{plural(len(full), 'namespace')} have images", full
    else:
        return full[0] if full else None
    listed = ", ".join(
        f"{each.name[:80]!r} ({plural(len(each.records), 'name')})" for each in there[:_SHOWN]
    )
    more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
    raise SelectionError(
        what=f"{what}: {listed or 'none at all'}{more}",
        where=Where(file=root),
        hint=f"--namespace {full[0].name[:80]} chooses one" if full else "",
    )


def containerd_at(path: str) -> ContainerdAt | None:
    """The root that a folder is, holds, or lies in; None for another folder.

    Raises:
        NotAnImageError: it holds several that have blobs.
        ReadError: nobody can tell, since it may not be read.
    """
    real = os.path.realpath(path)
    if real == "/" or any(os.path.lexists(os.path.join(path, name)) for name in _OTHER):
        return None
    roots = [os.path.join(path, tail) if tail else path for tail in _TAILS]
    found = [ContainerdAt(folder=root) for root in roots if is_root(root, closed=root != path)]
    if found:
        return _only(path, found)
    above = [*PurePosixPath(real).parents][:_INSIDE]
    inside = next((str(each) for each in above if is_root(str(each))), None)
    name = os.path.relpath(real, inside).split("/")[0] if inside is not None else ""
    if inside is not None and name in (containerdroot.CONTENT, containerdroot.METADATA):
        return ContainerdAt(folder=inside)
    return None


def containerd_among(path: str, below: Sequence[str]) -> ContainerdAt | None:
    """The one root among some folders; None where none of them is one.

    Args:
        path: the folder around them.
        below: paths below that.

    Raises:
        NotAnImageError: there are several that have blobs.
    """
    folders = [os.path.join(path, each) for each in below]
    found = [ContainerdAt(folder=each) for each in folders if is_root(each)]
    return _only(path, found) if found else None


def _only(path: str, found: list[ContainerdAt]) -> ContainerdAt:
    """The one that has blobs, or the first where none has."""
    full = [each for each in found if not each.empty]
    if len(full) > 1:
        listed = ", ".join(repr(each.folder[-60:]) for each in full[:4])
        raise NotAnImageError(
            what=f"holds {plural(len(full), 'root')} of containerd: {listed}",
            where=Where(file=path),
            hint=f"choose one: {full[0].folder}",
        )
    return (full or found)[0]


def is_root(folder: str, *, closed: bool = False) -> bool:
    """Whether a folder has what a root of containerd begins with.

    Args:
        folder: it.
        closed: take one that may not be looked into for a root, by where it is.
    """
    shut = False
    for name in (containerdroot.BLOBS, containerdroot.METADATA):
        try:
            if stat.S_ISDIR(os.stat(os.path.join(folder, name)).st_mode):
                return True
        except PermissionError:
            shut = True
        except (OSError, ValueError):
            continue
    return closed and shut and os.path.isdir(folder)
