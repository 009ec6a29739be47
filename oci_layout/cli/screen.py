"""The one way out: all text and JSON that reaches a terminal or a pipe is written here."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from oci_layout.cli.text import shown
from oci_layout.errors import DestinationError
from oci_layout.model.reporttext import json_text
from oci_layout.where import Where


class _Standard(io.FileIO):
    """Descriptor 1: what it does not take is an error of the destination.

    A reader that has gone (EPIPE) stays what it is: that is no fault of anybody.
    """

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise DestinationError(
                what=error.strerror or str(error),
                where=Where(file="standard output"),
                hint="what was printed is not complete",
            ) from error


def open_streams() -> None:
    """Make the standard streams fit for text from images, and for failing as they should.

    Letters that a terminal cannot show become escapes. Closed descriptors must have been filled.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) or sys.stdout is None:
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_Standard(1, "wb", closefd=False)),
            encoding=getattr(sys.stdout, "encoding", "utf-8"),
            errors="backslashreplace",
            line_buffering=os.isatty(1),
        )
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for good
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")


def discard(number: int) -> None:
    """Let go of a standard stream that takes nothing, or the interpreter fails on it at the end."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)


def show(lines: Iterable[str], *, paint: Callable[[str], str] = str, error: bool = False) -> None:
    """Print lines, whatever is in them, as text.

    Args:
        lines: without line ends.
        paint: adds our own colours, after all else was made harmless.
        error: on standard error; one that takes nothing is no failure.
    """
    if not error:
        for line in lines:
            print(paint(shown(line)))
        return
    _say("".join(f"{shown(line)}\n" for line in lines))


def _say(text: str) -> None:
    """Write on standard error. One that takes nothing is let go of; a signal may come meanwhile."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        discard(2)
    except RuntimeError:  # a signal in the middle of this very call
        return


def hand_over() -> None:
    """Let go of what was printed: the process may be ended at any moment."""
    sys.stdout.flush()


def is_live() -> bool:
    """Whether standard error is a terminal, on which a line may change."""
    return sys.stderr.isatty()


def one_screen() -> bool:
    """Whether both standard streams go to people who have read the one when they see the other."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def draw(line: str) -> None:
    """Show a line on standard error in the place of the one that was drawn before.

    Args:
        line: not wider than the terminal; empty to take the old one away.
    """
    _say(f"\r\033[K{shown(line)}")


def show_bytes(data: bytes) -> None:
    """Print bytes as they are: a document that somebody asked for byte for byte."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


class StandardOutput:
    """Takes bytes as they are, piece by piece."""

    def write(self, data: bytes, /) -> None:
        """Print some."""
        show_bytes(data)


def show_json_list(name: str, values: Iterable[Any]) -> None:
    """Print one JSON document that has a list, each value on a line as it comes.

    Args:
        name: of the list.
        values: too many to be kept.
    """
    print(f'{{"{name}":[', end="")
    between = "\n"
    for value in values:
        print(between + json_text(value), end="")
        between = ",\n"
    print("\n]}")


def show_json(value: Any) -> None:
    """Print one JSON document."""
    print(json_text(value))
