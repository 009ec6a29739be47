"""The layers that an engine keeps unpacked, each as a member: its tar, put together again."""

from __future__ import annotations

import os
from functools import partial

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.source.rootedstore import RootedStore, refused
from oci_layout.source.store import ABSENT
from oci_layout.streams.beneath import Beneath
from oci_layout.streams.member import Member
from oci_layout.streams.splitlayer import Unpacked
from oci_layout.streams.tarsplit import PULL_AGAIN, Record
from oci_layout.where import Where

_EMPTY = Digest.of(b"")


class UnpackedLayers:
    """Makes members of an engine's layers.

    Args:
        store: the engine's root.
    """

    def __init__(self, store: RootedStore) -> None:
        self._store = store
        self._pieces = 0

    def member(self, where: Where, record: str, folder: str, diff_id: Digest) -> Member:
        """The tar of a layer.

        Args:
            where: the place of the layer, for messages.
            record: the file with what was written down of the tar.
            folder: of the layer's files.
            diff_id: of the tar; it is not held against it here.

        Raises:
            DamagedError: something of it is not there, or is no record.
            ReadError: something may not be read.
        """
        found = self._record(record)
        unpacked = Unpacked(
            record=found,
            folder=partial(self._opened, folder, where),
            path=os.path.join(self._store.root, folder),
            where=where,
            refused=refused,
        )
        unpacked.folder().close()  # whether it is there
        size = found.measure(partial(self._count, found))
        if not size and diff_id != _EMPTY:
            raise found.bad("holds nothing")
        return unpacked.member(size, self._store.label)

    def _record(self, name: str) -> Record:
        member = self._store.find(name)
        if member is None or not member.size:
            told = "is not there" if member is None else "is empty"
            raise bad_layer(told, Where(member=name))
        return Record(open=member.open, where=Where(member=name))

    def _opened(self, folder: str, where: Where) -> Beneath:
        try:
            return self._store.folder(folder)
        except OSError as error:
            if error.errno not in ABSENT:
                raise refused(error, os.path.join(self._store.root, folder)) from error
            told = f"the folder of its files is not there: {folder}"
            raise bad_layer(told, where) from None

    def _count(self, record: Record, number: int) -> None:
        """Count pieces of any layer."""
        self._pieces += number
        if self._pieces > limits.TAR_SPLIT_PIECES:
            raise record.bad(f"all of them have more than {limits.TAR_SPLIT_PIECES} lines")


def bad_layer(what: str, where: Where, hint: str = PULL_AGAIN) -> DamagedError:
    """The error of a layer that cannot be put together.

    Args:
        what: why.
        where: the place of what is to blame.
        hint: what to do.
    """
    return DamagedError(code="layer-record", what=what, where=where, hint=hint)
