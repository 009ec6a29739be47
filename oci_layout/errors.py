"""What can go wrong, as data: each error knows its exit status and builds its own message."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import attrs

from oci_layout.where import NOWHERE, Where, elided

_MESSAGE = 4_000  # characters of what happened: it may list some fifty digests


def message(text: str) -> str:
    """A message, cut in its middle where it is too long for anybody to read."""
    return elided(text, _MESSAGE)


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class LayoutError(Exception):
    """Anything this package raises on purpose.

    Args:
        what: what happened, one clause.
        where: the place it happened at.
        hint: what to do about it; empty when there is nothing to do.
    """

    what: str
    where: Where = NOWHERE
    hint: str = ""

    exit_status: ClassVar[int] = 3

    def __str__(self) -> str:
        where, what, hint = elided(str(self.where)), message(self.what), elided(self.hint)
        text = f"{where}: {what}" if where else what
        return f"{text} ({hint})" if hint else text


class UsageError(LayoutError):
    """The call makes no sense: contradicting or malformed arguments."""

    exit_status: ClassVar[int] = 2


class NotAnImageError(LayoutError):
    """The source cannot be read as an image of any kind."""


class ReadError(LayoutError):
    """The disk, or the network behind it, does not give what is there."""


class ChangedError(ReadError):
    """Somebody changed the source while it was read: what was judged is not what is there."""


class StaleError(ReadError):
    """An earlier result, which a layer was to be taken from, is not what it was."""


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class DamagedError(LayoutError):
    """The source is an image, and something in it does not hold.

    Args:
        code: the stable code of the finding that this error carries.
    """

    code: str


@contextmanager
def damage_in(source: str) -> Iterator[None]:
    """Name the source in errors about damage: who finds it often knows a member alone.

    Args:
        source: as the user called it; a file that is named already stays.
    """
    try:
        yield
    except DamagedError as error:
        error.where = error.where.of(source)
        raise


class SelectionError(LayoutError):
    """No such image or platform, or the choice is ambiguous."""

    exit_status: ClassVar[int] = 4


@attrs.frozen(kw_only=True)
class NameConflict:
    """A name that stands for two images.

    Args:
        name: which.
        images: the two of them, each with its source.
        source: of the second of them.
        hint: what to do about it.
    """

    name: str
    images: tuple[str, str]
    source: str
    hint: str

    def __str__(self) -> str:
        return f"{self.name} names two different images: {', '.join(self.images)}"


_CONFLICTS = 8  # names in one message


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class NameConflictError(SelectionError):
    """Names that stand for two images each, and may not.

    Args:
        conflicts: the first of them.
        count: how many there are.
    """

    conflicts: tuple[NameConflict, ...]
    count: int

    @classmethod
    def of(cls, conflicts: Sequence[NameConflict], count: int) -> NameConflictError:
        """The error that tells of some.

        Args:
            conflicts: the first ones; at least one.
            count: how many there are.
        """
        first, *others = conflicts
        what = str(first)
        if others:
            named = ", ".join(each.name for each in others[:_CONFLICTS])
            more = count - 1 - len(others[:_CONFLICTS])
            what += f"; so {'does' if count == 2 else 'do'} {named}"
            what += f" and {more} more" if more > 0 else ""
        return cls(what=what, hint=first.hint, conflicts=tuple(conflicts), count=count)


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
            what=error.strerror or str(error), where=Where(file=str(error.filename or ""))
        )
    return None
