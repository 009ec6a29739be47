"""The command ``layout``: its verbs, and how each way of failing ends the process."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from oci_layout import temporary
from oci_layout.cli import screen, verbs
from oci_layout.cli.asked import HELP, Command, Group
from oci_layout.cli.parsing import close, parsed
from oci_layout.cli.text import error_line
from oci_layout.errors import LayoutError, UsageError, of_machine
from oci_layout.where import elided

_INTERNAL = 8  # exit status of an exception that is not ours
_GRACE = 0.7  # seconds that threads have to end after a signal
_SOON = 0.01  # seconds
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _SignalledError(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _ignore_signals() -> None:
    """What ends is not disturbed: a second signal changes nothing.

    By a function: of a signal that has come already, Python complains where it then finds SIG_IGN.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)


def _on_signal(number: int, frame: FrameType | None) -> None:
    del frame
    _ignore_signals()

    def end() -> NoReturn:
        temporary.remove_all()
        _end_at_once(number)

    def give_up(alarm: int, frame: FrameType | None) -> None:
        """A thread is deep in an encoder and does not hear us: end without it."""
        del alarm, frame
        temporary.interrupt(end)

    def stop() -> NoReturn:
        raise _SignalledError(number)

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _GRACE)
    temporary.interrupt(stop)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Some code of Python lets no exception out: then the alarm ends the process, and soon."""
    if isinstance(what.exc_value, _SignalledError):
        signal.setitimer(signal.ITIMER_REAL, _SOON)
    else:
        sys.__unraisablehook__(what)


def _open_standard_streams() -> None:
    """Fill closed descriptors 0 to 2, or the next file that is opened would take their place.

    Standard output is filled so that writing to it fails: an archive must not vanish unseen.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    screen.open_streams()


def _finish(status: int, debug: bool) -> NoReturn:
    """End the process, though the reader of standard output may be gone, or its disk be full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        screen.discard(1)
        status = status or 141  # what a shell shows for a process that SIGPIPE ended
    except LayoutError as error:
        screen.discard(1)
        if status in (0, 1):  # the findings were not seen, or not all
            status = error.exit_status
            _tell(str(error), debug)
    sys.exit(status)


def _require_values(arguments: list[str]) -> None:
    """Refuse empty values: behind one is a variable of a script that nobody set.

    Raises:
        UsageError: there is one.
    """
    for before, argument in zip(["layout", *arguments], arguments, strict=False):
        option, equals, value = argument.partition("=")
        if not argument or (option.startswith("--") and equals and not value):
            name = option or before
            raise UsageError(
                what=f"an empty value after {name}", hint="is a variable of a script unset?"
            )


def _failure(error: Exception, debug: bool) -> int:
    """Tell of what no part of the program expected, and the status for it."""
    known = of_machine(error)
    if known is not None:
        _tell(str(known), debug)
        return known.exit_status
    kind = type(error).__name__
    text = f"{kind}: {elided(str(error))}" if str(error) else kind
    _tell(f"internal failure: {text} (please report it, with the output of --debug)", debug)
    return _INTERNAL


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: without the program's name; those of the process by default.
    """
    _open_standard_streams()
    sys.unraisablehook = _unraisable
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, _on_signal)
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        status = _status(arguments, debug)
        _ignore_signals()  # what was done stays so
    except _SignalledError as error:
        _tell("", debug)
        temporary.remove_all()
        _end_at_once(error.number)
    _finish(status, debug)


def _status(arguments: list[str], debug: bool) -> int:
    """Run the command line; the exit status."""
    status = 0 if arguments else 2
    arguments = arguments or ["--help"]
    if arguments[0] == "help":
        arguments = [*arguments[1:], "--help"]
    try:
        _require_values(arguments)
        status = _called(arguments) or status
    except LayoutError as error:
        status = error.exit_status
        _tell(str(error), debug)
    except KeyboardInterrupt:
        status = 130
        _tell("interrupted; nothing was left behind", debug)
    except BrokenPipeError:
        status = 141
    except Exception as error:  # noqa: BLE001  the last place where it can be told
        status = _failure(error, debug)
    finally:
        temporary.remove_all()
    return status


def _called(arguments: list[str]) -> int:
    """Do what the words say; the exit status.

    Raises:
        UsageError: they make no sense.
        LayoutError: it cannot be done.
    """
    verb, rest = arguments[0], arguments[1:]
    if verb in verbs.VERSION.flags:
        from oci_layout.cli.versions import versions  # noqa: PLC0415  asked for by few

        screen.show(versions())
        return 0
    if verb in HELP.flags:
        from oci_layout.cli import helping  # noqa: PLC0415  likewise

        screen.show(helping.of_all(verbs.SUMMARY, verbs.VERBS, [verbs.VERSION], verbs.STATUSES))
        return 0
    if verb not in verbs.VERBS:
        kind = "option" if verb.startswith("-") else "command"
        near = close(verb, [*verbs.VERBS, *verbs.VERSION.flags, *HELP.flags])
        raise UsageError(
            what=f"there is no {kind} {verb!r}", hint=near or "layout --help lists all"
        )
    examples = verbs.examples_of(verb)
    command = verbs.command_of(verb)
    if isinstance(command, Group):
        if not rest or rest[0] in HELP.flags:
            from oci_layout.cli import helping  # noqa: PLC0415  likewise

            screen.show(helping.of_group(verb, command, examples))
            return 0 if rest else UsageError.exit_status
        verb = f"{verb} {rest[0]}"
        command, rest = _inner(command, verb, rest[0]), rest[1:]
        examples = tuple(each for each in examples if verb in each)
    given = parsed(verb, command, rest)
    if given is None:
        from oci_layout.cli import helping  # noqa: PLC0415  likewise

        screen.show(helping.of_verb(verb, command, examples))
        return 0
    result = command.run(**given)
    return result if isinstance(result, int) else 0


def _inner(group: Group, verb: str, name: str) -> Command:
    """The command of a group.

    Raises:
        UsageError: it has none of that name.
    """
    command = group.commands.get(name)
    if command is None:
        near = close(name, group.verbs)
        raise UsageError(
            what=f"there is no command {verb!r}",
            hint=near or f"{', '.join(group.verbs)} may stand there",
        )
    return command


def _end_at_once(number: int) -> NoReturn:
    """End after a signal, with threads or without: everything has been cleaned up."""
    name = signal.Signals(number).name
    how = "interrupted" if number == signal.SIGINT else f"ended by {name}"
    screen.show([error_line(f"{how}; nothing was left behind")], error=True)
    os._exit(128 + number)


def _tell(message: str, debug: bool) -> None:
    if debug:
        import traceback  # noqa: PLC0415  asked for by few

        screen.show(traceback.format_exc().splitlines(), error=True)
    if message:
        screen.show([error_line(message)], error=True)
