"""Signatures of Notation: a JWS or COSE envelope around the descriptor of an image.

notaryproject signature-specification.md ("Payload", "Signed Attributes"),
signature-envelope-jws.md, signature-envelope-cose.md. What an envelope says of a time is not proved
without a timestamp, so certificates must be valid now.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from oci_layout.model.gotypes import second_of
from oci_layout.signatures import cbor
from oci_layout.signatures.policy import SignatureType
from oci_layout.signatures.reading import (
    base64_of,
    base64url_of,
    member,
    read_object,
    texts,
)
from oci_layout.signatures.values import BadSignatureError, Proof, Signed

ARTIFACT_TYPE = "application/vnd.cncf.notary.signature"
JWS_TYPE, COSE_TYPE = "application/jose+json", "application/cose"
ENVELOPE_TYPES = (JWS_TYPE, COSE_TYPE)
_PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
_OURS = "io.cncf.notary."
_SCHEMES = ("notary.x509", "notary.x509.signingAuthority")
_KNOWN = {f"{_OURS}{name}" for name in ("signingScheme", "authenticSigningTime", "expiry")}
_JOSE = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
# RFC 9053, 2.1, and RFC 8230, 2.
_COSE = {-7: "ES256", -35: "ES384", -36: "ES512", -37: "PS256", -38: "PS384", -39: "PS512"}
_COSE_SIGN1 = 18  # RFC 9052, 2
_CHAIN_LABEL = 33  # x5chain, RFC 9360, 2


def read_envelope(raw: bytes, media_type: str) -> Signed:
    """A signature of Notation.

    Args:
        raw: the envelope.
        media_type: which of the two it is.

    Raises:
        BadSignatureError: it is none.
    """
    return _jws(raw) if media_type == JWS_TYPE else _cose(raw)


def _jws(raw: bytes) -> Signed:
    value = read_object(raw, "the envelope")
    protected = member(value, "protected", str, "the envelope")
    payload = member(value, "payload", str, "the envelope")
    header = read_object(base64url_of(protected, "the protected header"), "the protected header")
    listed = member(member(value, "header", dict, "the envelope"), "x5c", list, "the envelope")
    chain = tuple(base64_of(each, "a certificate of the envelope") for each in listed)
    algorithm = header.get("alg")
    if algorithm not in _JOSE:
        raise BadSignatureError(f"the algorithm {str(algorithm)[:40]!r}, which Notation has not")
    return _signed(
        header,
        {"content": header.get("cty"), "critical": header.get("crit")},
        payload=base64url_of(payload, "the payload"),
        message=f"{protected}.{payload}".encode(),  # RFC 7515, 5.1
        signature=base64url_of(value.get("signature"), "the signature"),
        algorithm=str(algorithm),
        chain=chain,
    )


def _cose(raw: bytes) -> Signed:
    value = cbor.decode(raw)
    if not isinstance(value, cbor.Tag) or value.number != _COSE_SIGN1:
        raise BadSignatureError("the envelope is no COSE_Sign1")
    parts = value.value
    if not isinstance(parts, list) or list(map(type, parts)) != [bytes, dict, bytes, bytes]:
        raise BadSignatureError("the envelope is no COSE_Sign1")
    protected, unprotected, payload, signature = parts
    header = cbor.decode(protected)
    if not isinstance(header, dict):
        raise BadSignatureError("the protected header is no map")
    found = unprotected.get(_CHAIN_LABEL)
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(each, bytes) for each in listed):
        raise BadSignatureError("the envelope has no certificates")
    algorithm = header.get(1)
    if not isinstance(algorithm, int) or algorithm not in _COSE:
        raise BadSignatureError(f"the algorithm {str(algorithm)[:40]}, which Notation has not")
    return _signed(
        header,
        {"content": header.get(3), "critical": header.get(2)},
        payload=payload,
        message=cbor.encode_array(  # RFC 9052, 4.4
            cbor.encode_text("Signature1"),
            cbor.encode_bytes(protected),
            cbor.encode_bytes(b""),
            cbor.encode_bytes(payload),
        ),
        signature=signature,
        algorithm=_COSE[algorithm],
        chain=tuple(listed),
    )


def _signed(
    header: Mapping[Any, Any],
    common: Mapping[str, Any],
    *,
    payload: bytes,
    message: bytes,
    signature: bytes,
    algorithm: str,
    chain: tuple[bytes, ...],
) -> Signed:
    """A signature out of what both envelopes have."""
    if common["content"] != _PAYLOAD_TYPE:
        raise BadSignatureError(f"the payload is of the type {str(common['content'])[:60]!r}")
    if header.get(f"{_OURS}signingScheme") not in _SCHEMES:
        raise BadSignatureError("the signing scheme is none of Notation's")
    critical = common["critical"]
    if not isinstance(critical, list) or f"{_OURS}signingScheme" not in critical:
        raise BadSignatureError("the signing scheme is not marked as critical")
    unknown = [each for each in critical if each not in _KNOWN]
    if unknown:  # "Signed Attributes": who does not know a critical one must refuse
        raise BadSignatureError(f"the critical attribute {str(unknown[0])[:60]!r} is not known")
    if not chain:
        raise BadSignatureError("the envelope has no certificates")
    target = member(read_object(payload, "the payload"), "targetArtifact", dict, "the payload")
    return Signed(
        type=SignatureType.NOTATION,
        names=(member(target, "digest", str, "the payload"),),
        proofs=(
            Proof(
                signature=signature,
                message=message,
                algorithms=(algorithm,),
                chain=chain,
                raw_ecdsa=True,
            ),
        ),
        claims=texts(target.get("annotations")),
        expires=_time(header.get(f"{_OURS}expiry")),
    )


def _time(value: object) -> datetime.datetime | None:
    """A time as JWS (RFC 3339) or COSE (tag 1, seconds) writes it; None where there is none.

    Raises:
        BadSignatureError: it is none.
    """
    if value is None:
        return None
    try:
        if isinstance(value, cbor.Tag) and value.number == 1 and isinstance(value.value, int):
            return datetime.datetime.fromtimestamp(value.value, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        pass
    found = second_of(value) if isinstance(value, str) else None
    if found is not None:
        return found
    raise BadSignatureError("the time of expiry cannot be read")
