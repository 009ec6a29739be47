"""What is fuzzed: a name, how an input is made, and how it is run."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs

from oci_layout.codes import CODES
from oci_layout.errors import LayoutError
from oci_layout.finding import Finding


class BrokenError(Exception):
    """Something that must always hold does not."""


def require(condition: bool, what: str) -> None:
    """Crash unless it holds."""
    if not condition:
        raise BrokenError(what)


def known(findings: list[Finding] | tuple[Finding, ...]) -> None:
    """Every finding has a code of the documented ones, and a text."""
    for each in findings:
        require(each.code in CODES and bool(str(each)), f"finding {each.code}")


def void(value: object) -> None:
    """Drop a result: it was only to be asked for."""


@attrs.frozen(kw_only=True)
class Target:
    """One thing that is fuzzed.

    Args:
        name: as the command line calls it.
        make: an input out of chance.
        run: takes an input and an empty folder.
        encode: the input as a file.
        decode: the input of a file.
        allowed: exceptions that its callers expect.
        empty: whether the folder is used, so that it must be emptied.
    """

    name: str
    make: Callable[[random.Random], Any]
    run: Callable[[Any, str], None]
    encode: Callable[[Any], bytes] = bytes
    decode: Callable[[bytes], Any] = bytes
    allowed: tuple[type[Exception], ...] = (LayoutError,)
    empty: bool = False
