"""Signatures of schema 1 manifests: JSON Web Signatures with the key inside (RFC 7515, libtrust).

Needs the package ``cryptography``, an optional extra. A key that the document itself carries
proves that nobody changed the document since, not who signed it.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from oci_layout.counting import plural
from oci_layout.model import gojson
from oci_layout.model.schema1 import Schema1, Signature, decode_base64url
from oci_layout.pythons import base64_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_ALGORITHMS = {
    "ES256": ("P-256", 256),
    "ES384": ("P-384", 384),
    "ES512": ("P-521", 512),
    "RS256": ("RSA", 256),
    "RS384": ("RSA", 384),
    "RS512": ("RSA", 512),
}
_CURVE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}
_RSA_BITS_MAX = 16384


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Checked:
    """What came of one signature.

    Args:
        valid: whether it is of the payload and made with its key.
        key_id: libtrust's id of the key; empty when there is no usable key.
        time: when the signature says it was made.
        trusted: whether the key is one that the caller trusts.
        reason: why it is not valid; empty when it is.
    """

    valid: bool
    key_id: str
    time: str
    trusted: bool
    reason: str = ""


def available() -> bool:
    """Whether signatures can be checked here."""
    return importlib.util.find_spec("cryptography") is not None


def key_id(key: PublicKey) -> str:
    """Libtrust's id: base32 of the first 240 bits of the sha256 of the DER key, in fours."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  an optional extra

    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


def load_trusted(text: bytes, label: str) -> PublicKey:
    """A public key that the caller trusts: PEM (a key or a certificate) or a JWK.

    Args:
        text: the file's content.
        label: its name, for messages.

    Raises:
        ValueError: neither, or a kind of key that signs no manifests.
    """
    import json  # noqa: PLC0415  only for keys

    from cryptography import x509  # noqa: PLC0415  an optional extra
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  likewise
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  likewise

    try:
        if text.lstrip().startswith(b"{"):
            return _from_jwk(json.loads(text))
        if b"BEGIN CERTIFICATE" in text:
            return _usable(x509.load_pem_x509_certificate(text).public_key())
        return _usable(serialization.load_pem_public_key(text))
    except (ValueError, TypeError, KeyError, RecursionError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{label} is no PEM or JWK public key: {error}") from error


def check(manifest: Schema1, trusted: Sequence[PublicKey] = ()) -> list[Checked]:
    """Check every signature of a manifest.

    Args:
        manifest: as read.
        trusted: keys that prove identity.
    """
    known = {key_id(key) for key in trusted}
    done: dict[tuple[str, bytes, str], Checked] = {}
    results = []
    for signature in manifest.signatures:
        same = signature.protected, signature.signature, gojson.encode(signature.header)
        if same not in done:
            done[same] = _check(signature, manifest.payload, known)
        results.append(done[same])
    return results


def _check(signature: Signature, payload: bytes, known: set[str]) -> Checked:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  an optional extra

    identity = ""
    try:
        key = _key(signature.header)
        identity = key_id(key)
        stated = signature.header.get("jwk")
        kid = stated.get("kid") if isinstance(stated, dict) else None
        if kid is not None and kid != identity:
            raise ValueError(f"the key's id is {identity}, the header says {str(kid)[:80]}")
        _verify(key, signature, payload)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm) as error:
        return Checked(
            valid=False,
            key_id=identity,
            time=signature.time,
            trusted=False,
            reason=str(error) or type(error).__name__,
        )
    return Checked(valid=True, key_id=identity, time=signature.time, trusted=identity in known)


def _key(header: dict[str, Any]) -> PublicKey:
    jwk = header.get("jwk")
    if isinstance(jwk, dict):
        return _from_jwk(jwk)
    chain = header.get("x5c")
    if isinstance(chain, list) and chain and isinstance(chain[0], str):
        from cryptography import x509  # noqa: PLC0415  an optional extra

        der = base64_bytes(chain[0])
        return _usable(x509.load_der_x509_certificate(der).public_key())
    raise ValueError("there is neither jwk nor x5c")


def _from_jwk(jwk: dict[str, Any]) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415  an extra

    def number(name: str) -> int:
        value = jwk[name]
        if not isinstance(value, str):
            raise TypeError(f"{name} is not a string")
        return int.from_bytes(decode_base64url(value), "big")

    if jwk.get("kty") == "EC":
        curves: dict[object, ec.EllipticCurve] = {
            "P-256": ec.SECP256R1(),
            "P-384": ec.SECP384R1(),
            "P-521": ec.SECP521R1(),
        }
        curve = curves.get(jwk.get("crv"))
        if curve is None:
            raise ValueError(f"the curve {str(jwk.get('crv'))[:40]!r} is not supported")
        return ec.EllipticCurvePublicNumbers(number("x"), number("y"), curve).public_key()
    if jwk.get("kty") == "RSA":
        return _usable(rsa.RSAPublicNumbers(number("e"), number("n")).public_key())
    raise ValueError(f"the key type {str(jwk.get('kty'))[:40]!r} is not supported")


def _usable(key: object) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415  an extra

    if isinstance(key, rsa.RSAPublicKey) and key.key_size > _RSA_BITS_MAX:
        raise ValueError(f"an RSA key of {key.key_size} bits")
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise TypeError("neither an elliptic curve key nor an RSA key")
    return key


def _verify(key: PublicKey, signature: Signature, payload: bytes) -> None:
    """Raise ValueError unless the signature is of the payload and made with the key."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  an optional extra
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  likewise
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: PLC0415

    algorithm = signature.header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise ValueError(f"the algorithm {str(algorithm)[:40]!r} is not supported")
    kind, bits = _ALGORITHMS[algorithm]
    digest = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}[bits]
    body = base64.urlsafe_b64encode(payload).rstrip(b"=")
    signed = signature.protected.encode() + b"." + body
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if kind != "RSA":
                raise ValueError(f"{algorithm} needs an elliptic curve key")
            key.verify(signature.signature, signed, padding.PKCS1v15(), digest)
            return
        curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        if curve.get(key.curve.name) != kind:
            raise ValueError(f"{algorithm} does not go with a key on {key.curve.name}")
        half = _CURVE_BYTES[kind]
        if len(signature.signature) != 2 * half:
            raise ValueError(
                f"{plural(len(signature.signature), 'byte')}, where {algorithm} has {2 * half}"
            )
        r = int.from_bytes(signature.signature[:half], "big")
        s = int.from_bytes(signature.signature[half:], "big")
        der = utils.encode_dss_signature(r, s)
        key.verify(der, signed, ec.ECDSA(digest))
    except InvalidSignature as error:
        raise ValueError("it is not a signature of this payload") from error
