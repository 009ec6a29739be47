"""Files that a verb writes beside what it prints: a report, a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oci_layout.disk.outputs import Outputs
from oci_layout.disk.sidefile import SideFile


@contextmanager
def side_file(
    option: str, path: str | None, *sources: str, output: str | None = None
) -> Iterator[SideFile | None]:
    """A file beside the result, made before the work; None where none was asked for.

    Args:
        option: that names it.
        path: the file.
        sources: what is read.
        output: what --output names beside it; None for nothing.
    """
    if path is None:
        yield None
        return
    with Outputs(*sources) as outputs:
        if output not in (None, "-"):
            outputs.look("--output", str(output))
        with SideFile(option, path, outputs) as file:
            yield file
