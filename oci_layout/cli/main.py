"""The command ``layout``: its verbs, and how each way of failing ends the process."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from oci_layout import temporary
from oci_layout.cli import screen
from oci_layout.cli.text import error_line
from oci_layout.errors import LayoutError, UsageError, of_machine
from oci_layout.where import elided

_CLICK_ERROR: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

_STATUSES = (
    "Exit status: 0 done; 1 findings, a difference, or an engine that does not load it; 2 wrong "
    "usage; 3 no image, or damaged; 4 no such image, platform or file; 5 the destination or "
    "standard output; 6 the target cannot hold it; 7 out of memory, threads or file descriptors; 8 "
    "an internal failure; 130 interrupted."
)

# In the order of the help. A verb's module is imported when the verb is called: the start of the
# command is what most calls of it cost.
_VERBS = {
    "repack": "Convert images between the formats of Docker and OCI.",
    "verify": "Check every digest, size and diff_id.",
    "inspect": "Show what is inside.",
    "diff": "Tell whether two images are the same, and why not.",
    "check": "Tell which engines load it, and as what.",
    "report": "Write all of it as one page of HTML.",
    "files": "List the files of an image.",
    "cat": "Print a file of an image.",
    "export": "Write the file system of an image.",
    "merge": "Put the images of several sources into one.",
    "edit": "Change labels, variables, names, platforms, times.",
    "have": "List what is there, for who is to leave it out.",
    "list": "List the names in a source, one a line.",
    "tag": "Give an image one name more.",
    "rm": "Remove names or images.",
    "gc": "Remove blobs that nothing leads to.",
    "batch": "Verify, repack or inspect many sources.",
}


def _version(wanted: bool) -> None:
    if wanted:
        from oci_layout import __version__  # noqa: PLC0415  nothing else needs it at the start

        screen.show([f"layout {__version__}"])
        raise typer.Exit


def _main(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version


def application(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line, as far as these arguments need it.

    Args:
        arguments: without the program's name; every verb is there where they begin with none.
    """
    wanted = arguments[:1] if arguments and arguments[0] in _VERBS else _VERBS
    app = typer.Typer(
        name="layout",
        help="Convert saved container images between Docker and OCI formats, offline.",
        epilog=_STATUSES,
        add_completion=wanted is _VERBS,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    for verb in wanted:
        module = importlib.import_module(f"oci_layout.cli.{verb}")
        epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in module.EXAMPLES)])
        if not hasattr(module, "COMMANDS"):
            app.command(verb, short_help=_VERBS[verb], epilog=epilog)(module.command)
            continue
        group = typer.Typer(help=module.__doc__, short_help=_VERBS[verb], epilog=epilog)
        for name, (short_help, command) in module.COMMANDS.items():
            group.command(name, short_help=short_help)(command)
        app.add_typer(group, name=verb)
    return app


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
        result = typer.main.get_command(application(arguments)).main(
            arguments, prog_name="layout", standalone_mode=False
        )
        status = result if isinstance(result, int) and result else status
    except LayoutError as error:
        status = error.exit_status
        _tell(str(error), debug)
    except _CLICK_ERROR as error:
        status = 2
        message = " ".join(getattr(error, "format_message", error.__str__)().split())
        _tell(f"{message} (layout COMMAND --help shows the usage)" if message else "", debug)
    except (KeyboardInterrupt, typer.Abort):
        status = 130
        _tell("interrupted; nothing was left behind", debug)
    except BrokenPipeError:
        status = 141
    except Exception as error:  # noqa: BLE001  the last place where it can be told
        status = _failure(error, debug)
    finally:
        temporary.remove_all()
    return status


def _end_at_once(number: int) -> NoReturn:
    """End after a signal, with threads or without: everything has been cleaned up."""
    name = signal.Signals(number).name
    how = "interrupted" if number == signal.SIGINT else f"ended by {name}"
    screen.show([error_line(f"{how}; nothing was left behind")], error=True)
    os._exit(128 + number)


def _tell(message: str, debug: bool) -> None:
    if debug:
        screen.show(traceback.format_exc().splitlines(), error=True)
    if message:
        screen.show([error_line(message)], error=True)
