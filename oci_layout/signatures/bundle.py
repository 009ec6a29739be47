"""Sigstore bundles, as cosign 3 attaches them, and envelopes, as cosign did before.

sigstore/protobuf-specs protos/sigstore_bundle.proto; sigstore/cosign specs/BUNDLE_SPEC.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oci_layout.signatures.cosign import carried_chain
from oci_layout.signatures.dsse import Envelope, read_envelope
from oci_layout.signatures.policy import SignatureType
from oci_layout.signatures.reading import base64_of, member, read_object
from oci_layout.signatures.statement import SIGNATURE_PREDICATE, STATEMENT_TYPE, read_statement
from oci_layout.signatures.values import BadSignatureError, Proof, Signed

BUNDLE_TYPES = "application/vnd.dev.sigstore.bundle"


def read_bundle(raw: bytes) -> Signed:
    """What a bundle holds: a signature of the image itself, or a signed statement.

    Args:
        raw: the JSON of the bundle.

    Raises:
        BadSignatureError: it is none.
    """
    value = read_object(raw, "the bundle")
    if not str(value.get("mediaType", "")).startswith(BUNDLE_TYPES):
        raise BadSignatureError(f"a bundle of the type {str(value.get('mediaType'))[:60]!r}")
    material = member(value, "verificationMaterial", dict, "the bundle")
    hint, chain = _signer(material)
    if isinstance(value.get("dsseEnvelope"), dict):
        envelope = read_envelope(value["dsseEnvelope"], hint=hint, chain=chain)
        return _of_statement(envelope, SignatureType.BUNDLE, raw)
    message = member(value, "messageSignature", dict, "the bundle")
    signature = base64_of(message.get("signature"), "the signature of the bundle")
    return Signed(
        type=SignatureType.BUNDLE,
        names=(),
        proofs=(Proof(signature=signature, message=None, hint=hint, chain=chain),),
        bundle=raw,
    )


def read_attestation(raw: bytes, annotations: Mapping[str, str]) -> Signed:
    """What an envelope holds that lies under a ``.att`` tag.

    Args:
        raw: the JSON of the envelope.
        annotations: of its descriptor, which may hold certificates.

    Raises:
        BadSignatureError: it is none.
    """
    value = read_object(raw, "the envelope")
    envelope = read_envelope(value, chain=carried_chain(annotations))
    return _of_statement(envelope, SignatureType.COSIGN, b"")


def _of_statement(envelope: Envelope, type_: SignatureType, raw: bytes) -> Signed:
    if envelope.payload_type != STATEMENT_TYPE:
        raise BadSignatureError(f"an envelope around {envelope.payload_type[:60]!r}")
    statement = read_statement(envelope.payload)
    plain = statement.predicate_type == SIGNATURE_PREDICATE
    return Signed(
        type=type_,
        names=statement.digests,
        proofs=envelope.proofs,
        claims=statement.claims,
        predicate_type="" if plain else statement.predicate_type,
        predicate=statement.predicate,
        bundle=raw,
    )


def _signer(material: dict[str, Any]) -> tuple[str, tuple[bytes, ...]]:
    """Which key is said to have signed, and the certificates that say whose it is."""
    key = material.get("publicKey")
    if isinstance(key, dict):
        return str(key.get("hint") or "")[:200], ()
    listed: list[Any] = [material.get("certificate")]
    if listed == [None]:
        chain = material.get("x509CertificateChain")
        found = chain.get("certificates") if isinstance(chain, dict) else None
        listed = found if isinstance(found, list) else []
    if not listed:
        raise BadSignatureError("the bundle says neither a key nor a certificate")
    raw = (each.get("rawBytes") if isinstance(each, dict) else None for each in listed)
    return "", tuple(base64_of(each, "a certificate of the bundle") for each in raw)
