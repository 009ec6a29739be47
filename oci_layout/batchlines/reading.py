"""The lines of a batch out of a file: one at a time, however many there are."""

from __future__ import annotations

import enum
import json
import os
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

import attrs

from oci_layout import limits
from oci_layout.batchlines.values import SourceReport, Summary, value_of
from oci_layout.errors import ReadError
from oci_layout.where import Where


class Unread(enum.Enum):
    """Why a line is passed over."""

    TORN = "torn"  # the last one, which has no end
    LONG = "long"  # longer than a batch writes them
    OTHER = "other"  # no line of a batch


@attrs.frozen(kw_only=True)
class Line:
    """A line of the file.

    Args:
        number: of it, from 1.
        said: what it says; or why it is passed over.
        report: of a source's line, the verb's own report as a JSON value.
    """

    number: int
    said: SourceReport | Summary | Unread
    report: Any = None


def are_lines(path: str) -> bool:
    """Whether a file begins with a line of a batch, whatever it is called.

    Args:
        path: of a file, or of anything: what cannot be read has no lines.
    """
    try:
        with _opened(path) as file:
            if file.read(1) != b"{":
                return False
            file.seek(0)
            first = next(_lines(file), None)
    except (OSError, ValueError):
        return False
    return first is not None and not isinstance(first.said, Unread)


def lines_of(path: str) -> Iterator[Line]:
    """Every line of a file, as it is read.

    Args:
        path: of the file, which may still be written.

    Raises:
        ReadError: it cannot be read.
    """
    try:
        with _opened(path) as file:
            yield from _lines(file)
    except OSError as error:
        raise ReadError(what=error.strerror or str(error), where=Where(file=path)) from error


def _opened(path: str) -> BinaryIO:
    """A file that is one: nobody waits for the other end of a pipe.

    Raises:
        OSError: it is no regular file, or cannot be opened.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "is no file")
        return open(fd, "rb")
    except BaseException:
        os.close(fd)
        raise


def _lines(file: BinaryIO) -> Iterator[Line]:
    number = 0
    while raw := file.readline(limits.REPORT_LINE_BYTES + 1):
        number += 1
        ended = raw.endswith(b"\n")
        if not ended and len(raw) > limits.REPORT_LINE_BYTES:
            _pass_over(file)
            yield Line(number=number, said=Unread.LONG)
            continue
        line = _line(raw, number)
        if line.said is Unread.OTHER and not ended:
            line = attrs.evolve(line, said=Unread.TORN)
        yield line


def _pass_over(file: BinaryIO) -> None:
    while (raw := file.readline(limits.CHUNK)) and not raw.endswith(b"\n"):
        pass


def _line(raw: bytes, number: int) -> Line:
    # Plain JSON, not what Go makes of it: it was written here, and a path that is no UTF-8 comes
    # back as it was. The length of a line bounds the memory that its value takes.
    try:
        value = json.loads(raw.decode("ascii"), parse_constant=_refused)
        return Line(number=number, said=value_of(value), report=value.get("report"))
    except (ValueError, RecursionError):
        return Line(number=number, said=Unread.OTHER)


def _refused(name: str) -> NoReturn:
    raise ValueError(name)
