"""Staging: blobs whose size nobody knows beforehand wait in unnamed files beside the archive."""

from __future__ import annotations

import os
import threading

from oci_layout.blobs.pool import Pool
from oci_layout.blobs.run import run
from oci_layout.blobs.task import Fact, Task
from oci_layout.errors import DestinationError
from oci_layout.sink.outfile import OutFile
from oci_layout.source.spool import unnamed_file
from oci_layout.streams.member import FileMember
from oci_layout.streams.reader import HeldFile
from oci_layout.where import Where


class Staging:
    """One unnamed file for each worker; blobs one after the other in it.

    Args:
        directory: where the files are; never a memory file system.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._local = threading.local()
        self._files: list[int] = []
        self._lock = threading.Lock()
        self.members: dict[str, FileMember] = {}
        self.facts: dict[str, Fact] = {}

    def _file(self) -> int:
        fd: int | None = getattr(self._local, "fd", None)
        if fd is None:
            fd = unnamed_file(self._directory)
            self._local.fd = fd
            with self._lock:
                self._files.append(fd)
        return fd

    def work(self, task: Task, pool: Pool) -> Fact:
        """Do a task into a file; its bytes are then in ``members``."""
        fd = self._file()
        offset = os.lseek(fd, 0, os.SEEK_END)
        try:
            fact = run(task, OutFile(fd, offset, durable=False).write, pool)
        except OSError as error:
            raise DestinationError(
                what=error.strerror or str(error), where=Where(file=self._directory)
            ) from error
        held = HeldFile.adopt(fd, task.member.name)
        self.members[task.key] = FileMember(
            task.member.name, fact.size, offset, lambda: (held, False)
        )
        return fact

    def close(self) -> None:
        """Let the files vanish."""
        for fd in self._files:
            os.close(fd)
        self._files.clear()
