"""Which engine's own folder a folder is, holds, or lies in; or what is some floors below it."""

from __future__ import annotations

from collections.abc import Callable

from oci_layout.counting import plural
from oci_layout.errors import NotAnImageError
from oci_layout.source.below import folders_below
from oci_layout.source.containerdroot import (
    ContainerdAt,
    containerd_among,
    containerd_at,
    is_root,
)
from oci_layout.source.containersroot import containers_at
from oci_layout.source.dockerroot import docker_at
from oci_layout.source.engineroot import EngineAt
from oci_layout.source.registryroot import RegistryAt, holds_registry, registry_among
from oci_layout.where import Where

_FINDERS: tuple[Callable[[str], EngineAt | ContainerdAt | None], ...] = (
    docker_at,
    containerd_at,
    containers_at,
)
_FLOORS = 5  # a volume of Docker has its files two floors down, in that of a kind node four


def engine_at(path: str) -> EngineAt | ContainerdAt | None:
    """The store of an engine whose root a folder is, holds, or lies in; None for another folder.

    A host of Docker has one of containerd too: one that is empty does not count beside another.

    Raises:
        NotAnImageError: it holds images of several engines, or drivers.
        ReadError: nobody can tell, since it may not be read.
    """
    found = [each for finder in _FINDERS if (each := finder(path)) is not None]
    full = [each for each in found if not each.empty]
    if len(full) > 1:
        raise NotAnImageError(
            what=f"holds the stores of {plural(len(full), 'engine')}",
            where=Where(file=path),
            hint=f"choose one: {' or '.join(each.folder for each in full)}",
        )
    return next(iter(full or found), None)


def rooted_below(path: str) -> ContainerdAt | RegistryAt | None:
    """What containerd or a registry owns some floors below a folder: one bounded look for both.

    Raises:
        NotAnImageError: there are several.
    """
    below = folders_below(path, _FLOORS, lambda each: is_root(each) or holds_registry(each)) or []
    containerd, registry = containerd_among(path, below), registry_among(path, below)
    if containerd is not None and registry is not None:
        raise NotAnImageError(
            what="holds a root of containerd and the storage of a registry",
            where=Where(file=path),
            hint=f"choose one: {containerd.folder} or {registry.folder}",
        )
    return containerd or registry
