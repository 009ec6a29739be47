"""Blocks of PEM (RFC 7468) by their labels; what is in them is not looked at here."""

from __future__ import annotations

import re

from oci_layout.pythons import base64_bytes
from oci_layout.signatures.values import BadSignatureError

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----")


def blocks(text: bytes) -> list[tuple[str, bytes]]:
    """The labels and bytes of all blocks of a text, in order.

    Args:
        text: a file of PEM; what stands between blocks is for people.

    Raises:
        BadSignatureError: a block is not base64.
    """
    found = []
    for match in _BLOCK.finditer(text):
        try:
            data = base64_bytes(b"".join(match[2].split()).decode())
        except ValueError:
            raise BadSignatureError("a PEM block that is not base64") from None
        found.append((match[1].decode(), data))
    return found


def certificates_of(text: bytes) -> tuple[bytes, ...]:
    """The DER certificates of a text that must hold some.

    Raises:
        BadSignatureError: there is none.
    """
    found = tuple(data for label, data in blocks(text) if label == "CERTIFICATE")
    if not found:
        raise BadSignatureError("there is no certificate where one is promised")
    return found
