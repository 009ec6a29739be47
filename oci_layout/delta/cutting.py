"""Cuts a raw tar at its members: the blocks of headers, and the data with its padding."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from oci_layout.delta.stretch import Stretch
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.streams.tarheader import BLOCK
from oci_layout.streams.tarindex import TarMember, TarScanner


@attrs.frozen(eq=False, repr=False, match_args=False)
class Piece:
    """One member, or what is no member: then it has no name and no headers.

    Args:
        name: of the member, as bytes.
        head: where its headers begin.
        data: where its data begins.
        end: where its data ends, with its padding.
    """

    name: bytes
    head: int
    data: int
    end: int


def cut(tar: Stretch) -> Iterator[Piece]:
    """The pieces of a tar, in order, without a gap; any bytes are at least one piece.

    Args:
        tar: what ought to be a tar.
    """
    at = 0
    for member in _members(tar):
        data = member.offset - tar.start
        end = min(tar.size, data + -(-_stored(member) // BLOCK) * BLOCK)
        if not at <= data <= end:
            break
        yield Piece(member.name.encode("utf-8", "surrogateescape"), at, data, end)
        at = end
    if at < tar.size:
        yield Piece(b"", at, at, tar.size)


def _stored(member: TarMember) -> int:
    """Bytes of data that a member has in the tar."""
    if member.sparse is None:
        return member.size
    return sum(length for _, length in member.sparse.extents)


def _members(tar: Stretch) -> Iterator[TarMember]:
    """The members as far as the tar is sane."""
    scanner = TarScanner(tar.file, Findings(), start=tar.start, end=tar.start + tar.size)
    try:
        yield from scanner
    except DamagedError:  # too many members, or holes without end: the rest is bytes
        return
