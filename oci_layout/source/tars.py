"""Raw tars of layers, read by offset: where they lie, or unpacked into unnamed files."""

from __future__ import annotations

import threading

from oci_layout.closing import Closing
from oci_layout.delta.stretch import Stretch
from oci_layout.mediatype import Compression
from oci_layout.source.spool import Spooling, spool_reader
from oci_layout.streams.compression import SNIFF_BYTES, decoded, sniff
from oci_layout.streams.growth import Growth
from oci_layout.streams.member import FileMember, Member
from oci_layout.streams.reader import HeldFile
from oci_layout.where import Where


class Tars(Closing):
    """Tars of layers, each unpacked once. A context manager; open as long as they are read.

    Args:
        tmp: directory for what is unpacked; None for the usual one.
        growth: what all may grow to; one of its own by default.
    """

    def __init__(self, tmp: str | None = None, growth: Growth | None = None) -> None:
        self._tmp, self._growth = tmp, growth or Growth()
        self._known: dict[tuple[str, str], Stretch] = {}
        self._held: list[HeldFile] = []
        self._lock = threading.Lock()

    def stored(self, member: Member) -> Stretch:
        """The bytes of a member as they are stored."""
        return self._get(member, Compression.NONE)

    def of(self, member: Member) -> Stretch:
        """The tar in a layer.

        Raises:
            DamagedError: the layer cannot be unpacked.
            DestinationError: there is no room for it.
        """
        return self._get(member, sniff(member.head(SNIFF_BYTES)))

    def keep(self, file: HeldFile) -> None:
        """Close a file with the others."""
        self._held.append(file)

    def _get(self, member: Member, packed: Compression) -> Stretch:
        key = member.store, member.name
        with self._lock:
            if key not in self._known:
                self._known[key] = self._opened(member, packed)
            return self._known[key]

    def _opened(self, member: Member, packed: Compression) -> Stretch:
        if isinstance(member, FileMember) and packed is Compression.NONE:
            file, owned = member.hold()
            if owned:
                self._held.append(file)
            return Stretch(file=file, start=member.offset, size=member.size)
        reader = member.open()
        try:
            where = Where(file=member.store, member=member.name)
            unpacked = decoded(reader, packed, where, growth=self._growth)
            held = spool_reader(unpacked, member.name, Spooling(tmp=self._tmp))
        finally:
            reader.close()
        self._held.append(held)
        return Stretch(file=held, start=0, size=held.size)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._held:
            file.close()
        self._held.clear()
        self._known.clear()
