"""The stores of engines, by the root folder of each."""

from __future__ import annotations

from collections.abc import Callable

from oci_layout.counting import plural
from oci_layout.errors import NotAnImageError
from oci_layout.source.containersroot import containers_at
from oci_layout.source.dockerroot import docker_at
from oci_layout.source.engineroot import EngineAt
from oci_layout.where import Where

_FINDERS: tuple[Callable[[str], EngineAt | None], ...] = (docker_at, containers_at)


def engine_at(path: str) -> EngineAt | None:
    """The store of an engine whose root a folder is, holds, or lies in; None for another folder.

    Raises:
        NotAnImageError: it holds images of several engines, or drivers.
        ReadError: nobody can tell, since it may not be read.
    """
    found = [each for finder in _FINDERS if (each := finder(path)) is not None]
    if len(found) > 1:
        raise NotAnImageError(
            what=f"holds the stores of {plural(len(found), 'engine')}",
            where=Where(file=path),
            hint=f"choose one: {' or '.join(each.folder for each in found)}",
        )
    return found[0] if found else None
