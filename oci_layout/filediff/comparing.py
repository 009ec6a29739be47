"""Two lists of files held against each other: what differs is counted, and the first of it kept."""

from __future__ import annotations

import attrs

from oci_layout import limits
from oci_layout.filediff.filelist import FileList
from oci_layout.filediff.ignoring import Ignored, fields_of
from oci_layout.filediff.pairing import FileChange, pairs
from oci_layout.filediff.report import FilesReport, Room


@attrs.frozen(kw_only=True)
class Comparing:
    """How files are compared.

    Args:
        ignored: what does not count.
        tmp: directory for what does not stay in memory.
        room: for all that is kept.
    """

    ignored: tuple[Ignored, ...] = ()
    tmp: str | None = None
    room: Room = attrs.field(factory=Room)


def compare_lists(
    a: FileList,
    b: FileList,
    how: Comparing,
    *,
    numbers: tuple[int | None, int | None] = (None, None),
    ordered: bool = False,
) -> FilesReport:
    """Hold two lists against each other. Nothing of what is the same is kept.

    Args:
        a: of the first image.
        b: of the second.
        how: what counts, and what may be kept.
        numbers: of the two layers, where each list is one.
        ordered: whether the order in which they came counts.

    Raises:
        DamagedError: what the lists raise.
    """
    counts = {"added": 0, "removed": 0, "changed": 0}
    kept: list[FileChange] = []
    same = 0
    full = False
    attributes: set[str] = set()
    for each in pairs(a.as_files(), b.as_files(), fields_of(how.ignored)):
        if not each.differs:
            same += 1
            continue
        counts[each.change] += 1
        attributes.update(each.attributes)
        if not full and len(kept) < limits.DIFFERENCES:
            full = not how.room.takes(each)
            kept += () if full else (each,)
    reordered = None
    if ordered and not counts["added"] + counts["removed"] and Ignored.ORDER not in how.ignored:
        reordered = a.order != b.order
    return FilesReport(
        a=numbers[0],
        b=numbers[1],
        same=same,
        reordered=reordered,
        differences=tuple(kept),
        added=counts["added"],
        removed=counts["removed"],
        changed=counts["changed"],
        attributes=frozenset(attributes),
    )
