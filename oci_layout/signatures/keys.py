"""Public keys, and whether a signature was made with one. Imports ``cryptography``."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from oci_layout import limits
from oci_layout.counting import plural

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_RSA_LEAST = 2048  # notaryproject signature-specification.md, "Leaf Certificates"
_EXPONENT_BITS = 64  # as OpenSSL bounds it for large keys; 65537 has 17
_CURVES = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 512}  # hash that JOSE pairs each with
_HASHES: dict[int, hashes.HashAlgorithm] = {
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    512: hashes.SHA512(),
}


@attrs.frozen(kw_only=True, eq=False)
class Key:
    """A key that is trusted.

    Args:
        label: the file it came from.
        public: the key.
        certificate: that it was given as, or None; its dates count then.
    """

    label: str
    public: PublicKey
    certificate: x509.Certificate | None = None

    @property
    def hint(self) -> str:
        """What sigstore calls it: base64 of the sha256 of its DER."""
        return base64.b64encode(hashlib.sha256(_der(self.public)).digest()).decode()

    @property
    def id(self) -> str:
        """The sha256 of its DER, by which people compare keys."""
        return f"sha256:{hashlib.sha256(_der(self.public)).hexdigest()}"


class Message:
    """What was signed, hashed once whatever number of signatures and keys is tried.

    Args:
        data: its bytes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._hashed: dict[int, bytes] = {}

    def hashed(self, bits: int) -> bytes:
        """The hash of so many bits."""
        if bits not in self._hashed:
            self._hashed[bits] = hashlib.new(f"sha{bits}", self.data).digest()
        return self._hashed[bits]


def _der(key: PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def usable(key: object) -> PublicKey:
    """A key as it is, where it is of a kind and size that sign images.

    Raises:
        ValueError: it is not.
    """
    if isinstance(key, rsa.RSAPublicKey):
        if not _RSA_LEAST <= key.key_size <= limits.RSA_BITS:
            raise ValueError(
                f"an RSA key of {key.key_size} bits, where {_RSA_LEAST} to {limits.RSA_BITS} are "
                "taken"
            )
        if key.public_numbers().e.bit_length() > _EXPONENT_BITS:
            raise ValueError("an RSA key with an exponent that nobody uses")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise ValueError(f"a key on the curve {key.curve.name}, which signs no images")
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise ValueError("a key that is neither ECDSA, RSA nor Ed25519")


def read_key(der: bytes, *, pkcs1: bool = False) -> PublicKey:
    """A public key out of its DER: SubjectPublicKeyInfo, or PKCS #1 of RSA.

    Raises:
        ValueError: it is none that signs images.
    """
    if len(der) > limits.CERTIFICATE_BYTES:
        raise ValueError(f"a key of {plural(len(der), 'byte')}")
    try:
        if pkcs1:
            label = b"RSA PUBLIC KEY"
            body = base64.encodebytes(der)
            text = b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, body, label)
            return usable(serialization.load_pem_public_key(text))
        return usable(serialization.load_der_public_key(der))
    except UnsupportedAlgorithm as error:
        raise ValueError(f"a key that cannot be read: {error}") from error


def made_by(
    key: PublicKey,
    signature: bytes,
    message: Message,
    algorithms: tuple[str, ...] = (),
    *,
    raw_ecdsa: bool = False,
) -> bool:
    """Whether a key made a signature of a message.

    Args:
        key: the key.
        signature: its bytes.
        message: what is said to be signed.
        algorithms: of JOSE (RFC 7518, 3.1) that it may be of; empty for all that go with the key,
            since cosign states none (SIGNATURE_SPEC.md, "Signature Schemes").
        raw_ecdsa: whether ECDSA's numbers stand side by side and not in DER.
    """
    return any(
        _holds(key, signature, message, algorithm, raw_ecdsa=raw_ecdsa)
        for algorithm in _tried(key, algorithms)
    )


def _tried(key: PublicKey, algorithms: tuple[str, ...]) -> Iterator[str]:
    going: tuple[str, ...]
    if isinstance(key, rsa.RSAPublicKey):
        going = ("RS256", "PS256", "RS384", "PS384", "RS512", "PS512")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        # By the size of the curve, or SHA-256 whatever the curve: cosign has done both. Where an
        # algorithm is stated, it states the curve as well (RFC 7518, 3.4).
        own = f"ES{_CURVES[key.curve.name]}"
        going = (own,) if algorithms else tuple(dict.fromkeys((own, "ES256", "ES384", "ES512")))
    else:
        going = ("EdDSA",)
    for each in going:
        if not algorithms or each in algorithms:
            yield each


def _holds(
    key: PublicKey, signature: bytes, message: Message, algorithm: str, *, raw_ecdsa: bool
) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message.data)
            return True
        bits = int(algorithm[2:])
        digest, hashed = utils.Prehashed(_HASHES[bits]), message.hashed(bits)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(
                _in_der(key, signature) if raw_ecdsa else signature, hashed, ec.ECDSA(digest)
            )
        elif algorithm.startswith("RS"):
            key.verify(signature, hashed, padding.PKCS1v15(), digest)
        else:
            mask = padding.MGF1(_HASHES[bits])
            pss = padding.PSS(mask, salt_length=padding.PSS.AUTO)
            key.verify(signature, hashed, pss, digest)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _in_der(key: ec.EllipticCurvePublicKey, signature: bytes) -> bytes:
    """An ECDSA signature of JOSE or COSE (RFC 7518, 3.4; RFC 9053, 2.1) in DER."""
    size = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * size:
        raise ValueError("a signature of another length than its key's")
    r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    return utils.encode_dss_signature(r, s)
