"""Whether every engine takes the same members of an archive: docs/tar-reading.md is the table.

Docker unpacks it, so links are followed and the last of two members counts; podman and skopeo look
for a name from the front; containerd keeps the last regular file of each name. Only an archive in
which these come to the same is accepted.
"""

from __future__ import annotations

import bisect
import itertools
import posixpath
from collections.abc import Iterable, Mapping

from oci_layout import limits
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.streams.tarindex import MemberType, TarMember
from oci_layout.where import Where

# What the bits beyond permissions may say of a type: Go's FileInfo believes them (common.go).
_FORMAT = {
    MemberType.FILE: 0o100000,
    MemberType.HARDLINK: 0o100000,
    MemberType.SYMLINK: 0o120000,
}


class Alike:
    """Is told every member under its cleaned name, and reports those that readers would differ on.

    Args:
        findings: told of each.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._folders: set[str] = set()
        self._special: set[str] = set()
        self._bytes = 0
        self._crowded = False

    def take(self, name: str, member: TarMember, old: TarMember | None) -> None:
        """One member, in the order of the archive.

        Args:
            name: as engines clean it.
            member: what its headers tell.
            old: the file or link that had this name before.

        Raises:
            DamagedError: ``too-many-members``: longer names than can be kept.
        """
        self._bytes += len(name) + len(member.linkname)
        if self._bytes > limits.NAMES_BYTES:
            raise DamagedError(
                what=f"names of more than {limits.NAMES_BYTES} bytes together",
                where=Where(member=name[:100]),
                code="too-many-members",
            )
        if member.type is MemberType.OTHER:
            self._conflict("of an unknown type: some readers take it", name, member)
            return
        bits = member.format_bits
        if bits and bits != _FORMAT.get(member.type, bits):
            self._conflict(
                "its mode says that it is of another type than its type flag", name, member
            )
        is_folder, is_special = (
            member.type is MemberType.DIRECTORY,
            member.type is MemberType.SPECIAL,
        )
        if (
            (old is not None and old.type is not member.type)
            or (not is_folder and name in self._folders)
            or (not is_special and name in self._special)
        ):
            self._conflict("stands in the archive twice, as files of different types", name, member)
        if is_folder:
            self._folders.add(name)
        elif is_special:
            if len(self._special) < limits.SPECIAL_MEMBERS:
                self._special.add(name)
            elif not self._crowded:
                self._crowded = True
                self._conflict(
                    f"more than {limits.SPECIAL_MEMBERS} devices and FIFOs", name, member
                )

    def finish(self, files: Mapping[str, TarMember], links: Iterable[str]) -> None:
        """After the last member: what only the whole archive tells.

        Args:
            files: the files and links by their names.
            links: the names of links that stay in the archive.
        """
        for name in links:
            self._target(name, files)
        every = itertools.chain(self._folders, self._special, files)
        parents = {name.rpartition("/")[0] for name in every} - {""}
        # With the lowest separator what lies below a name follows it immediately.
        below = sorted(name.replace("/", "\0") for name in parents)
        for name in itertools.chain(self._special, files) if below else ():
            key = name.replace("/", "\0")
            at = bisect.bisect_left(below, key)
            if at < len(below) and (below[at] == key or below[at].startswith(f"{key}\0")):
                self._conflict(
                    "members lie below this link or file: who unpacks the archive writes elsewhere",
                    name,
                    files.get(name),
                )

    def _target(self, name: str, files: Mapping[str, TarMember]) -> None:
        """A link whose target is another member for who unpacks than for who joins names."""
        member = files[name]
        link = member.linkname
        if member.type is MemberType.HARDLINK:
            target = files.get(posixpath.normpath(link.lstrip("/")))
            if target is not None and target.type is MemberType.SYMLINK:
                self._conflict("a hard link to a symbolic link", name, member)
            return
        parts = [part for part in link.split("/") if part not in ("", ".")]
        if any(a != ".." == b for a, b in itertools.pairwise(parts)):
            self._conflict(
                f"links to {link[:100]!r}: '..' after a folder that may be a link", name, member
            )
        if link.startswith("/") and "/" in name:
            joined = posixpath.normpath(f"{posixpath.dirname(name)}/{link}")
            if joined in files:
                self._conflict(
                    f"links to {link[:100]!r}, and some readers begin at its folder", name, member
                )

    def _conflict(self, what: str, name: str, member: TarMember | None) -> None:
        self._findings.error(
            "conflicting-member",
            f"{what}: readers disagree what the archive holds",
            Where(member=name, offset=member.header if member is not None else None),
        )
