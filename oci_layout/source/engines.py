"""Which engine's own folder a folder is, holds, or lies in: the one that has images."""

from __future__ import annotations

from oci_layout.errors import NotAnImageError
from oci_layout.source.containerdroot import ContainerdAt, containerd_at
from oci_layout.source.dockerroot import DockerAt, docker_at
from oci_layout.where import Where

EngineAt = DockerAt | ContainerdAt


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
