"""What can go wrong, as data: each error knows its exit status and builds its own message."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import attrs

from oci_layout.counting import plural

_TEXT = 500  # characters of a name in a message
_MESSAGE = 4_000  # of what happened: it may list some fifty digests


def elided(text: str, room: int = _TEXT) -> str:
    """A text cut to so many characters: its middle gives way to the count of what is missing."""
    if len(text) <= room:
        return text
    half = (room - 30) // 2
    return f"{text[:half]}...({plural(len(text) - 2 * half, 'character')})...{text[-half:]}"


def message(text: str) -> str:
    """A message, cut in its middle where it is too long for anybody to read."""
    return elided(text, _MESSAGE)


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class LayoutError(Exception):
    """Anything this package raises on purpose.

    Args:
        what: what happened, one clause.
        where: member, field path or offset it happened at; empty when that says nothing.
        hint: what to do about it; empty when there is nothing to do.
    """

    what: str
    where: str = ""
    hint: str = ""

    exit_status: ClassVar[int] = 3

    def __str__(self) -> str:
        where, what, hint = elided(self._place()), message(self.what), elided(self.hint)
        text = f"{where}: {what}" if where else what
        return f"{text} ({hint})" if hint else text

    def _place(self) -> str:
        return self.where


class UsageError(LayoutError):
    """The call makes no sense: contradicting or malformed arguments."""

    exit_status: ClassVar[int] = 2


class NotAnImageError(LayoutError):
    """The source cannot be read as an image of any kind."""


class ReadError(LayoutError):
    """The disk, or the network behind it, does not give what is there."""


class ChangedError(ReadError):
    """Somebody changed the source while it was read: what was judged is not what is there."""


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class DamagedError(LayoutError):
    """The source is an image, and something in it does not hold.

    Args:
        code: the stable code of the finding that this error carries.
        source: what it is in, as the user called it; empty where ``where`` says so, or nobody knew.
    """

    code: str
    source: str = ""

    def _place(self) -> str:
        if not self.source or self.where.startswith(self.source):
            return self.where
        return f"{elided(self.source)}: {self.where}" if self.where else self.source


@contextmanager
def damage_in(source: str) -> Iterator[None]:
    """Name the source in errors about damage: who finds it often knows a member alone.

    Args:
        source: as the user called it; what a call within said first counts.
    """
    try:
        yield
    except DamagedError as error:
        error.source = error.source or source
        raise


class SelectionError(LayoutError):
    """No such image or platform, or the choice is ambiguous."""

    exit_status: ClassVar[int] = 4


class DestinationError(LayoutError):
    """The destination exists, cannot be written, or went away."""

    exit_status: ClassVar[int] = 5


class TargetError(LayoutError):
    """The target format cannot hold this, or digests had to be preserved and could not."""

    exit_status: ClassVar[int] = 6


class ResourceError(LayoutError):
    """The machine ran out of something: memory, threads, file descriptors."""

    exit_status: ClassVar[int] = 7


def of_machine(error: BaseException) -> LayoutError | None:
    """What an exception of Python means, where the machine and not the program is to blame."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        return ResourceError(
            what="out of memory", hint="give it more, or fewer --jobs; ulimit -v may be set"
        )
    if (isinstance(error, RuntimeError) and "start new thread" in str(error)) or (
        number == errno.EAGAIN
    ):
        return ResourceError(
            what="the system allows no more threads", hint="fewer --jobs, or raise ulimit -u"
        )
    if number in (errno.EMFILE, errno.ENFILE):
        return ResourceError(what="too many open files", hint="raise ulimit -n")
    if isinstance(error, OSError) and number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return DestinationError(
            what=error.strerror or str(error), where=str(error.filename or ""), hint=""
        )
    return None
