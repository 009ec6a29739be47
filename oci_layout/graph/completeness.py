"""Sparse sources: what they refer to and do not hold (kind#3795, containerd#11344)."""

from __future__ import annotations

import operator
from collections import Counter

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.graph.nodes import Absent, Artifact, Image, ImageIndex, Node, Root
from oci_layout.graph.referrers import digests, is_attached, spellings, targets
from oci_layout.graph.selection import describe
from oci_layout.graph.walk import attached_to, images, missing, stated_platform, walk
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.where import Where

_NAMED = 32  # digests that one message lists
DISCARDED = "was discarded after unpacking: containerd is set to discard_unpacked_layers"


def complete(
    roots: tuple[Root, ...], sparse: str, findings: Findings, *, chosen: bool = False
) -> tuple[Root, ...]:
    """The roots without what is not all there, and without what is attached to that alone.

    Args:
        roots: what was selected.
        sparse: ``auto`` leaves out what an index lists, and refuses to lose an image altogether;
            ``prune`` leaves that out too, ``keep`` leaves absences in an index, ``fail`` refuses.
        findings: told of each absence.
        chosen: whether somebody chose among the roots, for messages.

    Raises:
        DamagedError: nothing is complete, or an absence is refused.
    """
    keep = sparse == "keep"
    told = Findings() if keep else findings
    pruning = _Pruning(told)
    pruned = [(root, pruning.node(root.node, describe([root]))) for root in roots]
    if not pruning.missing:
        return roots
    if sparse == "fail":
        raise _sparse("the source is not complete", pruning)
    if sparse == "auto":
        _refuse_loss([root for root, node in pruned if node is None], len(roots), pruning)
    left = [attrs.evolve(root, node=node) for root, node in pruned if node is not None]
    kept = _without_orphans(left, pruning.gone, told)
    if all(is_attached(root) for root in kept):
        what = "nothing that was chosen" if chosen else "nothing in this source"
        raise _sparse(f"{what} is complete", pruning)
    if not keep:
        return tuple(kept)
    if any(map(_unnamed, roots)):
        raise _sparse("what no digest names cannot be kept as absent", pruning)
    listed = ", ".join(pruning.missing[:_NAMED])
    findings.warning(
        "sparse-index",
        f"kept as asked, though the source lacks {plural(len(pruning.missing), 'blob')}: {listed}",
        hint="--sparse prune leaves out what refers to them",
    )
    return roots


def _unnamed(root: Root) -> bool:
    """Whether an image lacks a file of ``manifest.json``, which no manifest can list."""
    return any(
        layer.there is None and layer.digest is None
        for image in images(root.node)
        for layer in image.layers
    )


def _refuse_loss(gone: list[Root], count: int, pruning: _Pruning) -> None:
    """Refuse to lose an image: what has a name, or is one; an entry of a platform may go."""
    lost = [
        root
        for root in gone
        if (root.names or isinstance(root.node, Image)) and not is_attached(root)
    ]
    if not lost or len(gone) == count:  # nothing is left: the error of that says more
        return
    absent = [str(each) for root in lost for node in walk(root.node) for each in missing(node)]
    raise DamagedError(
        what=f"{', '.join(describe([root]) for root in lost[:_NAMED])} would be left out; missing: "
        f"{', '.join(dict.fromkeys(absent[:_NAMED]))}{pruning.why}",
        hint="--sparse prune leaves it out, --image chooses others",
        code="sparse-index",
    )


def _sparse(what: str, pruning: _Pruning) -> DamagedError:
    missing = pruning.missing
    listed = ", ".join(missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    again = "pull" if pruning.discarded else "save"
    return DamagedError(
        what=f"{what}; missing: {listed}{more}{pruning.why}",
        hint=f"{again} the image again with all its blobs, or name with --base what has them",
        code="sparse-index",
    )


class _Pruning:
    """Takes nodes without what is not all there.

    Args:
        findings: told of each absence.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._missing: dict[str, None] = {}
        self.gone: set[str] = set()
        self.discarded: set[str] = set()

    @property
    def missing(self) -> list[str]:
        """What would have to be there, each once: digests of blobs, names of files."""
        return list(self._missing)

    @property
    def why(self) -> str:
        """What is known of why that is missing, to go on with in a sentence."""
        some = "all" if len(self.discarded) == len(self._missing) else "some"
        return f"; {some} of it {DISCARDED}" if self.discarded else ""

    def node(self, node: Node, label: str) -> Node | None:
        """A node without what is not all there; None when nothing is left of it."""
        if isinstance(node, ImageIndex):
            left = self._index(node, label)
        elif not missing(node):
            return node
        else:
            left = None
            self._report(node, missing(node), label)
        if left is None and node.descriptor is not None:
            self.gone |= spellings(node.descriptor.digest)
        return left

    def _report(self, node: Node, absent: list[str], label: str) -> None:
        self._missing.update(dict.fromkeys(absent))
        if isinstance(node, Image):
            self.discarded |= {
                each.called for each in node.layers if each.lacking and each.discarded
            }
        more = f", nor are {len(absent) - 1} more of its blobs" if len(absent) > 1 else ""
        self._findings.warning(
            "sparse-index",
            f"{_what(node)} is left out: {absent[0]} is not in the source{more}{self.why}",
            Where(image=label),
        )

    def _index(self, index: ImageIndex, label: str) -> ImageIndex | None:
        children = [self.node(child, label) for child in index.children]
        kept = tuple(child for child in children if child is not None)
        lost = any(
            isinstance(each, Image | Absent) for child in index.children for each in walk(child)
        )
        left = any(
            isinstance(each, Image) or (isinstance(each, Artifact) and not attached_to(each))
            for child in kept
            for each in walk(child)
        )
        if index.children and (not kept or (lost and not left)):
            return None
        return attrs.evolve(index, children=kept)


def _what(node: Node) -> str:
    """What to call something that is left out."""
    if isinstance(node, Artifact):
        return "the attestation" if node.is_attestation else "an artifact"
    platform = stated_platform(node)
    if platform is not None and not platform.unknown:
        return str(platform)
    noted = node.descriptor.annotations.get(ATTESTATION_DIGEST) if node.descriptor else None
    return f"the attestation of {noted[:19]}" if noted else "a manifest"


def _without_orphans(roots: list[Root], gone: set[str], findings: Findings) -> list[Root]:
    """The roots without what is attached to something that was left out, and is nowhere else."""
    for _ in range(limits.INDEX_DEPTH):  # an index that is emptied may be a subject in its turn
        orphans = _orphans(roots, gone)
        if not orphans:
            break
        kept = []
        for root in roots:
            label = describe([root])
            if root.node in orphans:
                findings.warning("sparse-index", "is left out with its image", Where(image=label))
                continue
            node = _stripped(root.node, orphans, label, findings)
            if node is not None:
                kept.append(root if node is root.node else attrs.evolve(root, node=node))
        gone = gone | digests(roots)
        roots = kept
    return roots


def _orphans(roots: list[Root], gone: set[str]) -> set[Node]:
    """Nodes that are attached to what is gone, or to what goes with it."""
    held: Counter[str] = Counter()
    waiting: dict[str, list[Node]] = {}
    for root in roots:
        for node in walk(root.node):
            if node.descriptor is not None:
                held.update(spellings(node.descriptor.digest))
            top = node is root.node
            attached = (targets(root) if is_attached(root) else set()) if top else attached_to(node)
            for digest in attached:
                waiting.setdefault(digest, []).append(node)
    orphans: set[Node] = set()
    todo = [digest for digest in gone if not held[digest]]
    while todo:
        for node in waiting.pop(todo.pop(), ()):
            if node in orphans:
                continue
            orphans.add(node)
            for each in walk(node):
                names = spellings(each.descriptor.digest) if each.descriptor is not None else set()
                held.subtract(names)
                todo += [name for name in names if held[name] <= 0]
    return orphans


def _stripped(node: Node, orphans: set[Node], label: str, findings: Findings) -> Node | None:
    """A node without some of its children."""
    if not isinstance(node, ImageIndex):
        return node
    kept = []
    for child in node.children:
        if child in orphans and child.descriptor is not None:
            findings.warning(
                "sparse-index",
                f"{_what(child)} {child.descriptor.digest} is left out with its image",
                Where(image=label),
            )
            continue
        new = _stripped(child, orphans, label, findings)
        if new is not None:
            kept.append(new)
    if len(kept) == len(node.children) and all(map(operator.is_, kept, node.children)):
        return node
    return attrs.evolve(node, children=tuple(kept)) if kept else None
