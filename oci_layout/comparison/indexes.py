"""Why the digests of two indexes differ."""

from __future__ import annotations

from collections import Counter

from oci_layout.comparison.reasons import Reason, listed, spelled, worded
from oci_layout.comparison.sides import Side
from oci_layout.graph.nodes import ImageIndex
from oci_layout.model.descriptor import Descriptor


def index_reason(a: Side, b: Side) -> Reason | None:
    """Why the indexes differ; None where neither image stands in one."""
    one, two = a.candidate.index, b.candidate.index
    if one is None or two is None:
        if one is two:
            return None
        text = "In {} the name stands for an index, in {} for one manifest."
        return Reason(
            about="index", differs=None, text=text.format(*("BA" if one is None else "AB"))
        )
    if one.index.raw == two.index.raw:
        return Reason(about="index", differs=False, text="The indexes are the same.")
    because = _entries(one, two)
    if one.index.media_type != two.index.media_type:
        because.insert(0, worded(one.index.family, two.index.family, "index"))
    if one.index.annotations != two.index.annotations:
        because.append("the annotations of the index differ")
    return Reason(
        about="index",
        differs=True,
        text="The index digest differs because",
        because=tuple(because or spelled(one.index.raw, two.index.raw)),
    )


def entry_name(descriptor: Descriptor) -> str:
    """What an entry of an index is about: its platform, or an attestation."""
    platform = descriptor.platform
    if platform is not None and not platform.unknown:
        return str(platform.normalised())
    return "an attestation" if platform is not None else descriptor.media_type or "an entry"


def _entries(a: ImageIndex, b: ImageIndex) -> list[str]:
    there_a = {entry.digest for entry in a.index.manifests}
    there_b = {entry.digest for entry in b.index.manifests}
    only_a = Counter(entry_name(e) for e in a.index.manifests if e.digest not in there_b)
    only_b = Counter(entry_name(e) for e in b.index.manifests if e.digest not in there_a)
    both = [name for name in only_a if name in only_b]
    told = [f"its entry for {listed(both)} points at another manifest"] if both else []
    told += [f"it lists {listed(only_a - only_b)} in A alone"] if only_a - only_b else []
    told += [f"it lists {listed(only_b - only_a)} in B alone"] if only_b - only_a else []
    return told
