"""Stores: a directory and a tar archive as the same thing, a set of named regular files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from typing import Protocol

from oci_layout.errors import ReadError
from oci_layout.finding import Findings
from oci_layout.limits import NAME_BYTES, SPECIAL_MEMBERS
from oci_layout.model.layout import INDEX
from oci_layout.source.alike import Alike
from oci_layout.streams import names, tarindex
from oci_layout.streams.member import AssembledMember, FileMember, Member
from oci_layout.streams.reader import HeldFile, Stamp, changed, chunks, stamp_of
from oci_layout.streams.sparsefiles import SparseReader
from oci_layout.streams.tarheader import BLOCK
from oci_layout.streams.tarindex import MemberType, TarMember
from oci_layout.where import Where

_READ = (MemberType.FILE, MemberType.SYMLINK, MemberType.HARDLINK)
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_SHOWN = 200  # characters of a name that a message has


class Store(Protocol):
    """Named regular files, read-only.

    A name is relative, with slashes, normalised; links have been followed inside the store.
    """

    label: str

    def find(self, name: str) -> Member | None:
        """The file of that name, or None. Never anything but a regular file."""
        ...

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of regular files (and links) below a folder, sorted."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


def listed(store: Store, path: str) -> Member | None:
    """The file that a document means by a path; None when it is not there, or outside.

    moby image/tarexport/load.go, safePath: the path is joined to the root, and cleaned.
    """
    try:
        return store.find(names.joined(path))
    except names.UnsafeNameError:
        return None


def _refused(error: OSError, path: str) -> ReadError:
    return ReadError(what=error.strerror or str(error), where=Where(file=path))


class DirectoryStore:
    """A directory.

    Whoever adds to a layout replaces its index whole: the one that was found first is held open, so
    that a reader has one state of it, and every blob of that.

    Args:
        path: the directory.

    Raises:
        ReadError: it cannot be listed.
    """

    def __init__(self, path: str) -> None:
        self.label = path
        self._root = path
        self._stamps: dict[str, Stamp] = {}
        self._index: HeldFile | None = None
        try:
            os.scandir(path).close()
        except OSError as error:
            raise _refused(error, path) from error

    def find(self, name: str) -> Member | None:
        """The file of that name; symbolic links to regular files are followed.

        Build tools write blobs as links to files elsewhere, so a link may leave the directory:
        whoever made the directory already chose what stands in it.

        Raises:
            ReadError: nobody can tell whether it is there.
            ChangedError: another file was there before.
        """
        if self._index is not None and name == INDEX:
            return self._member(name, self._index)
        try:
            path = os.path.join(self._root, names.normalise(name))
            status = os.stat(path)
        except (names.UnsafeNameError, ValueError):
            return None
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise _refused(error, path) from error
        if not stat.S_ISREG(status.st_mode):
            return None
        if name == INDEX:
            self._index = HeldFile(path)
            return self._member(name, self._index)
        stamp = stamp_of(status)
        if self._stamps.setdefault(path, stamp) != stamp:
            raise changed(path)
        return FileMember(
            name,
            status.st_size,
            0,
            lambda: (HeldFile(path, stamp), True),
            store=self.label,
            path=path,
        )

    def _member(self, name: str, held: HeldFile) -> Member:
        """A file that is held open."""
        held.require_unchanged()
        hold = lambda: (held, False)  # noqa: E731
        return FileMember(name, held.size, 0, hold, store=self.label, path=held.path)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted; folders behind links are not entered."""
        folders = [prefix]
        while folders:
            folder = folders.pop()
            inner = []
            for entry in self._entries(folder):
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    inner.append(name)
                else:
                    yield name
            folders += reversed(inner)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        path = os.path.join(self._root, folder)
        try:
            with os.scandir(path) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if error.errno in ABSENT:
                return []
            raise _refused(error, path) from error

    def close(self) -> None:
        """Let go of the index."""
        if self._index is not None:
            self._index.close()


class FileStore:
    """A single file under a name of its own.

    Args:
        file: closed with this store.
        label: how to call it in messages.
        name: the name it is found under.
    """

    def __init__(self, file: HeldFile, label: str, name: str) -> None:
        self.label, self._file, self._name = label, file, name

    def _member(self) -> Member:
        return FileMember(self._name, self._file.size, 0, lambda: (self._file, False))

    def find(self, name: str) -> Member | None:
        """The file, when it is asked for by its name."""
        return self._member() if name == self._name else None

    def names(self, prefix: str = "") -> Iterator[str]:
        """The one name."""
        return iter(() if prefix else (self._name,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class MadeStore:
    """Files that lie nowhere yet: what somebody is going to write.

    Args:
        members: by name.
        label: how to call it in messages.
    """

    def __init__(self, members: Mapping[str, Member], label: str) -> None:
        self.label, self._members = label, members

    def find(self, name: str) -> Member | None:
        """The file of that name."""
        try:
            return self._members.get(names.normalise(name))
        except names.UnsafeNameError:
            return None

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names below a folder, sorted."""
        start = f"{prefix}/" if prefix else ""
        return iter(sorted(name for name in self._members if name.startswith(start)))

    def close(self) -> None:
        """Nothing is held open."""


def _place(member: TarMember) -> Where:
    return Where(member=member.name[:_SHOWN], offset=member.header)


class ArchiveStore:
    """A tar archive, indexed by offset.

    Args:
        file: the archive, uncompressed; closed with this store.
        label: how to call it in messages.
        findings: told what is wrong with the tar.
    """

    def __init__(self, file: HeldFile, label: str, findings: Findings) -> None:
        self.label = label
        self._file = file
        self._members: dict[str, TarMember] = {}
        self._links: dict[str, str] = {}
        self._tops: set[str] = set()
        self._old_gnu: set[str] = set()
        self._odd: set[str] = set()
        self._findings = findings
        self._absolute = self._dotted = False
        alike = Alike(findings)
        for member in tarindex.TarScanner(file, findings):
            self._take(member, alike)
        alike.finish(self._members, self._links)

    def _take(self, member: TarMember, alike: Alike) -> None:
        if max(len(member.name), len(member.linkname)) > NAME_BYTES:
            self._findings.error(
                "unsafe-name",
                f"a name of more than {NAME_BYTES} bytes: nobody can unpack it",
                _place(member),
            )
            return
        try:
            # Nothing is extracted, so an absolute name only means its path from the archive's root.
            name = names.normalise(member.name.lstrip("/"))
        except names.UnsafeNameError:
            self._findings.error(
                "unsafe-name", "a member's name leaves the archive", _place(member)
            )
            return
        if member.name.startswith("/") and not self._absolute:
            self._absolute = True
            self._findings.warning(
                "absolute-name",
                "members have absolute names; they are read from the archive's root",
                _place(member),
            )
        if member.name.startswith("./") and name and not self._dotted:
            self._dotted = True
            self._findings.note(
                "dot-slash-name",
                "members have names that begin with ./, which ctr images import does not clean",
                _place(member),
            )
        if not name:
            return
        if "/" in name or member.type is MemberType.DIRECTORY:
            self._tops.add(name.partition("/")[0])
        alike.take(name, member, self._members.get(name))
        if member.type is MemberType.SPECIAL:
            self._findings.warning(
                "special-member",
                "a device or FIFO; engines ignore it, and so does this",
                _place(member),
            )
        if member.old_gnu and not self._old_gnu:
            self._findings.warning(
                "sparse-member",
                "a sparse file of GNU's type: docker load refuses the archive, and an import into "
                "containerd does not see the file",
                _place(member),
                "tar --sparse --format=posix writes one that is read",
            )
        if member.old_gnu:
            self._old_gnu.add(name)
        if member.type is MemberType.OTHER and len(self._odd) < SPECIAL_MEMBERS:
            self._odd.add(name)
        if member.type not in _READ:
            return
        old = self._members.get(name)
        if old is not None and old.type is member.type:
            self._repeated(name, old, member)
        self._members[name] = member
        self._links.pop(name, None)
        if member.type is not MemberType.FILE:
            self._link(name, member)

    def _link(self, name: str, member: TarMember) -> None:
        try:
            if member.type is MemberType.SYMLINK:
                self._links[name] = names.link_target(name, member.linkname)
            else:
                self._links[name] = names.normalise(member.linkname.lstrip("/"))
        except names.UnsafeNameError:
            self._findings.error(
                "unsafe-link",
                f"links to {member.linkname[:100]!r}, outside the archive",
                Where(member=name, offset=member.header),
            )

    def _repeated(self, name: str, old: TarMember, new: TarMember) -> None:
        """Some readers take the first of two members of one name, some the last."""
        same = old.linkname == new.linkname and old.size == new.size
        if same and old.type is MemberType.FILE:
            same = all(
                a == b
                for a, b in zip(
                    chunks(self._member(name, old).open()),
                    chunks(self._member(name, new).open()),
                    strict=True,
                )
            )
        where = Where(member=name, offset=new.header)
        if same:
            self._findings.warning("repeated-member", "stands in the archive twice", where)
        else:
            self._findings.error(
                "conflicting-member",
                "stands in the archive twice, with different content: readers disagree which "
                "one counts",
                where,
            )

    def _member(self, name: str, member: TarMember) -> Member:
        sparse = member.sparse
        if sparse is not None:
            return AssembledMember(
                name,
                member.size,
                lambda: SparseReader(self._file, member.offset, sparse),
                store=self.label,
            )
        return FileMember(
            name, member.size, member.offset, lambda: (self._file, False), store=self.label
        )

    def find(self, name: str) -> Member | None:
        """The file of that name, links followed inside the archive."""
        try:
            wanted = names.normalise(name)
        except names.UnsafeNameError:
            return None
        if len(wanted) > NAME_BYTES:
            return None
        found = self._members.get(wanted)
        if found is None or found.type is not MemberType.FILE:
            resolved = names.follow(wanted, self._links.get) if self._links else None
            found = self._members.get(resolved) if resolved is not None else None
            if found is None or found.type is not MemberType.FILE:
                return None
            wanted = resolved or wanted
        return self._member(wanted, found)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files and links below a folder, sorted."""
        start = f"{prefix}/" if prefix else ""
        return iter(sorted(name for name in self._members if name.startswith(start)))

    @property
    def old_gnu(self) -> frozenset[str]:
        """Names of sparse files of GNU's own type, which not every engine reads."""
        return frozenset(self._old_gnu)

    @property
    def odd_types(self) -> frozenset[str]:
        """Names of members of a type that nobody knows."""
        return frozenset(self._odd)

    @property
    def folders(self) -> frozenset[str]:
        """Names of the folders at the top, empty ones too."""
        return frozenset(self._tops)

    def entry(self, name: str) -> TarMember | None:
        """The member of a normalised name as its headers tell it; links are not followed."""
        return self._members.get(name)

    def links(self) -> list[TarMember]:
        """The symbolic and hard links, as their headers tell them."""
        return [member for member in self._members.values() if member.type is not MemberType.FILE]

    def offset(self, name: str) -> int | None:
        """Where a member's header lies, for messages."""
        member = self._members.get(name)
        return None if member is None else member.header

    def order(self) -> Iterator[str]:
        """The names of files and links as they stand in the archive, each where it stands last."""
        return iter(self._members)

    def header(self, name: str) -> bytes | None:
        """The header block of a member that has no extended header, or None."""
        member = self._members.get(name)
        if member is None or member.offset - member.header != BLOCK:
            return None
        return self._file.pread(BLOCK, member.header)

    def close(self) -> None:
        """Close the archive."""
        self._file.close()
