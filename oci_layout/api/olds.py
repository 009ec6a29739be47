"""Old layers, of which deltas may be made: those of the sources among what the other side has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from oci_layout.api.words import path_at
from oci_layout.digest import Digest
from oci_layout.errors import UsageError
from oci_layout.finding import Findings
from oci_layout.graph.walk import every_image
from oci_layout.havelist.opening import is_source
from oci_layout.sink.deltas import Old, old_layers
from oci_layout.source.lookup import Holdings
from oci_layout.source.opening import open_source


def open_old(
    texts: Sequence[str], tmp: str | None, namespace: str | None, stack: ExitStack
) -> list[Old]:
    """The layers of the sources that ``--have`` names, to make deltas from.

    Args:
        texts: what it names; a list has no bytes, and only says what may be left out.
        tmp: directory for spooling.
        namespace: of containerd, whose images are meant.
        stack: closes them.

    Raises:
        UsageError: there are lists alone.
    """
    found: dict[Digest, Old] = {}
    sources = [path for path in map(path_at, texts) if is_source(path)]
    if not sources:
        raise UsageError(
            what="--delta needs the layers that are there, and a have-list has none",
            hint="--have SOURCE: an archive or a layout",
        )
    holdings: list[Holdings] = []
    for path in sources:
        source = stack.enter_context(
            open_source(
                path, findings=Findings(), tmp=tmp, bases=tuple(holdings), namespace=namespace
            )
        )
        lent = source.contents.lent(source.label)
        holdings.append(lent)
        names: dict[Digest, list[str]] = {}
        for root, image in every_image(source.roots):
            for layer in image.layers:
                if layer.diff_id is not None:
                    names.setdefault(layer.diff_id, []).extend(map(str, root.names[:1]))
        for old in old_layers(names, lent.layers):
            if old.layer.diff_id is not None:
                found.setdefault(old.layer.diff_id, old)
    return list(found.values())
