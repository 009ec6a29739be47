"""Sign documents as libtrust does (docker/libtrust, jsonsign.go)."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CURVES: dict[str, tuple[str, type[ec.EllipticCurve], int]] = {
    "ES256": ("P-256", ec.SECP256R1, 32),
    "ES384": ("P-384", ec.SECP384R1, 48),
    "ES512": ("P-521", ec.SECP521R1, 66),
}
ALGORITHMS = (*CURVES, "RS256", "RS384", "RS512")
TIME = "2016-05-04T06:28:51Z"


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def key(algorithm: str = "ES256", number: int = 0) -> Private:
    """A private key for an algorithm; other numbers give others."""
    return _key(algorithm, number)


@cache
def _key(algorithm: str, number: int) -> Private:
    del number
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm][1]())
    return rsa.generate_private_key(65537, 2048)


def key_id(private: Private) -> str:
    """Libtrust's id: the first 30 bytes of the sha256 of the DER key, in base32, in fours."""
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[at : at + 4] for at in range(0, 48, 4))


def jwk(private: Private) -> dict[str, str]:
    """The public key as JSON."""
    public = private.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        curve, _, size = next(each for each in CURVES.values() if isinstance(public.curve, each[1]))
        numbers = public.public_numbers()
        value = {"kty": "EC", "crv": curve}
        value |= {"x": _number(numbers.x, size), "y": _number(numbers.y, size)}
    else:
        modulus = public.public_numbers()
        value = {"kty": "RSA", "n": _number(modulus.n), "e": _number(modulus.e)}
    return {**value, "kid": key_id(private)}


def pem(private: Private) -> bytes:
    """The public key as PEM."""
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate(private: Private) -> x509.Certificate:
    """A certificate of the key, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry.example.com")])
    day = datetime.datetime(2016, 1, 1, tzinfo=datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=36500))
        .sign(private, hashes.SHA256())
    )


def raw_signature(private: Private, algorithm: str, data: bytes) -> bytes:
    """The signature's bytes as JOSE has them: `r || s`, or PKCS #1."""
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), digest)
    size = (private.curve.key_size + 7) // 8
    r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def signature(
    payload: bytes,
    private: Private,
    algorithm: str = "ES256",
    *,
    header: Mapping[str, Any] | None = None,
    protected: Mapping[str, Any] | None = None,
    chain: bool = False,
) -> dict[str, Any]:
    """One signature of a document.

    Args:
        header: fields laid over the header.
        protected: fields laid over the protected header.
        chain: put a certificate into the header, not a key.
    """
    cut = payload.rindex(b"\n}")
    told = {"formatLength": cut, "formatTail": b64(payload[cut:]), "time": TIME}
    words = b64(json.dumps({**told, **(protected or {})}).encode())
    data = f"{words}.{b64(payload)}".encode()
    if chain:
        der = certificate(private).public_bytes(Encoding.DER)
        who: dict[str, Any] = {"x5c": [base64.b64encode(der).decode()]}
    else:
        who = {"jwk": jwk(private)}
    return {
        "header": {"alg": algorithm, **who, **(header or {})},
        "signature": b64(raw_signature(private, algorithm, data)),
        "protected": words,
    }


def with_signatures(payload: bytes, signatures: Sequence[Mapping[str, Any]]) -> bytes:
    """The document with signatures put in before its closing brace."""
    cut = payload.rindex(b"\n}")
    return payload[:cut] + b',\n   "signatures": ' + json.dumps(signatures).encode() + b"\n}"


def signed(payload: bytes, private: Private | None = None, algorithm: str = "ES256") -> bytes:
    """The document with one signature."""
    return with_signatures(payload, [signature(payload, private or key(algorithm), algorithm)])
