"""The volumes of one result as the one layout that they were cut from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import FailFast, Findings
from oci_layout.limits import MEMBERS
from oci_layout.model import dockersave, gojson, jsontext, layout
from oci_layout.model.manifest import Index, Manifest, read_document
from oci_layout.model.volumelist import BYTES, SUFFIX, ListedVolume, VolumeList
from oci_layout.source.reading import Allowance, read_bounded
from oci_layout.source.store import ArchiveStore
from oci_layout.streams.member import BytesMember, Member
from oci_layout.streams.names import UnsafeNameError, normalise
from oci_layout.streams.reader import HeldFile
from oci_layout.where import Where

_OF_EACH = (layout.INDEX, dockersave.MANIFEST)  # what each volume has for itself


def read_list(file: HeldFile) -> VolumeList | None:
    """The list that a file is; None for every other file.

    Raises:
        DamagedError: it is one, and does not hold.
    """
    if file.size > BYTES or not file.pread(64, 0).lstrip().startswith(b"{"):
        return None
    return VolumeList.parse(file.pread(BYTES, 0), file.path)


def list_at(path: str) -> VolumeList | None:
    """The list that a path names; None for whatever else is there, or is not.

    Raises:
        DamagedError: it is one, and does not hold.
    """
    if not path.endswith(SUFFIX) or not os.path.isfile(path):
        return None
    with HeldFile(path) as file:
        return read_list(file)


def volume_files(listed: VolumeList, label: str) -> list[str]:
    """The paths of the volumes: they lie beside their list."""
    return [os.path.join(os.path.dirname(label), volume.file) for volume in listed.volumes]


class VolumeStore:
    """The volumes together, without what they have for the sake of loading alone.

    ``index.json`` and ``manifest.json`` are those of the whole result. Partial images, the number
    of a volume, and the mark of a thin one are not in them.

    Args:
        listed: the volumes.
        label: their list.
        findings: told what is wrong with a tar.

    Raises:
        ReadError: a volume is not there.
        DamagedError: it has another size than its list says, or no index of a volume.
    """

    def __init__(self, listed: VolumeList, label: str, findings: Findings) -> None:
        self.label = label
        self._stores: list[ArchiveStore] = []
        self._holder: dict[str, ArchiveStore] = {}  # the first volume with a file of that name
        self._hidden: set[str] = set()
        self._allowance = Allowance()
        members = 0
        with ExitStack() as stack:
            for volume, path in zip(listed.volumes, volume_files(listed, label), strict=True):
                store = ArchiveStore(_held(volume, path), path, findings)
                stack.callback(store.close)
                self._stores.append(store)
                for name in store.order():
                    self._holder.setdefault(name, store)
                    members += 1
                if members > MEMBERS:
                    raise DamagedError(
                        code="too-many-members",
                        what=f"more than {MEMBERS} members in all volumes",
                        where=Where(file=path),
                    )
            self._made = self._documents(listed)
            self._closing = stack.pop_all()

    def _documents(self, listed: VolumeList) -> Mapping[str, Member]:
        entries: list[tuple[int, Any]] = []
        saved: list[Any] = []
        top: dict[str, Any] = {}
        for number, (store, volume) in enumerate(zip(self._stores, listed.volumes, strict=True)):
            index = self._document(store, layout.INDEX)
            those = index.get("manifests") if isinstance(index, dict) else None
            if not isinstance(those, list) or len(those) != len(volume.entries):
                raise _odd(store, layout.INDEX, "has not the entries that its list tells of")
            if not number:
                top = index
            partial: set[Digest] = set()
            for place, entry in zip(volume.entries, those, strict=True):
                if place is None:
                    self._hide(store, entry, partial)
                else:
                    entries.append((place, entry))
            if store.find(dockersave.MANIFEST) is not None:
                saved += _whole(self._document(store, dockersave.MANIFEST), partial)
        entries.sort(key=lambda pair: pair[0])
        made = {layout.INDEX: _index(top, [entry for _, entry in entries])}
        if saved:
            made[dockersave.MANIFEST] = dockersave.saved_bytes(saved)
        return {name: BytesMember.of(name, data) for name, data in made.items()}

    def _hide(self, store: ArchiveStore, entry: Any, partial: set[Digest]) -> None:
        """Take a partial image's own documents out of what is there; layers stay."""
        pending = [_digest(entry)]
        while pending:
            digest = pending.pop()
            member = store.find(digest.blob_path) if digest is not None else None
            if digest is None or member is None or digest in partial:
                continue
            partial.add(digest)
            self._hidden.add(member.name)
            raw = self._read(member)
            document = read_document(raw, Where(file=store.label, member=member.name), Findings())
            if isinstance(document, Index):
                pending += [each.digest for each in document.manifests]
            elif isinstance(document, Manifest) and document.config is not None:
                config = document.config.digest
                partial.add(config)
                self._hidden.add(config.blob_path)

    def _read(self, member: Member) -> bytes:
        """A document, which counts with those of all volumes."""
        member = attrs.evolve(member, name=f"{member.store}: {member.name}")
        return read_bounded(member, FailFast(), self._allowance) or b""

    def _document(self, store: ArchiveStore, name: str) -> Any:
        member = store.find(name)
        if member is None:
            raise _odd(store, name, "is not there")
        return jsontext.parse(self._read(member), Where(file=store.label, member=name), FailFast())

    def find(self, name: str) -> Member | None:
        """The file of that name, in the first volume that has it."""
        try:
            wanted = normalise(name)
        except UnsafeNameError:
            return None
        if wanted in self._made:
            return self._made[wanted]
        store = self._holder.get(wanted)
        if store is None or wanted in _OF_EACH or wanted in self._hidden:
            return None
        member = store.find(wanted)
        return None if member is None else attrs.evolve(member, store=self.label)

    def names(self, prefix: str = "") -> Iterator[str]:
        """The names of files below a folder, sorted."""
        start = f"{prefix}/" if prefix else ""
        every = (name for name in self._holder if name not in self._hidden)
        return iter(sorted(name for name in every if name.startswith(start)))

    def close(self) -> None:
        """Close the volumes."""
        self._closing.close()


def _held(volume: ListedVolume, path: str) -> HeldFile:
    file = HeldFile(path)
    if file.size != volume.size:
        file.close()
        raise DamagedError(
            code="volume-changed",
            what=f"has {file.size} bytes, and {volume.size} in the list of the volumes",
            where=Where(file=path),
            hint="copy the volume again",
        )
    return file


def _odd(store: ArchiveStore, name: str, what: str) -> DamagedError:
    where = Where(file=store.label, member=name)
    return DamagedError(code="bad-volume-list", what=what, where=where)


def _digest(entry: Any) -> Digest | None:
    text = entry.get("digest") if isinstance(entry, dict) else None
    try:
        return Digest.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _whole(saved: Any, partial: set[Digest]) -> list[Any]:
    """The entries of ``manifest.json`` that are of no partial image."""
    if not isinstance(saved, list):
        return []
    paths = {digest.blob_path for digest in partial}
    return [each for each in saved if not isinstance(each, dict) or each.get("Config") not in paths]


def _index(first: dict[str, Any], entries: Sequence[Any]) -> bytes:
    """``index.json`` of the whole, by that of the first volume, which lacks nothing of others."""
    notes = first.get("annotations")
    value = {key: item for key, item in first.items() if key not in ("annotations", "manifests")}
    if isinstance(notes, dict):
        rest = {key: text for key, text in notes.items() if key != layout.VOLUME}
        value |= {"annotations": rest} if rest else {}
    return gojson.encode_bytes({**value, "manifests": list(entries)})
