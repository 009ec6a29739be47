"""JSON as Go reads it, and as strict as every reader together.

What two parsers could read differently is refused: invalid UTF-8 (Go replaces it), data behind the
value (a ``json.Decoder``, as Docker has for ``manifest.json``, passes it over), keys that stand
twice. The rest is as ``json.Unmarshal`` has it: half a surrogate pair is U+FFFD, numbers stay text.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.finding import Findings
from oci_layout.model import gojson
from oci_layout.where import Where

# A string as it stands in a document: with DOTALL, and once in an expression. Where a search may
# go back, it keeps 120 bytes for each escape. It never goes back into what a lookahead has found: a
# thousand escapes take as much as one. (Possessive quantifiers came with Python 3.11.)
STRING = rb'"[^"\\]*(?:(?=(?P<escapes>(?:\\.[^"\\]*){1,1000}))(?P=escapes))*"'
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


class _RefusedError(ValueError):
    """JSON that is refused, with the finding's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _constant(name: str) -> NoReturn:
    raise _RefusedError("bad-json", f"{name} is not JSON")


def _integer(text: str) -> int | gojson.Number:
    if len(text) > limits.NUMBER_DIGITS:
        raise _RefusedError("bad-json", f"a number of {plural(len(text), 'digit')}")
    return gojson.Number(text) if len(text) > 20 or text == "-0" else int(text)


def _replaced(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item) for key, item in value.items()}
    return value


class _Pairs:
    """Builds objects and notices keys that stand twice."""

    def __init__(self, *, halves: bool) -> None:
        self.repeated: list[str] = []
        self.halves = halves  # whether there may be halves of surrogate pairs

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if self.halves:
            pairs = [(_replaced(key), item) for key, item in pairs]
        value = dict(pairs)
        if len(value) != len(pairs):
            value = {}
            for key, item in pairs:
                if key in value:
                    self.repeated.append(key)
                value[key] = gojson.merged(value[key], item, key) if key in value else item
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
        raise _RefusedError("document-too-large", f"a document of {plural(len(raw), 'byte')}")
    openings = raw.count(b"{") + raw.count(b"[")
    if openings + raw.count(b",") > limits.DOCUMENT_TOKENS:
        raise _RefusedError("document-too-large", f"more than {limits.DOCUMENT_TOKENS} values")


def first(raw: bytes) -> bytes:
    """The stretch of a text that holds its first JSON value: what a ``json.Decoder`` reads.

    Args:
        raw: the text; given back whole where it does not begin with a value.
    """
    try:
        text = raw.decode("utf-8", "surrogateescape")
        begin = len(text) - len(text.lstrip(" \t\r\n"))
        _, end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return raw
    return raw if not text[end:].strip(" \t\r\n") else text[:end].encode("utf-8", "surrogateescape")


def parse(raw: bytes, where: Where, findings: Findings) -> Any:
    """The value of a JSON document, or None when it is none (which is reported).

    Args:
        raw: the document, UTF-8 without a byte order mark (RFC 8259, 8.1).
        where: its place, for findings.
        findings: told of ``bad-json``, ``duplicate-key`` and ``document-too-large``.
    """
    pairs = _Pairs(halves=_SURROGATE.search(raw) is not None)
    try:
        _bounded(raw)
        if raw.startswith(b"\xef\xbb\xbf"):
            raise _RefusedError("bad-json", "begins with a byte order mark")
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=gojson.Number,
        )
        if _too_deep(value):
            raise _RefusedError("bad-json", f"nested deeper than {limits.DOCUMENT_DEPTH}")
        if pairs.halves:
            value = _replaced(value)
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
