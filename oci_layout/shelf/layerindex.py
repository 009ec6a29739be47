"""The layers of a shelf: what each unpacks to, and where it lies packed, from run to run.

A small file for each layer, under the digest of its stored bytes. It is a hint: what is taken from
an earlier result is hashed again, and a file that is torn or of another version counts as absent.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from oci_layout import __version__
from oci_layout.blobs.known import Known, Packed, Packing
from oci_layout.digest import Digest, InvalidDigestError
from oci_layout.disk.folder import Folder
from oci_layout.errors import LayoutError
from oci_layout.finding import Findings
from oci_layout.model import registry
from oci_layout.source.opening import open_source
from oci_layout.streams.member import FileMember, Member
from oci_layout.streams.reader import HeldFile, stamp_of

_BYTES = 1 << 16  # of one entry; a few hundred are usual
_PACKINGS = 32  # that one layer is remembered in


@attrs.frozen(kw_only=True)
class _Wanted:
    """A layer that was packed for a result which is not in its place yet."""

    known: Known
    packing: Packing
    result: Digest


class LayerIndex:
    """Layers by the digest of their stored bytes. Any number of processes may share it.

    Args:
        folder: where its files are; made if need be.
        base: folder that results are below: their paths are told from there.
    """

    def __init__(self, folder: str, base: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self._folder, self._base = folder, base
        self._wanted: list[_Wanted] = []
        self._lent: list[tuple[Known, Packing]] = []

    def find(self, stored: Digest, packing: Packing | None) -> Known | None:
        """What is known of a layer; ``packed`` only where the result still stands as it was.

        Args:
            stored: digest of its bytes.
            packing: that is asked for; None for a layer that is kept.
        """
        entry = self._read(stored)
        if entry is None:
            return None
        try:
            known = Known(stored=stored, diff_id=Digest.parse(entry["diff_id"]))
            if packing is None:
                return known
            packed = self._packed(entry["packed"][_key(packing)])
        except (KeyError, TypeError, ValueError, OSError, InvalidDigestError):
            return None
        self._lent.append((known, packing))
        return attrs.evolve(known, packed=packed)

    def learn(self, known: Known, packing: Packing | None, result: Digest) -> None:
        """Take in what was found out of a layer.

        Args:
            known: of it.
            packing: what it was packed with; that is remembered once its result is ``placed``.
            result: digest of its packed bytes.
        """
        if packing is None:
            self._note(known, {})
        else:
            self._wanted.append(_Wanted(known=known, packing=packing, result=result))

    def placed(self, path: str, called: str | None = None) -> None:
        """Remember where the layers are that were packed for a result.

        Args:
            path: of the result, which is whole.
            called: where it will be, once it has its place; None where it has it.
        """
        wanted = self._wanted
        self.forget()
        if not wanted:
            return
        called = called or path
        if os.path.isdir(path):
            for each in wanted:
                self._note_at(each, _file_below(path, each.result), path, called)
            return
        # A result that cannot be looked into (a whole that is packed, a pipe) teaches nothing.
        with (
            contextlib.suppress(LayoutError, OSError),
            open_source(path, findings=Findings()) as it,
        ):
            held = it.contents.lent(it.label)
            for each in wanted:
                self._note_at(each, held.find(each.result), path, called)

    def _note_at(self, wanted: _Wanted, member: Member | None, result: str, called: str) -> None:
        place = self._place(member, wanted.result, result, called)
        if place is not None:
            self._note(wanted.known, {_key(wanted.packing): place})

    def forget(self) -> None:
        """Leave a source: what was learnt of one that came to nothing is not kept."""
        self._wanted, self._lent = [], []

    def distrust(self) -> None:
        """Drop what this source was told of packed layers: one was not what it had been."""
        for known, packing in self._lent:
            entry = self._read(known.stored)
            if entry is not None and isinstance(entry.get("packed"), dict):
                entry["packed"].pop(_key(packing), None)
                self._write(known.stored, entry)
        self.forget()

    def _place(
        self, member: Member | None, digest: Digest, result: str, called: str
    ) -> dict[str, Any] | None:
        """Where a blob of a result will lie; None where no file that stays has it."""
        if not isinstance(member, FileMember):
            return None
        file, owned = member.hold()
        try:
            status = os.fstat(file.fd)
            path = os.path.relpath(called + file.path.removeprefix(result), self._base)
            if stamp_of(os.stat(file.path)) != stamp_of(status):
                return None  # an unnamed file that it was unpacked to
        finally:
            if owned:
                file.close()
        return {
            "digest": str(digest),
            "path": path,
            "offset": member.offset,
            "size": member.size,
            "file_size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
        }

    def _packed(self, place: Mapping[str, Any]) -> Packed:
        """What lies there, if its file is what it was.

        Raises:
            KeyError, TypeError, ValueError: no such thing is told of it.
            OSError: it is not there any more.
        """
        path = os.path.join(self._base, place["path"])
        offset, size = int(place["offset"]), int(place["size"])
        status = os.stat(path)
        if (status.st_size, status.st_mtime_ns) != (place["file_size"], place["mtime_ns"]):
            raise ValueError(path)
        if min(offset, size) < 0 or offset + size > status.st_size:
            raise ValueError(path)
        stamp = stamp_of(status)
        digest = Digest.parse(place["digest"])
        member = FileMember(
            str(digest), size, offset, lambda: (HeldFile(path, stamp), True), store=path
        )
        return Packed(digest=digest, member=member)

    def _read(self, stored: Digest) -> dict[str, Any] | None:
        """What is written of a layer; None where nothing is, or nothing that can be read."""
        try:
            with open(self._path(stored), "rb") as file:
                entry = json.loads(file.read(_BYTES))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(entry, dict) or entry.get("version") != __version__:
            return None
        return entry

    def _path(self, stored: Digest) -> str:
        return os.path.join(self._folder, stored.hex[:2], f"{stored.algorithm}-{stored.hex}.json")

    def _note(self, known: Known, packed: Mapping[str, Any]) -> None:
        """Write what is known; of two processes that do at once the last one is read."""
        old = self._read(known.stored) or {}
        there = old.get("packed")
        every = {**(there if isinstance(there, dict) else {}), **packed}
        entry = {
            "version": __version__,
            "diff_id": str(known.diff_id),
            "packed": dict(list(every.items())[-_PACKINGS:]),
        }
        if entry != old:
            self._write(known.stored, entry)

    def _write(self, stored: Digest, entry: Mapping[str, Any]) -> None:
        """Put an entry in its place, whole."""
        above, name = os.path.split(self._path(stored))
        os.makedirs(above, exist_ok=True)
        with Folder.at(above) as folder:
            temporary = f".{secrets.token_hex(8)}.tmp"
            fd = folder.create(temporary)
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump(entry, file)
            folder.rename(temporary, name)


def _key(packing: Packing) -> str:
    return f"{packing.encoding.encoder_name} {packing.algorithm}"


def _file_below(folder: str, digest: Digest) -> Member | None:
    """The file of a blob in a layout's folder, or in a registry's, which is not gone through."""
    for name in (digest.blob_path, f"{registry.ROOT}/{registry.data_path(digest)}"):
        path = os.path.join(folder, name)
        with contextlib.suppress(LayoutError), HeldFile(path) as file:
            return FileMember(name, file.size, 0, partial(_held, path), path=path)
    return None


def _held(path: str) -> tuple[HeldFile, bool]:
    return HeldFile(path), True
