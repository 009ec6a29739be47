"""What became of each source of a shelf, and of all, as values and as lines of JSON."""

from __future__ import annotations

import enum
import json
import zlib
from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout.plan.report import Report
from oci_layout.shelf.request import Verb

SHOWN = 20  # failures, and files of a kind, that are kept for the end


class Status(enum.StrEnum):
    """What became of a source."""

    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    NO_IMAGE = "no image"


@attrs.frozen(kw_only=True)
class SourceReport:
    """What became of one source.

    Args:
        source: as the user called it.
        verb: that was done.
        status: what became of it.
        result: where the result is; empty without one.
        size: bytes of the source.
        seconds: that it took.
        error: the first that went wrong; empty for nothing.
        exit_status: that the verb alone would have had.
        packed: the verb's own report as JSON, packed by zlib; empty without one.
        left_out: bytes of that report, where it is too long to be kept.
    """

    source: str
    verb: Verb
    status: Status
    result: str = ""
    size: int = 0
    seconds: float = 0.0
    error: str = ""
    exit_status: int = 0
    packed: bytes = attrs.field(default=b"", repr=False)
    left_out: int = 0

    @property
    def report(self) -> Any:
        """The verb's own report as a JSON value; None without one."""
        return json.loads(zlib.decompress(self.packed)) if self.packed else None

    def line(self) -> str:
        """One line of JSON, in ASCII, without its end."""
        head = {
            "source": self.source,
            "verb": str(self.verb),
            "status": str(self.status),
            "result": self.result or None,
            "bytes": self.size,
            "seconds": round(self.seconds, 3),
            "error": self.error or None,
            "exit_status": self.exit_status,
        }
        if self.left_out:
            head["report_left_out"] = self.left_out
        report = zlib.decompress(self.packed).decode("ascii") if self.packed else "null"
        return f'{_ascii(head)[:-1]},"report":{report}}}'


@attrs.frozen(kw_only=True)
class BatchReport:
    """What became of a shelf.

    Args:
        verb: that was done with each source.
        counts: of sources, by what became of them.
        passed: what was passed over, by why: links, excluded, ours, others, and of these misnamed,
            which are called like archives.
        bytes: of the sources that were done.
        seconds: taken.
        failures: the first that failed, with the first error of each.
        misnamed: the first files that are called like archives, and are none.
        merged: what became of all of them together; None where nothing was merged.
    """

    verb: Verb
    counts: Mapping[Status, int]
    passed: Mapping[str, int]
    bytes: int
    seconds: float
    failures: tuple[tuple[str, str], ...]
    misnamed: tuple[str, ...] = ()
    merged: Report | None = None

    @property
    def failed(self) -> int:
        """How many sources failed."""
        return self.counts.get(Status.FAILED, 0)

    @property
    def sources(self) -> int:
        """How many sources there were."""
        return sum(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """The last line of a report."""
        return {
            "version": 1,
            "summary": str(self.verb),
            "sources": {str(each): self.counts.get(each, 0) for each in Status},
            "passed_over": dict(self.passed),
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }

    def line(self) -> str:
        """One line of JSON, in ASCII, without its end."""
        return _ascii(self.to_json())


def _ascii(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")
