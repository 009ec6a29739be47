"""JSON as Go's ``encoding/json`` writes it, which is how nearly all image documents came to be.

Go escapes ``<``, ``>``, ``&``, U+2028 and U+2029, writes other text as UTF-8, and keeps the order
of struct fields; so does this: the order of keys is that of the mapping given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_SPECIAL = re.compile(r'[\x00-\x1f"\\<>&\u2028\u2029\ud800-\udfff]')
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Number(str):
    """A number kept as it was written (``1.50``, ``1e3``)."""

    __slots__ = ()


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _NAMED:
        return _NAMED[char]
    if "\ud800" <= char <= "\udfff":
        return "\\ufffd"  # Go replaces half a surrogate pair
    return f"\\u{ord(char):04x}"


def encode_text(text: str) -> str:
    """One string, in quotes."""
    return f'"{_SPECIAL.sub(_escape, text)}"'


def encode(value: Any) -> str:
    """A value, compact.

    Raises:
        TypeError: not a JSON value.
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return encode_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inner = ",".join(f"{encode_text(key)}:{encode(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return f"[{','.join(encode(item) for item in value)}]"
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def encode_bytes(value: Any) -> bytes:
    """A value, compact, as UTF-8."""
    return encode(value).encode("utf-8")
