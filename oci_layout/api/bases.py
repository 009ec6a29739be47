"""Sources that complete another: opened first, and open as long."""

from __future__ import annotations

from contextlib import ExitStack

from oci_layout.api.words import path_at
from oci_layout.errors import UsageError
from oci_layout.finding import Findings
from oci_layout.option import Completing
from oci_layout.source.lookup import Holdings
from oci_layout.source.opening import STANDARD_INPUT, open_source


def open_bases(asked: Completing, stack: ExitStack) -> tuple[Holdings, ...]:
    """What the sources hold that ``--base`` names, in order.

    Damage in them matters only where something is taken from there: that is checked as it is read.

    Args:
        asked: names them.
        stack: closes them.

    Raises:
        NotAnImageError: one is not an image of any kind.
        UsageError: one is standard input.
    """
    found = []
    for base in asked.bases:
        path = path_at(base)
        if path == STANDARD_INPUT:
            raise UsageError(what="--base takes a file or a folder, not standard input")
        source = stack.enter_context(open_source(path, findings=Findings(), tmp=asked.tmp))
        found.append(source.contents.lent(source.label))
    return tuple(found)
