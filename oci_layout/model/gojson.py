"""JSON as Go's ``encoding/json`` writes it, and names the fields of its structs.

Nearly all image documents came to be so, and every engine reads them so.

Go escapes ``<``, ``>``, ``&``, U+2028 and U+2029, writes other text as UTF-8, and keeps the order
of struct fields; so does this: the order of keys is that of the mapping given.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

_SPECIAL = re.compile(r'[\x00-\x1f"\\<>&\u2028\u2029\ud800-\udfff]')
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


# Beyond ASCII, two characters alone fold to a letter (encoding/json fold.go, foldRune).
_FOLDS = str.maketrans({"\u017f": "s", "\u212a": "k"})


@attrs.frozen
class Number:
    """A number kept as it was written (``1.50``, ``1e400``), for none may change or become inf.

    Args:
        text: the number.
    """

    text: str

    @property
    def is_zero(self) -> bool:
        """Whether it is nothing, however it is written."""
        return not self.text.lower().partition("e")[0].strip("-.0")


def fold(key: str) -> str:
    """What a key shares with every other key that Go takes for the same field of a struct.

    That field's name must be ASCII, as all in images are: another key folds to itself.
    """
    folded = key.translate(_FOLDS)
    return folded.lower() if folded.isascii() else key


_STRUCTS = frozenset({"config", "rootfs"})  # fields that are no pointers


def merged(old: Any, new: Any, name: str = "") -> Any:
    """What Go has read when a field stands twice (encoding/json decode.go, ``object``).

    The last one counts, null changes no text, no number and no struct, and what two objects say is
    put together.

    Args:
        old: what was read first.
        new: what stands there again.
        name: of the field.
    """
    if new is None and (not isinstance(old, dict | list) or name.lower() in _STRUCTS):
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), item, key) for key, item in new.items()}}
    return new


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
        return value.text
    if isinstance(value, str):
        return encode_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
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


def show(value: Any, depth: int = 0, *, told: Callable[[Any], Any] | None = None) -> str:
    """A value for people and programs: indented by two, nothing in it but ASCII.

    Args:
        value: the value.
        depth: how far in it begins.
        told: makes a JSON value of each value that is none, what is inside of it as it is: so
            no more is made than is shown at a time.

    Raises:
        TypeError: not a JSON value.
    """
    if isinstance(value, str):
        return json.dumps(value)
    value = value if told is None else told(value)
    if isinstance(value, str):
        return json.dumps(value)
    start, end = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    if isinstance(value, Mapping) and value:
        items = (
            f"{json.dumps(str(key))}: {show(item, depth + 1, told=told)}"
            for key, item in value.items()
        )
        return f"{{{start}{f',{start}'.join(items)}{end}}}"
    if isinstance(value, list | tuple) and value:
        return (
            f"[{start}{f',{start}'.join(show(item, depth + 1, told=told) for item in value)}{end}]"
        )
    return encode(value)


def on_a_line(value: Any) -> str:
    """A value for people, on one line, its texts as they are.

    Raises:
        TypeError: not a JSON value.
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        items = (f"{on_a_line(str(key))}: {on_a_line(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(on_a_line, value))}]"
    return encode(value)
