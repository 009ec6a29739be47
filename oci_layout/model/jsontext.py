"""JSON as strict as every reader together: what two parsers could read differently is refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from oci_layout import limits
from oci_layout.finding import Findings, Where


class _RefusedError(ValueError):
    """JSON that is refused, with the finding's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _constant(name: str) -> NoReturn:
    raise _RefusedError("bad-json", f"{name} is not JSON")


def _integer(text: str) -> int:
    if len(text) > 20:
        raise _RefusedError("bad-json", f"a number of {len(text)} digits")
    return int(text)


class _Pairs:
    """Builds objects and notices keys that stand twice."""

    def __init__(self) -> None:
        self.repeated: list[str] = []

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self.repeated.append(key)
                seen.add(key)
        return value


def _too_deep(value: Any) -> bool:
    """Whether a value is nested deeper than any document of ours."""
    level = [value]
    for _ in range(limits.DOCUMENT_DEPTH):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _bounded(raw: bytes) -> None:
    if len(raw) > limits.DOCUMENT_BYTES:
        raise _RefusedError("document-too-large", f"a document of {len(raw)} bytes")
    openings = raw.count(b"{") + raw.count(b"[")
    if openings + raw.count(b",") > limits.DOCUMENT_TOKENS:
        raise _RefusedError("document-too-large", f"more than {limits.DOCUMENT_TOKENS} values")


def parse(raw: bytes, where: Where, findings: Findings) -> Any:
    """The value of a JSON document, or None when it is none (which is reported).

    Args:
        raw: the document, UTF-8 without a byte order mark (RFC 8259, 8.1).
        where: its place, for findings.
        findings: told of ``bad-json``, ``duplicate-key`` and ``document-too-large``.
    """
    pairs = _Pairs()
    try:
        _bounded(raw)
        if raw.startswith(b"\xef\xbb\xbf"):
            raise _RefusedError("bad-json", "begins with a byte order mark")
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_constant=_constant,
            parse_int=_integer,
        )
        if _too_deep(value):
            raise _RefusedError("bad-json", f"nested deeper than {limits.DOCUMENT_DEPTH}")
    except _RefusedError as error:
        findings.error(error.code, str(error), where)
        return None
    except UnicodeDecodeError as error:
        findings.error("bad-json", f"not UTF-8 at byte {error.start}", where)
        return None
    except json.JSONDecodeError as error:
        if not raw.strip():
            findings.error("bad-json", "empty, where JSON was expected", where)
        elif error.msg == "Extra data":
            findings.error("bad-json", f"data follows the JSON value, at {error.pos}", where)
        else:
            findings.error("bad-json", f"not JSON: {error.msg}, at character {error.pos}", where)
        return None
    except RecursionError:
        findings.error("bad-json", "nested too deeply", where)
        return None
    if value is None:  # no document of ours may be null: None is for what was reported
        findings.error("wrong-type", "is null", where)
    for key in pairs.repeated[:8]:
        findings.error(
            "duplicate-key",
            f"the key {key[:60]!r} stands twice in one object: readers disagree which counts",
            where,
        )
    return value
