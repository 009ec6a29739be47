"""Writes a layout directory: blobs, then documents, then ``index.json``, then it appears."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping

import attrs

from oci_layout.digest import Digest
from oci_layout.model import dockersave, layout
from oci_layout.plan.assemble import Documents
from oci_layout.plan.jobs import Fact, Job
from oci_layout.plan.planning import Plan
from oci_layout.sink.atomic import AtomicPath, failed
from oci_layout.sink.outfile import OutFile, cloned, preallocate
from oci_layout.source.spool import write_all
from oci_layout.streams.reader import HeldFile, Member
from oci_layout.work.blob import linked, run
from oci_layout.work.crew import Crew


class BlobFolder:
    """A directory that blobs are written to.

    Args:
        root: the directory.
        name: gives the relative path of a blob.
    """

    def __init__(
        self, root: str, name: Callable[[Digest], str] = lambda digest: digest.blob_path
    ) -> None:
        self._root, self._name = root, name
        self.bytes_written = 0

    def path(self, digest: Digest) -> str:
        """Where a blob belongs; its folder is made."""
        path = os.path.join(self._root, self._name(digest))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def put(self, digest: Digest, data: bytes) -> None:
        """Write a document."""
        self._write(self.path(digest), data)

    def put_file(self, name: str, data: bytes) -> None:
        """Write a file at the top of the layout."""
        self._write(os.path.join(self._root, name), data)

    def _write(self, path: str, data: bytes) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
        self.bytes_written += len(data)

    def work(self, job: Job, number: int, crew: Crew) -> Fact:
        """Do a job into the folder; the blob gets its name when it is known and checked."""
        temporary = os.path.join(self._root, f".{number}.tmp")
        try:
            fact = self._linked(job, temporary) if job.link else None
            fact = fact or self._written(job, temporary, crew)
            os.replace(temporary, self.path(fact.digest))
        finally:
            # There after a failure; and where one file has two names, which renaming leaves.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        return fact

    @staticmethod
    def _linked(job: Job, path: str) -> Fact | None:
        """Let the file be the source's, or share its blocks; None where it must be copied."""
        fact = linked(job)
        if fact is None:
            return None
        source = os.path.realpath(job.member.path)
        with HeldFile(source) as old, open(path, "xb") as new:
            # Shared blocks are copied when one of the two is changed, so that is tried first.
            if cloned(old.fd, new.fileno()):
                return attrs.evolve(fact, linked="blocks")
        os.unlink(path)
        try:
            os.link(source, path)
        except OSError:  # another file system, or links that are not allowed
            return None
        return fact

    @staticmethod
    def _written(job: Job, path: str, crew: Crew) -> Fact:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            if job.encoding is None and job.member.path:
                with HeldFile(job.member.path) as old:
                    if cloned(old.fd, fd):  # what is there now is checked, not what was
                        member = Member(
                            job.member.name, os.fstat(fd).st_size, 0, lambda: (HeldFile(path), True)
                        )
                        return run(attrs.evolve(job, member=member), crew=crew)
            known = job.outcome or job.guess
            preallocate(fd, known[1] if known is not None else 0)
            fact = run(job, OutFile(fd).write, crew)
            if known is not None and known[1] != fact.size:
                os.ftruncate(fd, fact.size)
            return fact
        finally:
            os.close(fd)


def fill(plan: Plan, folder: BlobFolder, crew: Crew) -> tuple[Documents, Mapping[str, Fact], int]:
    """Write everything of a layout into a folder nobody looks at yet; ``index.json`` last."""
    facts = do_all(plan, folder, crew)
    documents = plan.documents(facts)
    for digest, data in documents.blobs.items():
        folder.put(digest, data)
    folder.put_file(layout.MARKER, layout.MARKER_BYTES)
    if documents.docker is not None:
        folder.put_file(dockersave.MANIFEST, documents.docker)
    folder.put_file(layout.INDEX, documents.index)
    return documents, facts, folder.bytes_written + blob_bytes(facts)


def do_all(plan: Plan, folder: BlobFolder, crew: Crew) -> Mapping[str, Fact]:
    """Do every job of a plan into a folder."""
    numbers = {key: number for number, key in enumerate(plan.jobs)}
    jobs = list(plan.jobs.values())
    return crew.do_all(jobs, lambda job: folder.work(job, numbers[job.key], crew))


def blob_bytes(facts: Mapping[str, Fact]) -> int:
    """Bytes of all blobs, each counted once."""
    return sum({fact.digest: fact.size for fact in facts.values()}.values())


def write_layout(
    plan: Plan, dest: str, *, force: bool, crew: Crew
) -> tuple[Documents, Mapping[str, Fact], int]:
    """Carry a plan out into a new directory.

    Args:
        plan: what to do.
        dest: the directory.
        force: whether it may take the place of a layout that is there.
        crew: does the work on blobs.

    Returns:
        The documents, what each job came to, and the bytes written.

    Raises:
        DestinationError: the destination refuses.
        DamagedError: the source does not hold what it says.
    """
    target = AtomicPath(dest, directory=True, force=force)
    try:
        folder = BlobFolder(target.path)
        os.makedirs(os.path.join(target.path, "blobs", "sha256"))
        documents, facts, size = fill(plan, folder, crew)
        target.commit()
    except OSError as error:
        raise failed(error, dest) from error
    finally:
        target.abort()
    return documents, facts, size
