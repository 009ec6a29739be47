"""The command ``layout``: its verbs, and how each way of failing ends the process."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, NoReturn

import typer

from oci_layout import temporary
from oci_layout.cli import check, inspect, merge, repack, verify
from oci_layout.cli.text import error_line
from oci_layout.errors import LayoutError

_CLICK_ERROR: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

app = typer.Typer(
    name="layout",
    help="Convert saved container images between Docker and OCI formats, offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from oci_layout import __version__  # noqa: PLC0415  nothing else needs it at the start

        print(f"layout {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version


app.command("repack")(repack.command)
app.command("inspect")(inspect.command)
app.command("merge")(merge.command)
app.command("verify")(verify.command)
app.command("check")(check.command)


class _SignalledError(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _on_signal(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise _SignalledError(number)


def _open_standard_streams() -> None:
    """Fill closed descriptors 0 to 2, or the next file that is opened would take their place.

    Standard output is filled so that writing to it fails: an archive must not vanish unseen.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for good
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for good


def _finish(status: int) -> NoReturn:
    """End the process, though the reader of standard output may be gone."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = status or 141  # what a shell shows for a process that SIGPIPE ended
    sys.exit(status)


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: without the program's name; those of the process by default.
    """
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a letter
            stream.reconfigure(errors="backslashreplace")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    status = 0
    try:
        result = typer.main.get_command(app).main(
            arguments, prog_name="layout", standalone_mode=False
        )
        status = result if isinstance(result, int) else 0
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
    except _SignalledError as error:
        status = 128 + error.number
        name = signal.Signals(error.number).name
        how = "interrupted" if error.number == signal.SIGINT else f"ended by {name}"
        _tell(f"{how}; nothing was left behind", debug)
    except BrokenPipeError:
        status = 141
    finally:
        temporary.remove_all()
    _finish(status)


def _tell(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    if message:
        print(error_line(message), file=sys.stderr)
