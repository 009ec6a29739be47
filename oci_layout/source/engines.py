"""Which engine's own folder a folder is, holds, or lies in; or what is some floors below it."""

from __future__ import annotations

from oci_layout.errors import NotAnImageError
from oci_layout.source.below import folders_below
from oci_layout.source.containerdroot import (
    ContainerdAt,
    containerd_among,
    containerd_at,
    is_root,
)
from oci_layout.source.dockerroot import DockerAt, docker_at
from oci_layout.source.registryroot import RegistryAt, holds_registry, registry_among
from oci_layout.where import Where

EngineAt = DockerAt | ContainerdAt
_FLOORS = 5  # a volume of Docker has its files two floors down, in that of a kind node four


def engine_at(path: str) -> EngineAt | None:
    """The engine's folder; None for another folder.

    A host of Docker has one of containerd too: whichever of them is empty does not count.

    Raises:
        NotAnImageError: it holds several that have images.
        ReadError: nobody can tell, since it may not be read.
    """
    found: list[EngineAt] = [
        each for each in (docker_at(path), containerd_at(path)) if each is not None
    ]
    full = [each for each in found if not each.empty]
    if len(full) > 1:
        raise NotAnImageError(
            what="holds images of Docker and of containerd",
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
