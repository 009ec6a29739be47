"""Names inside an archive: one spelling, and links followed inside the archive only."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from oci_layout.limits import LINK_HOPS

# No part of it begins with a dot or is empty.
_CLEAN = re.compile(r"[^./\0][^/\0]*(?:/[^./\0][^/\0]*)*")


class UnsafeNameError(ValueError):
    """A name that leaves the archive."""


def normalise(name: str) -> str:
    """One spelling for a member's name: no ``./``, no doubled or trailing slash.

    Raises:
        UnsafeNameError: an absolute name, a ``..`` component, or a NUL.
    """
    if name.startswith("/") or "\0" in name:
        raise UnsafeNameError(name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeNameError(name)
    return "/".join(parts)


def joined(path: str) -> str:
    """What a path in a document names, seen from the root of the archive.

    A leading ``/``, ``.`` and ``..`` are cleaned away, as where a program joins the path to the
    folder that it has unpacked into (Go's ``filepath.Join``).

    Raises:
        UnsafeNameError: it leaves the archive, or holds a NUL.
    """
    if _CLEAN.fullmatch(path):
        return path
    cleaned = posixpath.normpath(path.lstrip("/"))
    if cleaned == ".." or cleaned.startswith("../") or "\0" in cleaned:
        raise UnsafeNameError(path)
    return "" if cleaned == "." else cleaned


def cleaned(name: str) -> str:
    """A name as Go's ``path.Clean`` leaves it: a leading ``/`` stays."""
    clean = posixpath.normpath(name)
    return clean[1:] if clean.startswith("//") else clean


def link_target(member: str, linkname: str) -> str:
    """What a symbolic link names, seen from the root of the archive.

    Args:
        member: normalised name of the link.
        linkname: its target as written; an absolute one begins at the archive's root.

    Raises:
        UnsafeNameError: it leaves the archive.
    """
    if linkname.startswith("/"):
        joined = posixpath.normpath(linkname).lstrip("/")
    else:
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(member), linkname))
    if joined == ".." or joined.startswith("../") or "\0" in joined:
        raise UnsafeNameError(linkname)
    return "" if joined == "." else joined


def follow(name: str, link: Callable[[str], str | None]) -> str | None:
    """Resolve links in a name, component by component.

    Args:
        name: normalised name.
        link: gives the (root-relative) target of a name that is a link, else None.

    Returns:
        The name it comes to, or None when there are too many hops (a loop).
    """
    at = -1  # the end of what is known to hold no link
    hops = 0
    while at < len(name):
        slash = name.find("/", at + 1)
        at = slash if slash >= 0 else len(name)
        target = link(name[:at])
        if target is None:
            continue
        hops += 1
        if hops > LINK_HOPS:
            return None
        name, at = "/".join(part for part in f"{target}{name[at:]}".split("/") if part), -1
    return name
