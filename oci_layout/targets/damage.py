"""What reading every blob found, as reasons not to load."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

from oci_layout.digest import Digest
from oci_layout.finding import Severity
from oci_layout.graph.nodes import Artifact, Image, ImageIndex, Node
from oci_layout.mediatype import Compression
from oci_layout.model.manifest import Index, Manifest
from oci_layout.streams.compression import sniff
from oci_layout.streams.dryunpack import Snag
from oci_layout.streams.member import Member
from oci_layout.streams.tarheader import BLOCK, looks_like_tar
from oci_layout.targets.answer import Prediction
from oci_layout.targets.facts import Facts
from oci_layout.targets.layersread import MEMBER

# What is stated is held here against the bytes, since each view states its own; and of a layer
# nobody compares the size with what its descriptor says: measured, all engines.
_STATED = ("diffid-mismatch", "digest-mismatch", "size-mismatch")


class Held(Protocol):
    """A layer, as any view knows it."""

    @property
    def member(self) -> Member | None:
        """Its bytes."""
        ...

    @property
    def digest(self) -> Digest | None:
        """What its bytes are said to be, where the engine compares that."""
        ...

    @property
    def diff_id(self) -> Digest | None:
        """What its tar is said to be."""
        ...


class Unpacks(enum.Enum):
    """How an engine unpacks layers."""

    NOT = enum.auto()
    DIFFS = enum.auto()  # Docker, podman: by tar-split, which wants each path once
    LOCAL_DIFFS = enum.auto()  # likewise, where no path leads out
    SNAPSHOTS = enum.auto()  # containerd: each layer into a folder of its own


def report_damage(
    facts: Facts,
    layers: Sequence[Held],
    number: int,
    label: str,
    reading: Prediction,
    *,
    unpacks: Unpacks,
    diff_ids: bool = True,
    rests: bool = False,
) -> None:
    """Add what was found in a layer; nothing where no blob was read.

    Args:
        facts: the source.
        layers: of the image, base first.
        number: of the layer; its bytes are there.
        label: what to call it.
        reading: told.
        unpacks: how the engine unpacks.
        diff_ids: whether it compares diff_ids.
        rests: whether it passes over what follows the end of a packed layer.
    """
    member = layers[number].member
    if facts.layers is None or member is None:
        return
    layer = layers[number]
    for finding in facts.layers.damage.get(member.name, ()):
        if finding.severity is not Severity.ERROR or finding.code in _STATED:
            continue
        if finding.code == "trailing-garbage" and rests:
            continue
        if finding.code != MEMBER:
            reading.fail("damaged-blob", f"{label}: {finding.message}")
        elif unpacks is not Unpacks.NOT:
            reading.fail("layer-member", f"{label}: {finding.message}")
    stored, inner = facts.layers.digests.get(member.name, (None, None))
    if _other(layer.digest, stored):
        reading.fail("damaged-blob", f"{label}: the bytes are {stored}, not {layer.digest}")
    if diff_ids and _other(layer.diff_id, inner):
        reading.fail("diff-id", f"{label}: the tar is {inner}, its diff_id {layer.diff_id}")
    if unpacks is not Unpacks.NOT:
        _report_snags(facts, layers, number, label, unpacks, reading)


def _other(stated: Digest | None, found: Digest | None) -> bool:
    """Whether bytes are others than is stated; of another algorithm nobody knows."""
    return (
        stated is not None
        and found is not None
        and stated.algorithm == found.algorithm
        and stated != found
    )


_RULES = {
    Snag.BROKEN: "layer-tar",
    Snag.REPEATED: "repeated-path",
    Snag.BELOW_A_FILE: "layer-file",
    Snag.LINKED_FOLDER: "layer-file",
    Snag.REMOVED: "layer-file",
    Snag.LEAVES: "layer-leaves",
}
_OTHERS = {
    Unpacks.SNAPSHOTS: (Snag.REPEATED, Snag.LEAVES),
    Unpacks.DIFFS: (Snag.REMOVED, Snag.LEAVES),
    Unpacks.LOCAL_DIFFS: (Snag.REMOVED,),
}


def _report_snags(
    facts: Facts,
    layers: Sequence[Held],
    number: int,
    label: str,
    unpacks: Unpacks,
    reading: Prediction,
) -> None:
    """What stands in the way of unpacking a layer on those below."""
    member = layers[number].member
    if facts.layers is None or member is None:
        return
    lost = []
    for each in facts.layers.snags.get(member.name, ()):
        if each.snag in _RULES and each.snag not in _OTHERS[unpacks]:
            reading.fail(_RULES[each.snag], f"{label}: {each.text}")
        elif each.snag is Snag.LOST_LINK:
            lost.append(each)
    if lost and unpacks is not Unpacks.SNAPSHOTS:
        below = [each.member for each in layers[:number] if each.member is not None]
        # On a copy of the layers below, as the driver vfs has it.
        gone = facts.layers.lost(lost, below)
        for each in lost:
            if each not in gone:
                reading.note("link-below", f"{label}: {each.path!r} is a hard link to a file below")
        lost = gone
    else:  # a whiteout is a device there, to which a hard link can be made
        lost = [each for each in lost if not each.removed]
    for each in lost[:1]:
        reading.fail("layer-file", f"{label}: {each.text}")


def misnamed(node: Node) -> str:
    """What is to be said of a document whose bytes are others than its name says; else empty.

    Args:
        node: an image, an artifact or an index.
    """
    document: Manifest | Index | None = node.index if isinstance(node, ImageIndex) else None
    if isinstance(node, Image | Artifact):
        document = node.manifest
    if document is None or node.descriptor is None:
        return ""
    found = Digest.of(document.raw, node.descriptor.digest.algorithm)
    return "" if found == node.descriptor.digest else f"{node.descriptor.digest} is {found}"


def report_no_tar(member: Member, label: str, reading: Prediction) -> None:
    """Tell of a layer that begins as nothing that an engine unpacks; one of no bytes is empty.

    Args:
        member: the layer.
        label: what to call it.
        reading: told.
    """
    head = member.head(BLOCK)
    if head and sniff(head) is Compression.NONE and not looks_like_tar(head):
        reading.fail("no-tar", f"{label} is no tar, packed or not")
