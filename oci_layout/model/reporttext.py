"""Reports as text: JSON in ASCII, as it is printed and written."""

from __future__ import annotations

import math
import re
from typing import Any

from oci_layout.model import gojson
from oci_layout.plain import plain, shallow

_DIGITS_BITS = 14_000  # of an integer that Python still writes in digits
_BETWEEN = re.compile(r"\n *")  # no text has a line end: it is an escape there


def json_text(value: Any) -> str:
    """A value or a report as JSON in ASCII, without a character that a terminal would obey.

    Numbers that JSON or its readers do not know come out as text.
    """
    try:
        text = gojson.show(value, told=shallow)
    except (TypeError, ValueError):
        text = gojson.show(_finite(plain(value)))
    return text.replace("\x7f", "\\u007f")


def on_one_line(text: str) -> str:
    """JSON as ``json_text`` writes it, without the line ends between its values."""
    return _BETWEEN.sub("", text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int) and value.bit_length() > _DIGITS_BITS:
        return f"an integer of {value.bit_length()} bits"
    return value
