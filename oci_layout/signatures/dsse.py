"""DSSE envelopes (secure-systems-lab/dsse, envelope.md, protocol.md)."""

from __future__ import annotations

from typing import Any

import attrs

from oci_layout import limits
from oci_layout.counting import plural
from oci_layout.signatures.reading import base64_of, member
from oci_layout.signatures.values import BadSignatureError, Proof

ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"


@attrs.frozen(kw_only=True, eq=False)
class Envelope:
    """An envelope.

    Args:
        payload: the bytes inside.
        payload_type: what they are.
        proofs: of each signature.
    """

    payload: bytes
    payload_type: str
    proofs: tuple[Proof, ...]


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the type and the payload with their lengths (protocol.md, "PAE")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def read_envelope(
    value: dict[str, Any], *, hint: str = "", chain: tuple[bytes, ...] = ()
) -> Envelope:
    """An envelope out of its JSON.

    Args:
        value: the object.
        hint: which key is said to have signed.
        chain: certificates that stand beside it.

    Raises:
        BadSignatureError: it is none.
    """
    payload_type = member(value, "payloadType", str, "the envelope")
    payload = base64_of(value.get("payload"), "the payload of the envelope")
    listed = member(value, "signatures", list, "the envelope")
    if not listed or len(listed) > limits.SIGNATURES:
        raise BadSignatureError(f"an envelope with {plural(len(listed), 'signature')}")
    message = signed_bytes(payload_type, payload)
    proofs = tuple(
        Proof(
            signature=base64_of(
                each.get("sig") if isinstance(each, dict) else None, "a signature of the envelope"
            ),
            message=message,
            hint=hint,
            chain=chain,
        )
        for each in listed
    )
    return Envelope(payload=payload, payload_type=payload_type, proofs=proofs)
