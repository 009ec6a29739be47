"""A layout that is there: held under its lock, read, changed, and its index replaced whole.

Whoever reads the layout meanwhile sees the old index or the new one, and every blob of either.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, closing, contextmanager, suppress

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.disk.draft import Draft
from oci_layout.disk.folder import NOREPLACE, Folder, Identity, identity
from oci_layout.disk.lock import locked
from oci_layout.disk.place import Place
from oci_layout.errors import DestinationError
from oci_layout.finding import FailFast, Findings
from oci_layout.graph.nodes import Root
from oci_layout.model import dockersave, gojson, layout
from oci_layout.model.descriptor import Descriptor
from oci_layout.model.manifest import Index
from oci_layout.source import views
from oci_layout.source.opening import Source, open_source
from oci_layout.source.spool import write_all
from oci_layout.source.store import DirectoryStore
from oci_layout.where import Where


def require_plain(path: str) -> Index:
    """The index of a layout that may be changed.

    Raises:
        DestinationError: it cannot be read, or is the unpacked form of a hybrid archive.
        DamagedError: it does not hold.
    """
    if os.path.lexists(os.path.join(path, dockersave.MANIFEST)):
        raise DestinationError(
            what="has a manifest.json, which would no longer be true",
            where=Where(file=path),
            hint="repack it to a plain OCI layout first",
        )
    with closing(DirectoryStore(path)) as store:
        index = views.read_index(store, FailFast())
    if index is None:
        raise DestinationError(what="has no usable index.json", where=Where(file=path))
    return index


class LayoutFolder:
    """A layout that nobody else changes meanwhile; made by ``held``.

    Args:
        folder: held open.
        place: where it was found.
        index: its index, as it is now.
        source: the layout, read; what is wrong with it is among its findings.
    """

    def __init__(self, folder: Folder, place: Place, index: Index, source: Source) -> None:
        self._folder, self._place, self.source = folder, place, source
        self.path, self.index = place.path, index

    @property
    def roots(self) -> tuple[Root, ...]:
        """What it holds."""
        return self.source.roots

    def take(self, staged: Folder, names: Set[str]) -> int:
        """Move blobs in from a folder beside; those that are there already are checked.

        Args:
            staged: a layout on the same file system, which nobody looks at.
            names: paths of the blobs in it.

        Returns:
            Bytes of those that were not there.

        Raises:
            DestinationError: a blob that is there is damaged, or a link is in the way.
        """
        moved = 0
        with ExitStack() as opened:
            blobs = opened.enter_context(staged.enter("blobs"))
            self._folder.make("blobs")
            into = opened.enter_context(_beneath(self._folder, "blobs"))
            for algorithm in blobs.names():
                here = opened.enter_context(blobs.enter(algorithm))
                wanted = [each for each in here.names() if f"blobs/{algorithm}/{each}" in names]
                if not wanted:
                    continue
                into.make(algorithm)
                there = opened.enter_context(_beneath(into, algorithm))
                for name in wanted:
                    if there.status(name) is not None:
                        _check_present(there, Digest(algorithm, name))
                        continue
                    if not here.rename_as(name, name, NOREPLACE, to=there):
                        here.rename(name, name, to=there)
                    status = there.status(name)
                    moved += status.st_size if status is not None else 0
                there.sync()
            into.sync()
        return moved

    def status(self, name: str) -> os.stat_result | None:
        """What is there under the name of a blob, a link taken as itself; None for nothing."""
        *folders, last = name.split("/")
        with ExitStack() as opened, suppress(FileNotFoundError):
            folder = self._folder
            for each in folders:
                folder = opened.enter_context(_beneath(folder, each))
            return folder.status(last)
        return None

    def linked(self) -> set[Identity]:
        """Which files the links among its blobs lead to, wherever those are."""
        found = set()
        with suppress(FileNotFoundError), self._folder.enter("blobs") as blobs:
            for algorithm in blobs.names():
                with suppress(NotADirectoryError), blobs.enter(algorithm) as inner:
                    for name in inner.names():
                        status = inner.status(name)
                        if status is not None and stat.S_ISLNK(status.st_mode):
                            with suppress(OSError):
                                found.add(identity(os.stat(name, dir_fd=inner.fd)))
        return found

    def remove(self, names: Iterable[str]) -> None:
        """Remove blobs; a link to one goes as itself.

        Args:
            names: their paths, of two folders and a name each.
        """
        below: dict[str, list[str]] = {}
        for name in names:
            folder, _, last = name.rpartition("/")
            below.setdefault(folder, []).append(last)
        for path, every in below.items():
            outer, _, inner = path.partition("/")
            with _beneath(self._folder, outer) as blobs, _beneath(blobs, inner) as holding:
                for each in every:
                    with suppress(FileNotFoundError):
                        holding.unlink(each)
                holding.sync()

    def replace_index(self, entries: Sequence[Descriptor], staged: Folder | None = None) -> None:
        """Let an index of other entries take the place of the old one.

        Args:
            entries: all of them, in order.
            staged: a folder on the same file system, in which it is written; None for a new one.

        Raises:
            DestinationError: it would be too large to be read.
        """
        manifests = [dict(entry.source) for entry in entries]
        self.put_index(gojson.encode_bytes({**self.index.fields, "manifests": manifests}), staged)

    def put_index(self, data: bytes, staged: Folder | None = None) -> None:
        """Let another index take the place of the old one.

        Args:
            data: all of it.
            staged: a folder on the same file system, in which it is written; None for a new one.

        Raises:
            DestinationError: it would be too large to be read.
        """
        if len(data) > limits.DOCUMENT_BYTES:
            raise DestinationError(
                what="the index would be too large to be read", where=Where(file=self.path)
            )
        if staged is not None:
            self._replace_index(staged, data)
            return
        with Draft(self._place, directory=True, replace=False) as draft:
            self._replace_index(draft.folder, data)

    def _replace_index(self, staged: Folder, data: bytes) -> None:
        if staged.status(layout.INDEX) is not None:
            staged.unlink(layout.INDEX)
        fd = staged.create(layout.INDEX)
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        staged.rename(layout.INDEX, layout.INDEX, to=self._folder)
        self._folder.sync()


@contextmanager
def held(place: Place) -> Iterator[LayoutFolder]:
    """Hold a layout against all other writers, and read it as it is now.

    Args:
        place: where it was found.

    Raises:
        DestinationError: it cannot be changed, or somebody else holds it.
        DamagedError: its index does not hold.
    """
    with locked(place.parent, place.name, place.path) as folder:
        require_plain(place.real)
        with open_source(place.real, findings=Findings()) as source:
            if source.contents.index is None:
                raise DestinationError(
                    what="cannot be read", where=Where(file=place.path), hint="try again"
                )
            yield LayoutFolder(folder, place, source.contents.index, source)


def _beneath(folder: Folder, name: str) -> Folder:
    """A folder of the layout; a link to one is not written through.

    Raises:
        DestinationError: it is a link, or no folder.
    """
    try:
        return folder.enter(name)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise DestinationError(
            what="is a link or no directory, and nothing is written through it",
            where=Where(file=os.path.join(folder.path, name)),
            hint="repack the layout to a new one",
        ) from error


def _check_present(folder: Folder, digest: Digest) -> None:
    """A blob that is there already is not trusted by its name; it may be a link to a file."""
    path = os.path.join(folder.path, digest.hex)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(digest.hex, flags, dir_fd=folder.fd), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DestinationError(what="is not a regular file", where=Where(file=path))
        actual = Digest.of_file(file, digest.algorithm)
    if actual != digest:
        raise DestinationError(
            what=f"the blob that is there is {actual}",
            where=Where(file=path),
            hint="the layout is damaged; write to a new one",
        )
