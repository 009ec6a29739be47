"""The part of CBOR (RFC 8949) that COSE envelopes are made of, read within bounds.

Numbers, byte and text strings, arrays, maps, tags, true, false and null; of definite lengths. A
general library also makes dates, fractions and references of what an unknown file says.
"""

from __future__ import annotations

import struct
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.signatures.values import BadSignatureError


@attrs.frozen
class Tag:
    """A tagged value (RFC 8949, 3.4).

    Args:
        number: of the tag.
        value: what is tagged.
    """

    number: int
    value: Any


_SIMPLE = {20: False, 21: True, 22: None}
_SIZES = {24: ">B", 25: ">H", 26: ">I", 27: ">Q"}


def decode(raw: bytes) -> Any:
    """The one value of some bytes.

    Raises:
        BadSignatureError: there is none, or more than one, or one of another kind.
    """
    reader = _Reader(raw)
    value = reader.value(0)
    if reader.at != len(raw):
        raise BadSignatureError("something follows the CBOR value")
    return value


def encode_bytes(data: bytes) -> bytes:
    """A byte string."""
    return _head(2, len(data)) + data


def encode_text(text: str) -> bytes:
    """A text string."""
    data = text.encode()
    return _head(3, len(data)) + data


def encode_array(*items: bytes) -> bytes:
    """An array of values that are encoded already."""
    return _head(4, len(items)) + b"".join(items)


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    for short, form in _SIZES.items():
        if value < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | short]) + struct.pack(form, value)
    raise AssertionError("no length is so large")


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw, self.at, self._values = raw, 0, 0

    def _take(self, size: int) -> bytes:
        if size > len(self._raw) - self.at:
            raise BadSignatureError("the CBOR ends early")
        self.at += size
        return self._raw[self.at - size : self.at]

    def value(self, depth: int) -> Any:
        """The next value."""
        self._values += 1
        if depth > limits.DOCUMENT_DEPTH or self._values > limits.DOCUMENT_TOKENS:
            raise BadSignatureError("the CBOR is nested too deeply, or has too many values")
        first = self._take(1)[0]
        major, short = first >> 5, first & 31
        if major == 7:
            if short not in _SIMPLE:
                raise BadSignatureError("the CBOR has a value of a kind that COSE has not")
            return _SIMPLE[short]
        size = short if short < 24 else self._number(short)
        if major == 0:
            return size
        if major == 1:
            return -1 - size
        if major in (2, 3):
            return self._string(major, size)
        if major == 4:
            return [self.value(depth + 1) for _ in range(self._counted(size))]
        if major == 5:
            return self._map(size, depth)
        return Tag(size, self.value(depth + 1))

    def _number(self, short: int) -> int:
        form = _SIZES.get(short)
        if form is None:
            raise BadSignatureError("the CBOR has a value of no definite length")
        number: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return number

    def _counted(self, size: int) -> int:
        if size > len(self._raw) - self.at:  # each value has a byte at least
            raise BadSignatureError("the CBOR ends early")
        return size

    def _string(self, major: int, size: int) -> bytes | str:
        data = self._take(size)
        try:
            return data if major == 2 else data.decode()
        except UnicodeDecodeError:
            raise BadSignatureError("a text of the CBOR is not UTF-8") from None

    def _map(self, size: int, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(self._counted(size)):
            key = self.value(depth + 1)
            if not isinstance(key, int | str | bytes) or key in found:
                raise BadSignatureError("a map of the CBOR has a key twice, or one that is none")
            found[key] = self.value(depth + 1)
        return found
