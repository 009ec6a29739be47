"""What a verb is asked on the command line, as values: nothing here reads words or prints."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Parameter:
    """One argument or option of a verb.

    Args:
        name: the keyword that the verb is called with.
        kind: ``bool`` for a flag, ``str``, ``int`` or an enum of words.
        help: one line.
        flags: all spellings of an option; none for an argument.
        metavar: what stands for the value.
        required: whether the verb cannot be called without.
        default: the usual value, to be shown.
        many: whether it may be given again and again.
        values: how many words one option takes.
        least: of a number.
        most: of a number.
        offered: words that may be said, and others may be, too.
        between: what stands between several values in one word; empty for one value a word.
    """

    name: str
    kind: type
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    required: bool = False
    default: Any = None
    many: bool = False
    values: int = 1
    least: int | None = None
    most: int | None = None
    offered: tuple[str, ...] = ()
    between: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """All that may be said, where that is one of some words."""
        return tuple(map(str, self.kind)) if issubclass(self.kind, enum.Enum) else ()

    @property
    def flag(self) -> bool:
        """Whether it takes no value."""
        return self.kind is bool

    @property
    def spelled(self) -> str:
        """How it is called in a message: the long spelling of an option."""
        return next((each for each in self.flags if each.startswith("--")), "") or (
            self.flags[0] if self.flags else self.metavar.strip("[]")
        )


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Command:
    """A verb, ready to be asked.

    Args:
        run: is called with the values that were given, by name; gives the exit status, or None.
        text: the help, in paragraphs.
        parameters: in the order of the help.
    """

    run: Callable[..., Any]
    text: str
    parameters: tuple[Parameter, ...]

    @property
    def options(self) -> list[Parameter]:
        """Those with flags."""
        return [each for each in self.parameters if each.flags]

    @property
    def arguments(self) -> list[Parameter]:
        """Those that are told by their place."""
        return [each for each in self.parameters if not each.flags]

    def option(self, spelling: str) -> Parameter | None:
        """The option of that spelling."""
        return next((each for each in self.parameters if spelling in each.flags), None)


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Group:
    """A verb that stands before another one, as ``batch`` before ``verify``.

    Args:
        text: the help, in paragraphs.
        verbs: what may follow, with what each does.
        commands: the same, ready to be asked.
    """

    text: str
    verbs: Mapping[str, str]
    commands: Mapping[str, Command]


HELP = Parameter(name="help", kind=bool, flags=("-h", "--help"), help="Show this message and exit.")
