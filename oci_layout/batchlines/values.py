"""A line of a batch as a value: what became of one source, or of all; as JSON, and of JSON."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import attrs

from oci_layout.batchlines.kinds import Status, Verb

_LARGEST = 1 << 63  # of a number of bytes or sources: what no disk holds


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

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> SourceReport:
        """What a line says, without the verb's own report, which is in ``value`` itself.

        Args:
            value: the line as a JSON value.

        Raises:
            ValueError: it is no such line.
        """
        return cls(
            source=_text(value.get("source")),
            verb=Verb(_text(value.get("verb"))),
            status=Status(_text(value.get("status"))),
            result=_text(value.get("result") or ""),
            size=_count(value.get("bytes")),
            seconds=_seconds(value.get("seconds")),
            error=_text(value.get("error") or ""),
            exit_status=_count(value.get("exit_status")),
            left_out=_count(value.get("report_left_out", 0)),
        )


@attrs.frozen(kw_only=True)
class Summary:
    """The last line: what became of all.

    Args:
        verb: that was done with each source.
        counts: of sources, by what became of them.
        passed: what was passed over, by why.
        bytes: of the sources that were done.
        seconds: that all of it took.
    """

    verb: Verb
    counts: Mapping[Status, int]
    passed: Mapping[str, int]
    bytes: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The line as a JSON value."""
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

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Summary:
        """What the line says.

        Args:
            value: the line as a JSON value.

        Raises:
            ValueError: it is no such line.
        """
        counts, passed = value.get("sources"), value.get("passed_over")
        if not isinstance(counts, dict) or not isinstance(passed, dict):
            raise ValueError("counts nothing")
        return cls(
            verb=Verb(_text(value.get("summary"))),
            counts={each: _count(counts.get(str(each), 0)) for each in Status},
            passed={name: _count(count) for name, count in passed.items()},
            bytes=_count(value.get("bytes")),
            seconds=_seconds(value.get("seconds")),
        )


def value_of(value: Any) -> SourceReport | Summary:
    """A line as a value.

    Args:
        value: the line as a JSON value.

    Raises:
        ValueError: it is no line of a batch.
    """
    if not isinstance(value, dict):
        raise ValueError("no object")
    return Summary.of(value) if "summary" in value else SourceReport.of(value)


def _ascii(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _LARGEST:
        raise ValueError("no count")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < _LARGEST or math.isnan(value):
        raise ValueError("no time")
    return float(value)
