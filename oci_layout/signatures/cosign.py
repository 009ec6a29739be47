"""cosign's signatures in an image manifest: a payload for each, its signature in an annotation.

sigstore/cosign specs/SIGNATURE_SPEC.md, "OCI Image Manifest V1" and "Simple Signing";
specs/ATTESTATION_SPEC.md for envelopes in the same place.
"""

from __future__ import annotations

from collections.abc import Mapping

from oci_layout.model.fields import canonical
from oci_layout.signatures.pem import certificates_of
from oci_layout.signatures.policy import SignatureType
from oci_layout.signatures.reading import base64_of, member, read_object, texts
from oci_layout.signatures.values import BadSignatureError, Proof, Signed

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_CHAIN = "dev.sigstore.cosign/chain"
_TYPE = "cosign container image signature"
_CRITICAL = frozenset({"identity", "image", "type"})
_DIGEST = "docker-manifest-digest"


def carried_chain(annotations: Mapping[str, str]) -> tuple[bytes, ...]:
    """The certificates that stand in the annotations of a payload, the signer's first.

    Raises:
        BadSignatureError: what stands there is no certificate.
    """
    if not annotations.get(_CERTIFICATE):
        return ()
    text = annotations[_CERTIFICATE] + "\n" + annotations.get(_CHAIN, "")
    return certificates_of(text.encode())


def read_payload(raw: bytes, annotations: Mapping[str, str]) -> Signed:
    """One signature.

    Args:
        raw: the payload, which is what was signed, byte for byte.
        annotations: of its descriptor.

    Raises:
        BadSignatureError: it is none.
    """
    value = canonical(read_object(raw, "the payload"), frozenset({"critical", "optional"}))
    critical = canonical(member(value, "critical", dict, "the payload"), _CRITICAL)
    if critical.get("type") != _TYPE:
        raise BadSignatureError(f"the payload is of the type {str(critical.get('type'))[:60]!r}")
    image = canonical(member(critical, "image", dict, "the payload"), frozenset({_DIGEST}))
    digest = member(image, _DIGEST, str, "the payload")
    return Signed(
        type=SignatureType.COSIGN,
        names=(digest,),
        proofs=(
            Proof(
                signature=base64_of(annotations.get(_SIGNATURE), f"the annotation {_SIGNATURE}"),
                message=raw,
                chain=carried_chain(annotations),
            ),
        ),
        claims=texts(value.get("optional")),
    )
