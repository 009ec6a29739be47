"""JSON and base64 of signature objects, read strictly and within bounds."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.signatures.values import BadSignatureError
from oci_layout.where import Where


def read_object(raw: bytes, what: str) -> dict[str, Any]:
    """A JSON object that every reader reads alike: no key twice, UTF-8, bounded.

    Args:
        raw: the text.
        what: it is, for messages.

    Raises:
        BadSignatureError: it is none.
    """
    findings = Findings()
    value = jsontext.parse(raw, Where(), findings)
    if findings.errors:
        raise BadSignatureError(f"{what}: {findings.errors[0].message}")
    if not isinstance(value, dict):
        raise BadSignatureError(f"{what} is no JSON object")
    return value


def member(value: dict[str, Any], name: str, kind: type, what: str) -> Any:
    """A field of an object, which must be there and of a type.

    Raises:
        BadSignatureError: it is not.
    """
    found = value.get(name)
    if not isinstance(found, kind):
        raise BadSignatureError(f"{what} has no {name} that can be read")
    return found


def base64_of(text: object, what: str) -> bytes:
    """The bytes of a base64 text (RFC 4648, 4), which may lack its padding.

    Raises:
        BadSignatureError: it is none.
    """
    return _decoded(text, what, None)


def base64url_of(text: object, what: str) -> bytes:
    """The bytes of a base64url text (RFC 4648, 5), which may lack its padding.

    Raises:
        BadSignatureError: it is none.
    """
    return _decoded(text, what, b"-_")


def _decoded(text: object, what: str, others: bytes | None) -> bytes:
    if not isinstance(text, str) or not text:
        raise BadSignatureError(f"{what} is not there")
    try:
        raw = text.encode("ascii").rstrip(b"=")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=others, validate=True)
    except (ValueError, binascii.Error):
        raise BadSignatureError(f"{what} is not base64") from None


def texts(value: object) -> dict[str, str]:
    """The members of an object that are texts; nothing of what is no object."""
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if isinstance(item, str)}
