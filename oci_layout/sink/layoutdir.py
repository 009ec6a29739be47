"""Writes a layout directory: blobs, then documents, then ``index.json``, then it appears."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping

import attrs

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import linked, run
from oci_layout.blobs.task import Fact, Task
from oci_layout.closing import Closing
from oci_layout.digest import Digest
from oci_layout.disk.draft import Draft
from oci_layout.disk.folder import Folder, identity
from oci_layout.disk.place import Place
from oci_layout.model import dockersave, layout
from oci_layout.plan.planning import Plan
from oci_layout.sink.outfile import OutFile, cloned, preallocate
from oci_layout.sink.writable import foreign_entry
from oci_layout.sink.written import Written
from oci_layout.source.spool import write_all
from oci_layout.streams.member import FileMember, Member
from oci_layout.streams.reader import HeldFile

_HELD = 64  # folders that are held open
_DOCUMENT = ".0.tmp"  # documents are written when no blob is in the making


class BlobFolder(Closing):
    """A folder that blobs are written to. A context manager.

    Args:
        root: the folder, which nobody else looks at yet.
        name: gives the relative path of a blob.
    """

    def __init__(
        self, root: Folder, name: Callable[[Digest], str] = lambda digest: digest.blob_path
    ) -> None:
        self._root, self._name = root, name
        self._folders: dict[str, Folder] = {"": root}
        self._making = threading.Lock()
        self.bytes_written = 0

    def _made(self, path: str) -> Folder:
        """The folder at a relative path; it is made. Others may be let go of afterwards."""
        if path not in self._folders:
            outer, _, name = path.rpartition("/")
            above = self._made(outer)
            above.make(name)
            self._folders[path] = above.enter(name)
        return self._folders[path]

    def _trim(self) -> None:
        """Let go of folders: a registry has one for each blob."""
        if len(self._folders) > _HELD:
            self.close()
            self._folders[""] = self._root

    def make(self, path: str) -> None:
        """Make a folder, though nothing may come to be in it."""
        with self._making:
            self._made(path)
            self._trim()

    def put(self, digest: Digest, data: bytes) -> None:
        """Write a document."""
        self.put_file(self._name(digest), data)

    def put_file(self, path: str, data: bytes) -> None:
        """Write a file at a relative path; one of that name may be the source's, by --link."""
        fd = self._root.create(_DOCUMENT)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
        self._name_it(_DOCUMENT, path)
        self.bytes_written += len(data)

    def _name_it(self, temporary: str, path: str) -> None:
        folder, _, name = path.rpartition("/")
        with self._making:
            self._root.rename(temporary, name, self._made(folder))
            self._trim()

    def work(self, task: Task, number: int, pool: Pool) -> Fact:
        """Do a task into the folder; the blob gets its name when it is known and checked."""
        temporary = f".{number}.tmp"
        try:
            fact = self._linked(task, temporary) if task.link else None
            fact = fact or self._written(task, temporary, pool)
            self._name_it(temporary, self._name(fact.digest))
        finally:
            # There after a failure; and where one file has two names, which renaming leaves.
            with contextlib.suppress(FileNotFoundError):
                self._root.unlink(temporary)
        return fact

    def _linked(self, task: Task, name: str) -> Fact | None:
        """Let the file be the source's, or share its blocks; None where it must be copied."""
        fact, member = linked(task), task.member.alone
        if fact is None or member is None:
            return None
        source = os.path.realpath(member.path)
        old, _ = member.hold()
        with old:
            fd = self._root.create(name)
            try:
                # Shared blocks are copied when one of the two is changed, so that is tried first.
                if cloned(old.fd, fd):
                    return attrs.evolve(fact, linked="blocks")
            finally:
                os.close(fd)
            self._root.unlink(name)
            try:
                os.link(source, name, dst_dir_fd=self._root.fd)
            except OSError:  # another file system, or links that are not allowed
                return None
            status = self._root.status(name)
            if status is not None and identity(status) == identity(os.fstat(old.fd)):
                return fact
            self._root.unlink(name)  # another file than was looked at
        return None

    def _written(self, task: Task, name: str, pool: Pool) -> Fact:
        fd = self._root.create(name)
        try:
            member = task.member.alone if task.encoding is None else None
            if member is not None:
                old, _ = member.hold()
                with old:
                    if cloned(old.fd, fd):  # what is there now is checked, not what was
                        return run(attrs.evolve(task, member=_copy_of(task, fd)), pool=pool)
            known = task.stated_result or task.prediction
            preallocate(fd, known[1] if known is not None else 0)
            fact = run(task, OutFile(fd).write, pool)
            if known is not None and known[1] != fact.size:
                os.ftruncate(fd, fact.size)
            return fact
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let go of the folders."""
        for path, folder in self._folders.items():
            if path:
                folder.close()
        self._folders.clear()


def _copy_of(task: Task, fd: int) -> Member:
    """A task's member, read from a file that is held open."""
    name, size = task.member.name, os.fstat(fd).st_size
    return FileMember(name, size, 0, lambda: (HeldFile.adopt(os.dup(fd), name), True))


def fill(plan: Plan, folder: BlobFolder, pool: Pool) -> Written:
    """Write everything of a layout into a folder nobody looks at yet; ``index.json`` last."""
    facts = do_all(plan, folder, pool)
    documents = plan.documents(facts)
    for digest, data in documents.blobs.items():
        folder.put(digest, data)
    folder.put_file(layout.MARKER, layout.MARKER_BYTES)
    if documents.docker is not None:
        folder.put_file(dockersave.MANIFEST, documents.docker)
    folder.put_file(layout.INDEX, documents.index)
    size = folder.bytes_written + blob_bytes(facts)
    return Written(documents=documents, facts=facts, size=size)


def do_all(plan: Plan, folder: BlobFolder, pool: Pool) -> Mapping[str, Fact]:
    """Do every task of a plan into a folder."""
    numbers = {key: number for number, key in enumerate(plan.tasks)}
    tasks = plan.work
    return pool.do_all(tasks, lambda task: folder.work(task, numbers[task.key], pool))


def blob_bytes(facts: Mapping[str, Fact]) -> int:
    """Bytes of all blobs, each counted once."""
    return sum({fact.digest: fact.size for fact in facts.values()}.values())


def write_layout(plan: Plan, place: Place, *, force: bool, pool: Pool) -> Written:
    """Carry a plan out into a new directory.

    Args:
        plan: what to do.
        place: where it is to appear, as it was found.
        force: whether it may take the place of a layout that was there.
        pool: does the work on blobs.

    Raises:
        DestinationError: the destination refuses.
        DamagedError: the source does not hold what it says.
    """
    with Draft(place, directory=True, replace=force, unfit=foreign_entry) as draft:
        with BlobFolder(draft.folder) as folder:
            folder.make("blobs/sha256")
            done = fill(plan, folder, pool)
        draft.appear()
    return done
