"""What newer versions of Python have themselves, for all of those that the package runs on."""

from __future__ import annotations

import binascii
import enum
import re
import sys


class StrEnum(str, enum.Enum):
    """Words that are texts: ``enum.StrEnum``, which came with Python 3.11."""

    __str__ = str.__str__


_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def base64_bytes(text: str) -> bytes:
    """The bytes that a text in base64 stands for; each version passes over other faults by itself.

    Args:
        text: padded; nothing else stands between its characters.

    Raises:
        ValueError: it is none.
    """
    if len(text) % 4 or not _BASE64.fullmatch(text):
        raise ValueError("not base64")
    return binascii.a2b_base64(text)


if sys.version_info >= (3, 11):

    def base64_quickly(data: bytes) -> bytes:
        """The same of many short ones, where Python itself refuses what is none: twice as quick.

        Args:
            data: a text in base64.

        Raises:
            ValueError: it is none.
        """
        if len(data) % 4 or data.endswith(b"==="):  # padding that is too much it takes
            raise ValueError("not base64")
        return binascii.a2b_base64(data, strict_mode=True)
else:

    def base64_quickly(data: bytes) -> bytes:
        """The same of many short ones.

        Args:
            data: a text in base64.

        Raises:
            ValueError: it is none.
        """
        return base64_bytes(data.decode("ascii"))
