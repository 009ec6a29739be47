"""Sparse sources: what they refer to and do not hold (kind#3795, containerd#11344)."""

from __future__ import annotations

import attrs

from oci_layout.digest import Digest
from oci_layout.errors import DamagedError
from oci_layout.finding import Findings, Where
from oci_layout.mediatype import Family
from oci_layout.model.layout import ATTESTATION_DIGEST
from oci_layout.plan.options import Options
from oci_layout.plan.select import describe, stated_platform
from oci_layout.source.graph import Absent, Artifact, Image, ImageIndex, Node, Opaque, Root, walk


def complete(roots: tuple[Root, ...], options: Options, findings: Findings) -> tuple[Root, ...]:
    """The roots without what is not all there.

    Args:
        roots: what was selected.
        options: ``sparse`` says whether absences are left out, kept in an index or refused.
        findings: told of each absence.

    Raises:
        DamagedError: nothing is complete, or an absence is refused.
    """
    keep = options.sparse == "keep" and options.target is Family.OCI
    kept = []
    missing: list[Digest] = []
    for root in roots:
        absent: list[Digest] = []
        node = _pruned(root.node, findings, absent, describe([root]))
        missing += absent
        if node is not None:
            whole = root.node if keep and absent else node
            kept.append(attrs.evolve(root, node=whole))
    if missing and not kept:
        raise _sparse("nothing in this source is complete", missing)
    if missing and options.sparse == "fail":
        raise _sparse("the source is not complete", missing)
    return tuple(kept)


def _sparse(what: str, missing: list[Digest]) -> DamagedError:
    listed = ", ".join(str(digest) for digest in dict.fromkeys(missing[:8]))
    more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
    return DamagedError(
        what=f"{what}; missing: {listed}{more}",
        hint="save the image again, with all its blobs",
        code="sparse-index",
    )


def _pruned(node: Node, findings: Findings, missing: list[Digest], label: str) -> Node | None:
    """A node without what is not all there; each absence is reported."""
    if isinstance(node, Opaque):
        return node
    if isinstance(node, ImageIndex):
        return _pruned_index(node, findings, missing, label)
    absent = node.missing
    if not absent:
        return node
    missing.extend(absent)
    findings.warning(
        "sparse-index",
        f"{stated_platform(node) or 'a manifest'} is left out: {absent[0]} is not in the source"
        + (f", nor are {len(absent) - 1} more of its blobs" if len(absent) > 1 else ""),
        Where(image=label),
    )
    return None


def _pruned_index(
    index: ImageIndex, findings: Findings, missing: list[Digest], label: str
) -> ImageIndex | None:
    children = [_pruned(child, findings, missing, label) for child in index.children]
    there = {
        str(child.descriptor.digest)
        for child in children
        if child is not None and child.descriptor is not None
    }
    kept = []
    for child in children:
        if isinstance(child, Artifact) and _orphaned(child, index, there):
            findings.warning(
                "sparse-index",
                f"the attestation {child.descriptor.digest} is left out with its image",
                Where(image=label),
            )
        elif child is not None:
            kept.append(child)
    lost = any(isinstance(each, Image | Absent) for child in index.children for each in walk(child))
    left = any(
        isinstance(each, Image) or (isinstance(each, Artifact) and not each.is_attestation)
        for child in kept
        for each in walk(child)
    )
    if index.children and (not kept or (lost and not left)):
        return None
    return attrs.evolve(index, children=tuple(kept))


def _orphaned(artifact: Artifact, index: ImageIndex, kept: set[str]) -> bool:
    """Whether what an attestation attests was listed beside it and is not kept."""
    attested = artifact.descriptor.annotations.get(ATTESTATION_DIGEST)
    listed = {str(child.digest) for child in index.index.manifests}
    return attested is not None and attested in listed and attested not in kept
