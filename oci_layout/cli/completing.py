"""Words that may come next on a command line, for the shells.

A shell's function (``cli/shells``) calls ``layout`` with the words before the cursor, and with
``_LAYOUT_COMPLETE`` in the environment. One candidate a line comes back, for zsh and fish with what
it means behind a tab. Where there is none, the shell offers files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from oci_layout.cli import verbs
from oci_layout.cli.asked import HELP, Command, Group, Parameter
from oci_layout.cli.screen import show_bytes


def lines(shell: str, words: Sequence[str]) -> list[str]:
    """What is printed for a shell.

    Args:
        shell: ``bash``, ``zsh`` or ``fish``.
        words: those after the command, up to the cursor; the last may be empty, or a beginning.
    """
    if shell != "bash":
        return [f"{word}\t{meaning}" for word, meaning in candidates(words)]
    words = _joined(words)
    last = words[-1] if words else ""
    # To bash, what is before such a letter is a word of its own, and stays; "@" begins a new one.
    stays = max(last.rfind("=") + 1, last.rfind(":") + 1, last.rfind("@"), 0)
    return [word[stays:] for word, _ in candidates(words)]


_BREAKS = "=@:"  # letters at which bash breaks words, and which ours have in them


def _joined(words: Sequence[str]) -> list[str]:
    """The words as they were before bash broke them."""
    found: list[str] = []
    glued = False
    for word in words:
        breaks = len(word) == 1 and word in _BREAKS
        if len(found) > 1 and (glued or breaks):
            found[-1] += word
        else:
            found.append(word)
        glued = breaks
    return found


def candidates(words: Sequence[str]) -> list[tuple[str, str]]:
    """What the last word may become, each with its meaning."""
    *before, last = words or [""]
    if not before:
        every = [*verbs.VERBS.items(), *_flags([verbs.VERSION, HELP], last)]
    elif before == ["help"]:
        every = list(verbs.VERBS.items())
    elif before[0] in verbs.VERBS:
        every = _following(verbs.command_of(before[0]), before[1:], last)
    else:
        every = []
    return [(word, meaning) for word, meaning in every if word.startswith(last)]


def _following(command: Command | Group, before: Sequence[str], last: str) -> list[tuple[str, str]]:
    if not isinstance(command, Group):
        return list(_of_verb(command, before, last))
    if not before:
        return [*command.verbs.items(), *_flags([HELP], last)]
    inner = command.commands.get(before[0])
    return [] if inner is None else list(_of_verb(inner, before[1:], last))


def _of_verb(command: Command, before: Sequence[str], last: str) -> Iterator[tuple[str, str]]:
    wanting: Parameter | None = None  # the option whose value comes next
    wanted = places = 0
    ended = False  # "--" was there
    given: set[str] = set()
    for word in before:
        if wanted:
            wanted -= 1
        elif ended or not word.startswith("-") or word == "-":
            places += 1
        elif word == "--":
            ended = True
        else:
            name, equals, _ = word.partition("=")
            wanting = command.option(name)
            if wanting is not None:
                given.add(wanting.name)
                wanted = 0 if wanting.flag or equals else wanting.values
    if wanted and wanting is not None:
        yield from values(wanting, last)
    elif last.startswith("-") and not ended:
        yield from _options(command, given, last)
    elif places < len(command.arguments):
        yield from values(command.arguments[places], last)


def _options(command: Command, given: set[str], last: str) -> Iterator[tuple[str, str]]:
    """Options that are not there yet; of one with ``=``, its values."""
    name, equals, value = last.partition("=")
    option = command.option(name) if equals else None
    if option is not None:
        yield from ((f"{name}={word}", meaning) for word, meaning in values(option, value))
        return
    yield from _flags(
        [each for each in command.options if each.name not in given or each.many], last
    )


def _flags(options: Sequence[Parameter], last: str) -> Iterator[tuple[str, str]]:
    """Long spellings; short ones for who has typed no more than a dash."""
    for option in options:
        for flag in option.flags:
            if last.startswith("-") and (flag.startswith("--") or len(last) < 2):
                yield flag, option.help


def values(parameter: Parameter, last: str) -> Iterator[tuple[str, str]]:
    """What a value may become; of several in one word the last one."""
    between = parameter.between
    before, comma, part = last.rpartition(between) if between else ("", "", last)
    given = before.split(between) if before else []
    for word in _words(parameter, part):
        if word not in given:
            yield f"{before}{comma}{word}", parameter.help


def _words(parameter: Parameter, last: str) -> Iterable[str]:
    of_kind = _OF_KIND.get(parameter.metavar)
    if of_kind is not None:
        return of_kind(last)
    return parameter.words or parameter.offered


def _targets(last: str) -> Iterable[str]:
    from oci_layout.targets.target import offered  # noqa: PLC0415  only who asks for one

    return offered(last)


def _attestations(last: str) -> Iterable[str]:
    from oci_layout.signatures.statement import SHORT_TYPES  # noqa: PLC0415  likewise

    del last
    return SHORT_TYPES


# What is said of a kind of value wherever one is asked for, by what stands for it in the help.
_OF_KIND: dict[str, Callable[[str], Iterable[str]]] = {
    "TARGET": _targets,
    "TYPE": _attestations,
}


def answer(shell: str) -> int:
    """Print what may come next; the exit status."""
    show_bytes("".join(f"{line}\n" for line in lines(shell, sys.argv[1:])).encode())
    return 0
