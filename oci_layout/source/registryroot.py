"""Where a registry's storage is: in the folder or archive that was named, below, or above it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import attrs

from oci_layout.counting import plural
from oci_layout.errors import NotAnImageError
from oci_layout.model import dockersave, layout, registry
from oci_layout.source.rootedstore import RootedStore
from oci_layout.source.store import Store
from oci_layout.streams.member import Member
from oci_layout.where import Where

_TAILS = (registry.ROOT, "registry/v2", "v2", "")
_OTHER = (layout.MARKER, layout.INDEX, dockersave.MANIFEST)
_LOOKED_AT = 10_000  # names of an archive


@attrs.frozen(kw_only=True)
class RegistryAt:
    """A registry's storage on disk.

    Args:
        folder: that has its blobs and repositories.
        repository: what repositories alone were named; empty for all.
    """

    folder: str
    repository: str = ""

    def store(self, label: str) -> Store:
        """Its files.

        Args:
            label: how to call it in messages.
        """
        store = RootedStore(self.folder, label)
        return RepositoryStore(store, self.repository) if self.repository else store


class RepositoryStore:
    """A registry's files, of the repositories below one name alone.

    Args:
        store: of the whole registry; closed with this one.
        repository: the name, or what names begin with before a slash.
    """

    def __init__(self, store: Store, repository: str) -> None:
        self.label, self._store = store.label, store
        self._folder = f"{registry.REPOSITORIES}/{repository}"

    def find(self, name: str) -> Member | None:
        """The file of that name; blobs are those of the registry."""
        return self._store.find(name)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names below a folder, sorted; blobs may be those of others, and are not listed."""
        inside = f"{prefix}/".startswith(f"{self._folder}/")
        if inside or f"{self._folder}/".startswith(f"{prefix}/" if prefix else ""):
            yield from self._store.names(prefix if inside else self._folder)

    def close(self) -> None:
        """Let go of the registry."""
        self._store.close()


def registry_at(path: str) -> RegistryAt | None:
    """The registry that a folder is, holds, or is a repository of; None for another folder."""
    if any(os.path.lexists(os.path.join(path, name)) for name in _OTHER):
        return None
    for tail in _TAILS:
        folder = os.path.join(path, tail) if tail else path
        if _is_registry(folder, alone=not tail):
            return RegistryAt(folder=folder)
    real = os.path.realpath(path)
    above, found, name = real.rpartition(f"/{registry.REPOSITORIES}/")
    if found and _is_registry(above, alone=True):
        return RegistryAt(folder=above, repository=name)
    return None


def registry_among(path: str, below: Sequence[str]) -> RegistryAt | None:
    """The one registry in some folders; None where none of them has one.

    Args:
        path: the folder around them.
        below: paths below that.

    Raises:
        NotAnImageError: there are several.
    """
    holding = [each for each in below if holds_registry(os.path.join(path, each))]
    found = [os.path.join(path, inner, registry.ROOT) for inner in holding]
    if len(found) > 1:
        listed = ", ".join(repr(each[-60:]) for each in found[:4])
        raise NotAnImageError(
            what=f"holds the storage of {plural(len(found), 'registry')}: {listed}",
            where=Where(file=path),
            hint=f"choose one: {found[0]}",
        )
    return RegistryAt(folder=found[0]) if found else None


def _is_registry(folder: str, *, alone: bool) -> bool:
    """Whether a folder has what a registry begins with.

    Args:
        folder: it.
        alone: whether nothing but what is in it tells.
    """
    known = (registry.REPOSITORIES, registry.BLOBS)
    there = [os.path.isdir(os.path.join(folder, name)) for name in known]
    return all(there) if alone else any(there)


def holds_registry(folder: str) -> bool:
    """Whether a registry has a folder for its root."""
    return _is_registry(os.path.join(folder, registry.ROOT), alone=False)


def registry_folder(names: Iterable[str]) -> str:
    """The folder of a registry's storage in an archive, by the names in it; empty without one.

    oc-mirror's archives have it at ``docker/registry/v2`` (internal/pkg/archive/const.go).
    """
    marks = tuple(f"{registry.ROOT}/{name}/" for name in (registry.REPOSITORIES, registry.BLOBS))
    for number, name in enumerate(names):
        if number == _LOOKED_AT:
            return ""
        for mark in marks:
            at = 0 if name.startswith(mark) else name.find(f"/{mark}") + 1
            if at or name.startswith(mark):
                return name[: at + len(registry.ROOT)]
    return ""
