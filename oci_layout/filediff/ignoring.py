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


def words_of(fields: Iterable[str]) -> frozenset[Ignored] | None:
    """What to ignore, so that none of some fields of files counts.

    Args:
        fields: that differ.

    Returns:
        The words; None where one of the fields always counts.
    """
    by_field = {name: word for word, names in _FIELDS.items() for name in names}
    words = [by_field.get(name) for name in fields]
    return None if None in words else frozenset(word for word in words if word is not None)


def word_of_field(path: tuple[str | int, ...]) -> Ignored | None:
    """What to ignore, so that a field of the config does not count; None where it always does.

    Args:
        path: keys and numbers from the top of the config.
    """
    fit = (each for each in (Ignored.CREATED, Ignored.HISTORY) if ignores_field((each,), path))
    return next(fit, None)


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
