"""The words of a command line as values: which is an option, and what each means.

As most programs have it: options anywhere among arguments, ``--option VALUE`` and
``--option=VALUE``, ``-o VALUE`` and ``-oVALUE``, short flags together, and ``--`` before words that
are no options. The word after an option is its value, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from oci_layout.cli.asked import HELP, Command, Parameter
from oci_layout.errors import UsageError


def parsed(verb: str, command: Command, words: Sequence[str]) -> dict[str, Any] | None:
    """What was given, by the names of parameters; None where the help is asked for.

    Args:
        verb: for messages.
        command: what may be given.
        words: those after the verb.

    Raises:
        UsageError: the words make no sense.
    """
    reader = _Reader(verb, command, words)
    reader.read()
    if HELP.name in reader.given:
        return None
    return reader.values()


class _Reader:
    """Goes through the words once."""

    def __init__(self, verb: str, command: Command, words: Sequence[str]) -> None:
        self._verb = verb
        self._command = command
        self._rest = list(reversed(words))  # the next one last
        self._places: list[str] = []  # words that are no options
        self.given: dict[str, list[Any]] = {}

    def read(self) -> None:
        """Tell options, with their values, from arguments."""
        while self._rest:
            word = self._rest.pop()
            if word == "--":
                self._places += reversed(self._rest)
                return
            if word.startswith("--"):
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._short(word)
            else:
                self._places.append(word)

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._option(name)
        if option.flag and equals:
            raise UsageError(what=f"{name} takes no value", hint=self._usage)
        if equals:
            self._rest.append(value)
        self._take(option, name)

    def _short(self, word: str) -> None:
        for at, letter in enumerate(word[1:], 2):
            option = self._option(f"-{letter}")
            if not option.flag and word[at:]:
                self._rest.append(word[at:])
            self._take(option, f"-{letter}")
            if not option.flag:
                return

    def _option(self, name: str) -> Parameter:
        option = self._command.option(name)
        if option is None:
            every = [each for option in self._command.options for each in option.flags]
            near = close(name, [each for each in every if each.startswith("--")])
            raise UsageError(what=f"{self._verb} has no option {name}", hint=near or self._usage)
        return option

    def _take(self, option: Parameter, name: str) -> None:
        if option.flag:
            self.given[option.name] = [True]
            return
        if len(self._rest) < option.values:
            wanted = "a value" if option.values == 1 else f"{option.values} values"
            raise UsageError(what=f"{name} needs {wanted}", hint=self._usage)
        found = tuple(meant(option, self._rest.pop(), name) for _ in range(option.values))
        value = found if option.values > 1 else found[0]
        self.given.setdefault(option.name, []).append(value)

    def values(self) -> dict[str, Any]:
        """What was given, arguments by their places among it."""
        self._arguments()
        for each in self._command.options:
            if each.required and each.name not in self.given:
                of = f"one of {', '.join(each.words)}" if each.words else self._usage
                raise UsageError(what=f"{each.spelled} is missing", hint=of)
        many = {each.name for each in self._command.parameters if each.many}
        return {name: found if name in many else found[-1] for name, found in self.given.items()}

    def _arguments(self) -> None:
        """Give each argument its word; one that takes many has all that the others leave."""
        rest = list(self._places)
        arguments = self._command.arguments
        for number, each in enumerate(arguments):
            behind = len(arguments) - number - 1
            count = len(rest) - behind if each.many else 1
            mine, rest = rest[: max(count, 0)], rest[max(count, 0) :]
            if mine:
                self.given[each.name] = [meant(each, word, each.spelled) for word in mine]
            elif each.required:
                raise UsageError(what=f"{each.spelled} is missing", hint=self._usage)
        if rest:
            raise UsageError(what=f"one argument too many: {rest[0]!r}", hint=self._usage)

    @property
    def _usage(self) -> str:
        return f"layout {self._verb} --help shows the usage"


def meant(parameter: Parameter, word: str, name: str) -> Any:
    """The value that a word stands for.

    Args:
        parameter: what it was given for.
        word: as it was given.
        name: of the parameter, as it was given.

    Raises:
        UsageError: it stands for none.
    """
    words = parameter.words
    if words:
        if word not in words:
            raise UsageError(what=f"{name}: {word!r} is none of {', '.join(words)}")
        return parameter.kind(word)
    if parameter.kind is int:
        return _number(parameter, word, name)
    return word


_DIGITS = 18  # of a number: what is longer is no count of anything


def _number(parameter: Parameter, word: str, name: str) -> int:
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
        raise UsageError(what=f"{name}: {word!r} is no whole number")
    value, least, most = int(word), parameter.least, parameter.most
    if (least is not None and value < least) or (most is not None and value > most):
        raise UsageError(what=f"{name}: {value} is out of bounds: {bounds(parameter)}")
    return value


def bounds(parameter: Parameter) -> str:
    """The bounds of a number, as the help has them; empty where there are none."""
    low = "" if parameter.least is None else f"{parameter.least}<="
    high = "" if parameter.most is None else f"<={parameter.most}"
    if low and not high:
        return f"x>={parameter.least}"
    return f"{low}x{high}" if low or high else ""


def close(word: str, known: Iterable[str]) -> str:
    """A hint at what a word may have been meant to be; empty where nothing is near."""
    from difflib import get_close_matches  # noqa: PLC0415  only where something is wrong

    near = get_close_matches(word, list(known))
    return f"did you mean {' or '.join(near)}?" if near else ""
