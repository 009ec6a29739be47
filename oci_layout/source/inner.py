"""A folder of a store, as if it were all of it: what was packed from its parent folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import attrs

from oci_layout.model import dockersave, layout
from oci_layout.source.store import Store
from oci_layout.streams import names
from oci_layout.streams.member import Member

_DOCUMENT = re.compile(r"(.+)/(oci-layout|index\.json|manifest\.json)")
_VERSION = "version"  # beside the manifest of a dir:


class InnerStore:
    """A folder of another store.

    Args:
        store: closed with this one.
        folder: normalised name of the folder.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self.label, self._store, self._folder = store.label, store, folder

    def find(self, name: str) -> Member | None:
        """The file of that name below the folder, called as if the folder were the root."""
        try:
            member = self._store.find(f"{self._folder}/{names.normalise(name)}")
        except names.UnsafeNameError:
            return None
        if member is None:
            return None
        return attrs.evolve(member, name=member.name.removeprefix(f"{self._folder}/"))

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files and links below a folder of the folder, sorted."""
        start = f"{self._folder}/{prefix}" if prefix else self._folder
        return (name.removeprefix(f"{self._folder}/") for name in self._store.names(start))

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()


def has_documents(store: Store) -> bool:
    """Whether the documents that an image begins with are at the top of a store."""
    known = (layout.MARKER, layout.INDEX, dockersave.MANIFEST)
    return any(store.find(name) is not None for name in known)


def folders(store: Store, every: Iterable[str]) -> list[str]:
    """The folders of a store that hold the documents of an image, in order.

    Args:
        store: the store.
        every: all names in it.
    """
    found: dict[str, None] = {}
    for name in every:
        match = _DOCUMENT.fullmatch(name)
        if match is not None and match[1] not in found and _holds(InnerStore(store, match[1])):
            found[match[1]] = None
    return list(found)


def _holds(store: InnerStore) -> bool:
    """Whether it begins as an image does; there is many a ``manifest.json`` of other people."""
    if store.find(layout.MARKER) is not None and store.find(layout.INDEX) is not None:
        return True
    member = store.find(dockersave.MANIFEST)
    if member is None:
        return False
    lists = b'"Config"' in member.head(1 << 16) and member.head(64).lstrip().startswith(b"[")
    return lists or store.find(_VERSION) is not None


def single(store: Store) -> str:
    """The one folder around all of a store, where that holds an image; empty where none does.

    Args:
        store: the store, with no image at its top.
    """
    every = list(store.names())
    tops = {name.partition("/")[0] for name in every}
    if len(tops) != 1:
        return ""
    (top,) = tops
    return top if top in folders(store, every) else ""
