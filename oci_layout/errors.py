"""What can go wrong, as data: each error knows its exit status and builds its own message."""

from __future__ import annotations

from typing import ClassVar

import attrs


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
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.hint})" if self.hint else text


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class UsageError(LayoutError):
    """The call makes no sense: contradicting or malformed arguments."""

    exit_status: ClassVar[int] = 2


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class NotAnImageError(LayoutError):
    """The source cannot be read as an image of any kind."""


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class DamagedError(LayoutError):
    """The source is an image, and something in it does not hold.

    Args:
        code: the stable code of the finding that this error carries.
    """

    code: str


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class SelectionError(LayoutError):
    """No such image or platform, or the choice is ambiguous."""

    exit_status: ClassVar[int] = 4


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class DestinationError(LayoutError):
    """The destination exists, cannot be written, or went away."""

    exit_status: ClassVar[int] = 5


@attrs.define(kw_only=True, eq=False, str=False, auto_exc=True)
class TargetError(LayoutError):
    """The target format cannot hold this, or digests had to be preserved and could not."""

    exit_status: ClassVar[int] = 6
