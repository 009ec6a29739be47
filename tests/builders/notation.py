"""Sign images as Notation does (notaryproject signature-envelope-jws.md and -cose.md), and the
certificates for it. CBOR by hand: the package has a reader of its own to be held against it.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.builders.artifacts import Built
from tests.builders.image import go_json
from tests.builders.signatures import Private, manifest, private

NOTARY = "application/vnd.cncf.notary.signature"
CONTENT = "application/vnd.cncf.notary.payload.v1+json"
CODE = ExtendedKeyUsageOID.CODE_SIGNING
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
_COSE = {"ES256": -7, "ES384": -35, "ES512": -36, "PS256": -37, "PS384": -38, "PS512": -39}


def name(text: str) -> x509.Name:
    """A subject."""
    parts = [(NameOID.COUNTRY_NAME, "US"), (NameOID.ORGANIZATION_NAME, "Example")]
    return x509.Name(
        [x509.NameAttribute(oid, value) for oid, value in (*parts, (NameOID.COMMON_NAME, text))]
    )


def certificate(
    subject: str,
    key: Private,
    issuer: str,
    by: Private,
    *,
    ca: bool = False,
    depth: int | None = None,
    purposes: Sequence[ObjectIdentifier] = (CODE,),
    start: datetime.timedelta = -DAY,
    end: datetime.timedelta = 30 * DAY,
    signs: bool = True,
    extra: bytes = b"",
    oid: ObjectIdentifier | None = None,
    number: int | None = None,
    mail: str = "",
) -> x509.Certificate:
    """A certificate.

    Args:
        subject: whom it names.
        key: whose public half is in it.
        issuer: who signs it.
        by: with which key.
        ca: whether it is an authority's.
        depth: of authorities below it.
        purposes: of one that is none.
        start: of its validity, from now.
        end: likewise.
        signs: whether it may make signatures.
        extra: bytes in an extension that nobody knows.
        oid: of that extension, which is then there in any case.
        number: its serial number.
        mail: another name of whom it names.
    """
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(number or x509.random_serial_number())
        .not_valid_before(NOW + start)
        .not_valid_after(NOW + end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=depth), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=signs and not ca,
                content_commitment=not signs and not ca,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not ca and purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if mail:
        names = x509.SubjectAlternativeName([x509.RFC822Name(mail)])
        builder = builder.add_extension(names, critical=False)
    if extra or oid is not None:
        unknown = x509.UnrecognizedExtension(oid or ObjectIdentifier("1.2.3.4.5"), extra)
        builder = builder.add_extension(unknown, critical=False)
    return builder.sign(by, None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def authority(number: int = 90, *, subject: str = "root", **how: Any) -> x509.Certificate:
    """An authority that signs itself."""
    key = private("p256", number)
    return certificate(subject, key, subject, key, ca=True, **how)


def revoked(issuer: str, by: Private, *numbers: int) -> bytes:
    """A list of revoked certificates."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(name(issuer))
    builder = builder.last_update(NOW - DAY).next_update(NOW + DAY)
    for number in numbers:
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(NOW - DAY)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM)


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as PEM."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def der(*certificates: x509.Certificate) -> list[bytes]:
    """Certificates as DER."""
    return [each.public_bytes(Encoding.DER) for each in certificates]


def _algorithm(key: Private) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {256: "ES256", 384: "ES384", 521: "ES512"}[key.curve.key_size]
    return "PS256"


def _signature(key: Private, algorithm: str, message: bytes) -> bytes:
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert isinstance(key, rsa.RSAPrivateKey)
    mask = padding.MGF1(digest)
    return key.sign(message, padding.PSS(mask, padding.PSS.DIGEST_LENGTH), digest)


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor(value: Any) -> bytes:
    """A value as CBOR (RFC 8949, 3); a pair of a number and a value in a tuple is tagged."""
    if isinstance(value, tuple):
        return _head(6, value[0]) + cbor(value[1])
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    pairs = b"".join(cbor(key) + cbor(item) for key, item in value.items())
    return _head(5, len(value)) + pairs


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major * 32 + number])
    size = next(size for size in (1, 2, 4, 8) if number < 256**size)
    return bytes([major * 32 + 23 + size.bit_length()]) + number.to_bytes(size, "big")


def notation(
    target: Mapping[str, Any],
    key: Private,
    chain: Sequence[bytes],
    *,
    form: str = "jws",
    at: Mapping[str, Any] | None = None,
    expires: datetime.timedelta | None = None,
    claims: Mapping[str, str] | None = None,
    header: Mapping[str, Any] | None = None,
    payload: bytes | None = None,
    change: bytes = b"",
) -> Built:
    """A signature of Notation.

    Args:
        target: descriptor of what is signed.
        key: that signs.
        chain: DER certificates, the signer's first.
        form: ``jws`` or ``cose``.
        at: descriptor of what it is attached to, where that is another.
        expires: from now.
        claims: metadata that is signed along.
        header: laid over the protected header.
        payload: another one.
        change: what the payload becomes after it was signed.
    """
    lean: dict[str, Any] = {field: target[field] for field in ("mediaType", "digest", "size")}
    if claims:
        lean["annotations"] = dict(claims)
    said = go_json({"targetArtifact": lean}) if payload is None else payload
    algorithm = _algorithm(key)
    critical = ["io.cncf.notary.signingScheme"]
    protected: dict[str, Any] = {"io.cncf.notary.signingScheme": "notary.x509"}
    if expires is not None:
        critical.append("io.cncf.notary.expiry")
        when = NOW + expires
        stamp: Any = when.isoformat() if form == "jws" else (1, int(when.timestamp()))
        protected["io.cncf.notary.expiry"] = stamp
    if form == "jws":
        protected = {"alg": algorithm, "cty": CONTENT, "crit": critical, **protected}
        words = _b64url(json.dumps({**protected, **(header or {})}).encode())
        signed = f"{words}.{_b64url(said)}".encode()
        listed = [base64.b64encode(each).decode() for each in chain]
        raw = go_json(
            {
                "payload": _b64url(change or said),
                "protected": words,
                "header": {"x5c": listed, "io.cncf.notary.signingAgent": "tests"},
                "signature": _b64url(_signature(key, algorithm, signed)),
            }
        )
        kind = "application/jose+json"
    else:
        in_cose: dict[Any, Any] = {1: _COSE[algorithm], 2: critical, 3: CONTENT, **protected}
        in_cose |= header or {}
        words_raw = cbor(in_cose)
        signed = cbor(["Signature1", words_raw, b"", said])
        made = _signature(key, algorithm, signed)
        unprotected = {33: list(chain) if len(chain) != 1 else chain[0]}
        raw = cbor((18, [words_raw, unprotected, change or said, made]))
        kind = "application/cose"
    prints = [hashlib.sha256(each).hexdigest() for each in chain]
    subject = {field: (at or target)[field] for field in ("mediaType", "digest", "size")}
    notes = {"io.cncf.notary.x509chain.thumbprint#S256": json.dumps(prints)}
    return manifest([(raw, kind, {})], artifact_type=NOTARY, subject=subject, annotations=notes)
