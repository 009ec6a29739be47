"""The files of a layer, counted."""

from __future__ import annotations

import heapq
from collections import Counter

from oci_layout.errors import DamagedError
from oci_layout.finding import Findings
from oci_layout.inspection.report import FileReport, FilesReport
from oci_layout.streams.layerfiles import FileType, LayerFile, read_layer
from oci_layout.streams.reader import Reader
from oci_layout.streams.whiteouts import WhiteoutKind
from oci_layout.where import Where

_COUNTED = {
    FileType.FILE: "files",
    FileType.DIRECTORY: "directories",
    FileType.SYMLINK: "symlinks",
    FileType.HARDLINK: "hardlinks",
    FileType.CHARACTER: "devices",
    FileType.BLOCK: "devices",
    FileType.FIFO: "fifos",
    FileType.OTHER: "others",
}
_REMOVED = {
    WhiteoutKind.FILE: "whiteouts",
    WhiteoutKind.OPAQUE: "opaque",
    WhiteoutKind.METADATA: "others",
}
_WORDS = {*_COUNTED.values(), *_REMOVED.values()}


def summary(reader: Reader, where: Where, number: int, findings: Findings) -> FilesReport:
    """Counts by type, bytes, what is removed of lower layers, and the largest files.

    Args:
        reader: the unpacked tar.
        where: the layer's blob, for messages.
        number: of the largest files to name.
        findings: told of damage; what stands before it is counted all the same.
    """
    counts: Counter[str] = Counter()
    size = 0
    largest: list[tuple[int, int, LayerFile]] = []
    whole = True
    try:
        for order, file in enumerate(read_layer(reader, where)):
            if file.whiteout is not None:
                counts[_REMOVED[file.whiteout.kind]] += 1
                continue
            counts[_COUNTED[file.type]] += 1
            if file.type is FileType.FILE:
                size += file.size
                heapq.heappush(largest, (file.size, -order, file))  # of equal ones, the first
                if len(largest) > number:
                    heapq.heappop(largest)
    except DamagedError as error:
        whole = False
        findings.damage(error)
    return FilesReport(
        **{word: counts[word] for word in _WORDS},
        bytes=size,
        whole=whole,
        largest=tuple(
            FileReport(path=file.path, size=size) for size, _, file in sorted(largest, reverse=True)
        ),
    )
