"""The source that is read, and those beside it: what completes it, what the other side has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from oci_layout.api.words import Progress, path_at, watch_of
from oci_layout.errors import UsageError
from oci_layout.finding import Findings
from oci_layout.option import Completing
from oci_layout.source.lookup import Holdings
from oci_layout.source.opening import STANDARD_INPUT, Source, open_source

if TYPE_CHECKING:
    from oci_layout.havelist.values import HaveList


def have_lists(
    texts: Sequence[str], sources: Sequence[str], tmp: str | None, namespace: str | None
) -> HaveList:
    """What the other side has, by all that ``--have`` names.

    Args:
        texts: lists, what engines printed, or sources.
        sources: that are read beside.
        tmp: directory for spooling.
        namespace: of containerd, whose images are meant.

    Raises:
        UsageError: standard input twice.
        NotAnImageError: one is nothing of the kind.
        DamagedError: one does not hold.
    """
    from oci_layout.havelist.opening import read_have  # noqa: PLC0415  a fast start
    from oci_layout.havelist.values import HaveList  # noqa: PLC0415  likewise

    paths = [path_at(each) for each in texts]
    if [*paths, *sources].count(STANDARD_INPUT) > 1:
        raise UsageError(what="standard input can be read once", hint="name a file")
    found = HaveList()
    for path in paths:  # in the order of loading: one may complete the next
        found = HaveList.union([found, read_have(path, tmp=tmp, before=found, namespace=namespace)])
    return found


def open_asked(
    path: str,
    asked: Completing,
    stack: ExitStack,
    progress: Progress | None = None,
    *,
    findings: Findings | None = None,
    bases: tuple[Holdings, ...] | None = None,
    **how: Any,
) -> Source:
    """Open a source as a request says.

    Args:
        path: of the source.
        asked: what completes it, where files are unpacked, which names are meant.
        stack: closes it.
        progress: told how far spooling is.
        findings: told of all that is odd or wrong; a collector that raises nothing by default.
        bases: what completes it, where that is open already.
        how: other arguments of ``open_source``, which come before what was asked.

    Raises:
        NotAnImageError: not an image of any kind.
        DamagedError: an image, and something in it does not hold.
    """
    said = {
        "tmp": asked.tmp,
        "watch": watch_of(progress),
        "bases": open_bases(asked, stack) if bases is None else bases,
        "host": asked.registry_host,
        "namespace": asked.namespace,
        "findings": Findings() if findings is None else findings,
    }
    return stack.enter_context(open_source(path, **{**said, **how}))


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
        source = stack.enter_context(
            open_source(path, findings=Findings(), tmp=asked.tmp, namespace=asked.namespace)
        )
        found.append(source.contents.lent(source.label))
    return tuple(found)
