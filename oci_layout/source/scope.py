"""What a choice rests on: damage and absence elsewhere in the source do not concern it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from oci_layout.digest import Digest
from oci_layout.finding import Finding
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node, Opaque, Root
from oci_layout.graph.walk import walk
from oci_layout.model import dockersave, layout
from oci_layout.source.kinds import Contents
from oci_layout.streams import names

_ENTRY = re.compile(r"\[(\d+)\]")
_HEX = re.compile(r"[0-9a-f]{64,128}")
# Documents that all of a source begins with.
_TOP = frozenset({layout.MARKER, layout.INDEX, dockersave.REPOSITORIES})
_CUT = 200  # a member's name of this length may be cut: nobody knows whose it is


class Scope:
    """The files that some chosen images rest on, and the entries that lead to them.

    Args:
        contents: of the source.
        chosen: of its images.
    """

    def __init__(self, contents: Contents, chosen: Sequence[Root]) -> None:
        self._names = {str(name) for root in chosen for name in root.names}
        nodes = [node for root in chosen for node in walk(root.node)]
        digests = {digest for node in nodes for digest in _digests(node)}
        for root in contents.roots:
            digests |= _above(root.node, digests)
        self._hexes = {digest.hex for digest in digests}
        self._members: set[str] = set()
        self._folders: set[str] = set()
        for node in nodes:
            self._members.update(_members(node))
            if isinstance(node, Image) and node.made_from:  # V1: each layer has a document beside
                self._folders |= {posixpath.dirname(name) for name in _members(node)}
        self._entries = {
            saved.number for saved in contents.docker if saved.image.config.digest in digests
        }

    def holds(self, finding: Finding) -> bool:
        """Whether a finding is about what was chosen, or about all of the source."""
        where = finding.where
        if finding.code == "name-conflict":
            return where.image in self._names
        if not where.member or len(where.member) >= _CUT or where.member in _TOP:
            return True
        try:
            member = names.joined(where.member)
        except names.UnsafeNameError:
            return False
        if member == dockersave.MANIFEST:
            entry = _ENTRY.match(where.field)
            return entry is None or int(entry[1]) in self._entries
        if member in self._members or posixpath.dirname(member) in self._folders:
            return True
        return not self._hexes.isdisjoint(_HEX.findall(member))


def _digests(node: Node) -> Iterator[Digest]:
    if node.descriptor is not None:
        yield node.descriptor.digest
    if isinstance(node, Image):
        yield node.config.digest


def _above(node: Node, digests: set[Digest]) -> set[Digest]:
    """The indexes at and below a node that lead to one of some digests: they vouch for it."""
    if not isinstance(node, ImageIndex):
        return set()
    found = {digest for child in node.children for digest in _above(child, digests)}
    if found or any(not digests.isdisjoint(_digests(child)) for child in node.children):
        found.add(node.descriptor.digest)
    return found


def _members(node: Node) -> Iterator[str]:
    if isinstance(node, Image):
        yield node.config_member.name
        yield from (layer.member.name for layer in node.layers if layer.member is not None)
    elif isinstance(node, Artifact):
        yield from (member.name for _, member in node.blobs if member is not None)
    elif isinstance(node, Opaque):
        yield node.member.name
