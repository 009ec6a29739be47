"""Changes to a JSON document that leave every other byte as it was.

Re-serialising through a struct is how other converters lose HEALTHCHECK; re-serialising at all
changes white space, escapes and number formats, and with them a digest that need not have
changed. So a document is edited as text: the old bytes, with other values in a few places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from oci_layout.model import gojson
from oci_layout.model.jsontext import STRING

Path = tuple[str | int, ...]

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(STRING, re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,\]}]+")
_STRUCTURE = re.compile(STRING + rb"|[\[\]{}]", re.DOTALL)


class _Removed:
    """Stands for a field that is to go."""


REMOVE: Final = _Removed()


@attrs.define
class _Node:
    """Edits below one place: a new value, or edits of its children."""

    value: Any = None
    is_set: bool = False
    children: dict[str | int, _Node] | None = None  # there may be a node a field: kept small


@attrs.frozen
class _Segment:
    """One member of a container: from after the comma before it to the comma behind it."""

    key: str | int
    start: int
    value_start: int
    value_end: int
    end: int


class Edits:
    """A set of changes to one document.

    Args:
        raw: the document; well-formed JSON (it has been parsed before).
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._root = _Node()

    def set(self, path: Path, value: Any) -> None:
        """Put a value at a path; a last key that is absent is added at the end of what holds it."""
        node = self._root
        for step in path:
            if node.children is None:
                node.children = {}
            below = node.children.get(step)
            if below is None:
                below = node.children[step] = _Node()
            node = below
        node.value, node.is_set = value, True

    def remove(self, path: Path) -> None:
        """Take a field out; nothing happens where it is absent."""
        self.set(path, REMOVE)

    def apply(self) -> bytes:
        """The edited document."""
        start = _skip(self._raw, 0)
        end = _value_end(self._raw, start)
        return self._raw[:start] + self._rewrite(start, end, self._root) + self._raw[end:]

    def _rewrite(self, start: int, end: int, node: _Node) -> bytes:
        if node.is_set:
            return gojson.encode_bytes(node.value)
        if not node.children:
            return self._raw[start:end]
        opening, closing = self._raw[start : start + 1], self._raw[end - 1 : end]
        parts: list[bytes] = []
        lead, gap, tail = b"", b":", b""
        there = {segment.key for segment in _segments(self._raw, start)}
        left = _spelled(node.children, there)
        del there
        for segment in _segments(self._raw, start):
            child = left.pop(segment.key, None)
            before = self._raw[segment.start : segment.value_start]
            lead = before[: len(before) - len(before.lstrip())]
            if isinstance(segment.key, str):
                gap = before[before.rindex(b":") :]
            tail = self._raw[segment.value_end : segment.end]
            if child is not None and child.value is REMOVE:
                continue
            value = (
                self._raw[segment.value_start : segment.value_end]
                if child is None
                else self._rewrite(segment.value_start, segment.value_end, child)
            )
            parts.append(before + value + tail)
        left = {key: child for key, child in left.items() if child.value is not REMOVE}
        if parts and left and tail:
            parts[-1] = parts[-1].removesuffix(tail)
        listed = opening == b"["
        added = [
            lead
            + (b"" if listed else gojson.encode_text(str(key)).encode() + gap)
            + self._fresh(child)
            for key, child in left.items()
        ]
        ending = tail if added and parts else b""
        return opening + b",".join(parts + added) + ending + closing

    def _fresh(self, node: _Node) -> bytes:
        """A value that was not there: set, or an object of set values."""
        if node.is_set:
            return gojson.encode_bytes(node.value)
        inner = b",".join(
            gojson.encode_text(str(key)).encode() + b":" + self._fresh(child)
            for key, child in (node.children or {}).items()
            if child.value is not REMOVE
        )
        return b"{" + inner + b"}"


def _spelled(children: dict[str | int, _Node], there: set[str | int]) -> dict[str | int, _Node]:
    """The edits under the keys as this document spells them: Go matches without case."""
    lower = {gojson.fold(key): key for key in there if isinstance(key, str)}
    return {
        key if key in there or not isinstance(key, str) else lower.get(gojson.fold(key), key): child
        for key, child in children.items()
    }


def _skip(raw: bytes, at: int) -> int:
    match = _SPACE.match(raw, at)
    return match.end() if match else at


def _value_end(raw: bytes, at: int) -> int:
    """Where the value that begins here ends."""
    first = raw[at : at + 1]
    if first == b'"':
        match = _STRING.match(raw, at)
        if match is None:
            raise ValueError(f"no string at {at}")
        return match.end()
    if first in (b"{", b"["):
        depth = 0
        for match in _STRUCTURE.finditer(raw, at):
            token = match[0]
            if token in (b"{", b"["):
                depth += 1
            elif token in (b"}", b"]"):
                depth -= 1
                if not depth:
                    return match.end()
        raise ValueError(f"no end of the container at {at}")
    match = _SCALAR.match(raw, at)
    if match is None:
        raise ValueError(f"no value at {at}")
    return match.end()


def _segments(raw: bytes, at: int) -> Iterator[_Segment]:
    """The members of the container that begins here."""
    is_object = raw[at : at + 1] == b"{"
    at += 1
    number = 0
    while True:
        start = at
        at = _skip(raw, at)
        if raw[at : at + 1] in (b"}", b"]"):
            return
        key: str | int = number
        if is_object:
            end = _value_end(raw, at)
            key = _decoded(raw[at:end])
            at = _skip(raw, _skip(raw, end) + 1)
        value_end = _value_end(raw, at)
        end = _skip(raw, value_end)
        yield _Segment(key, start, at, value_end, end)
        if raw[end : end + 1] != b",":
            return
        at = end + 1
        number += 1


def _decoded(text: bytes) -> str:
    if b"\\" not in text:
        return text[1:-1].decode("utf-8")
    key: str = json.loads(text)
    return key  # halves of surrogate pairs stay: two such keys are refused before
