"""What two images may differ in, and be called the same all the same: where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from oci_layout.pythons import StrEnum


class Ignored(StrEnum):
    """What does not count."""

    MTIME = "mtime"  # times of files
    OWNER = "owner"  # numbers of users and groups
    MODE = "mode"  # permissions
    XATTRS = "xattrs"  # extended attributes
    ORDER = "order"  # of the files in the tar of a layer
    CREATED = "created"  # times in the config and its history
    HISTORY = "history"  # of the config

    @property
    def of_files(self) -> bool:
        """Whether it is something of files, and not of the config."""
        return self not in (Ignored.CREATED, Ignored.HISTORY)


_FIELDS = {
    Ignored.MTIME: ("mtime",),
    Ignored.OWNER: ("uid", "gid"),
    Ignored.MODE: ("mode",),
    Ignored.XATTRS: ("xattrs",),
}


def fields_of(ignored: Iterable[Ignored]) -> frozenset[str]:
    """The fields of a file that do not count."""
    return frozenset(name for each in ignored for name in _FIELDS.get(each, ()))


def ignores_field(ignored: Iterable[Ignored], path: tuple[str | int, ...]) -> bool:
    """Whether a field of the config does not count.

    Args:
        ignored: what does not.
        path: keys and numbers from the top of the config.
    """
    words = set(ignored)
    if path[:1] == ("history",):
        return Ignored.HISTORY in words or (Ignored.CREATED in words and path[2:] == ("created",))
    return Ignored.CREATED in words and path == ("created",)
