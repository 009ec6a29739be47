"""Signatures of schema 1 manifests, of every kind, whole and tampered with."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.builders import sha256, write_files
from tests.builders.legacy import schema1, schema1_dir, steps_of
from tests.builders.signing import (
    ALGORITHMS,
    TIME,
    b64,
    certificate,
    jwk,
    key,
    key_id,
    signature,
    signed,
    with_signatures,
)
from tests.command import layout
from tests.converting import messages, refused, verified

STEPS = steps_of({"a": b"1"}, {"b": b"2"})
PAYLOAD = schema1(STEPS)


def lone(raw: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "manifest"
    path.write_bytes(raw)
    return path


def invalid(raw: bytes, tmp_path: Path, *words: str) -> None:
    """The signature is told to be invalid, with a reason; repack stops."""
    (message,) = messages(lone(raw, tmp_path), "signature-invalid")
    assert all(word in message for word in words), message
    source = write_files(schema1_dir(STEPS, raw), tmp_path / "in")
    refused(source, tmp_path / "to", "signature-invalid")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("chain", [False, True])
def test_valid(algorithm: str, chain: bool, tmp_path: Path) -> None:
    """The key, its id recomputed, the time, and what this proves."""
    mine = key(algorithm)
    path = lone(
        with_signatures(PAYLOAD, [signature(PAYLOAD, mine, algorithm, chain=chain)]), tmp_path
    )
    assert verified(path) == (0, {("note", "signature-valid")})
    (message,) = messages(path, "signature-valid")
    assert key_id(mine) in message
    assert TIME in message
    assert "not who signed" in message
    assert layout("verify", path, "--expect", sha256(PAYLOAD)).returncode == 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tampered_payload(algorithm: str, tmp_path: Path) -> None:
    """One letter, the length kept."""
    raw = signed(PAYLOAD, algorithm=algorithm)
    assert raw.count(b'"team/demo"') == 1
    invalid(raw.replace(b'"team/demo"', b'"evil/demo"'), tmp_path, key_id(key(algorithm)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signature_of_another_key(algorithm: str, tmp_path: Path) -> None:
    """The header names one key, and another has signed."""
    other = jwk(key(algorithm, 1))
    made = signature(PAYLOAD, key(algorithm), algorithm, header={"jwk": other})
    invalid(with_signatures(PAYLOAD, [made]), tmp_path, other["kid"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("change", ["flip", "short", "long", "empty", "zeros"])
def test_damaged_signature(algorithm: str, change: str, tmp_path: Path) -> None:
    made = signature(PAYLOAD, key(algorithm), algorithm)
    text = made["signature"]
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    changed = {
        "flip": bytes([data[0] ^ 1]) + data[1:],
        "short": data[:-1],
        "long": data + b"\0",
        "empty": b"",
        "zeros": bytes(len(data)),
    }[change]
    raw = with_signatures(PAYLOAD, [{**made, "signature": b64(changed)}])
    path = lone(raw, tmp_path)
    assert verified(path)[0] == 1
    assert len(messages(path, "signature-invalid")) == 1


HEADERS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "wrong kid": ("ES256", {"jwk": {**jwk(key()), "kid": key_id(key("ES256", 1))}}),
    "kid of no form": ("ES256", {"jwk": {**jwk(key()), "kid": 7}}),
    "RSA key for ES256": ("ES256", {"jwk": jwk(key("RS256"))}),
    "EC key for RS256": ("RS256", {"jwk": jwk(key("ES256"))}),
    "P-256 for ES384": ("ES256", {"alg": "ES384"}),
    "P-384 for ES256": ("ES384", {"alg": "ES256"}),
    "RS256 for RS512": ("RS256", {"alg": "RS512"}),
    "none": ("ES256", {"alg": "none"}),
    "HS256": ("ES256", {"alg": "HS256"}),
    "PS256": ("RS256", {"alg": "PS256"}),
    "lower case": ("ES256", {"alg": "es256"}),
    "alg is a list": ("ES256", {"alg": ["ES256"]}),
    "no alg": ("ES256", {"alg": None}),
    "no key": ("ES256", {"jwk": None}),
    "key is a text": ("ES256", {"jwk": "x"}),
    "empty key": ("ES256", {"jwk": {}}),
    "symmetric": ("ES256", {"jwk": {"kty": "oct", "k": "AAAA"}}),
    "other curve": ("ES256", {"jwk": {**jwk(key()), "crv": "secp256k1"}}),
    "no y": ("ES256", {"jwk": {k: v for k, v in jwk(key()).items() if k != "y"}}),
    "not on the curve": ("ES256", {"jwk": {**jwk(key()), "x": b64(bytes(31) + b"\1")}}),
    "x too large": ("ES256", {"jwk": {**jwk(key()), "x": b64(b"\xff" * 90)}}),
    "x is a number": ("ES256", {"jwk": {**jwk(key()), "x": 7}}),
    "x is not base64": ("ES256", {"jwk": {**jwk(key()), "x": "a=b"}}),
    "x beyond ASCII": ("ES256", {"jwk": {**jwk(key()), "x": "\u00e9\ud83d"}}),
    "RSA of nothing": ("RS256", {"jwk": {"kty": "RSA", "n": "", "e": "AQAB"}}),
    "RSA even exponent": ("RS256", {"jwk": {**jwk(key("RS256")), "e": "Ag", "kid": None}}),
    "RSA huge": ("RS256", {"jwk": {"kty": "RSA", "n": b64(b"\xff" * 4000), "e": "AQAB"}}),
    "RSA tiny": ("RS256", {"jwk": {"kty": "RSA", "n": b64(b"\xff\xff"), "e": "Aw"}}),
    "empty chain": ("ES256", {"jwk": None, "x5c": []}),
    "chain of numbers": ("ES256", {"jwk": None, "x5c": [7]}),
    "chain of garbage": ("ES256", {"jwk": None, "x5c": ["AAAA"]}),
    "chain is not base64": ("ES256", {"jwk": None, "x5c": ["\u00e9"]}),
}


@pytest.mark.parametrize("name", HEADERS)
def test_header(name: str, tmp_path: Path) -> None:
    """A header that does not go with its signature, or is none at all."""
    algorithm, header = HEADERS[name]
    made = signature(PAYLOAD, key(algorithm), algorithm)
    merged = {k: v for k, v in {**made["header"], **header}.items() if v is not None}
    if isinstance(merged.get("jwk"), dict):
        merged["jwk"] = {k: v for k, v in merged["jwk"].items() if v is not None}
    invalid(with_signatures(PAYLOAD, [{**made, "header": merged}]), tmp_path)


def _der(change: Callable[[bytes], bytes]) -> str:
    der = change(certificate(key()).public_bytes(Encoding.DER))
    return base64.b64encode(der).decode()


def _dsa() -> dsa.DSAPrivateKey:
    return dsa.generate_private_key(2048)


P256_OID = bytes.fromhex("2a8648ce3d030107")


@pytest.mark.parametrize(
    "change",
    [
        lambda der: der.replace(P256_OID, P256_OID[:-1] + b"\x06"),  # a curve nobody has
        lambda der: der.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209")),
        lambda der: der[:-40],
        lambda der: der + b"more",
        lambda der: der.replace(b"registry", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"),
    ],
    ids=["curve", "key type", "cut", "trailing", "name"],
)
def test_odd_certificate(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Whatever a certificate holds, the answer is a finding."""
    made = signature(PAYLOAD, key(), chain=True)
    made["header"]["x5c"] = [_der(change)]
    path = lone(with_signatures(PAYLOAD, [made]), tmp_path)
    done = layout("verify", path)
    assert done.returncode in (0, 1), done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("make", [ed25519.Ed25519PrivateKey.generate, _dsa])
def test_certificate_of_another_kind_of_key(make: Callable[[], Any], tmp_path: Path) -> None:
    """A kind of key that signs no manifests."""
    issuer = key()
    base = certificate(issuer)
    odd = (
        x509.CertificateBuilder(base.issuer, base.subject, make().public_key(), 1)
        .not_valid_before(base.not_valid_before_utc)
        .not_valid_after(base.not_valid_after_utc)
        .sign(issuer, base.signature_hash_algorithm)  # type: ignore[arg-type]
    )
    made = signature(PAYLOAD, issuer, chain=True)
    der = odd.public_bytes(Encoding.DER)
    made["header"]["x5c"] = [base64.b64encode(der).decode()]
    invalid(with_signatures(PAYLOAD, [made]), tmp_path, "neither")


def test_first_certificate_counts(tmp_path: Path) -> None:
    """The chain's first certificate holds the key (RFC 7515, 4.1.6)."""
    mine, other = key(), key("ES256", 1)
    ders = [
        base64.b64encode(certificate(each).public_bytes(Encoding.DER)).decode()
        for each in (mine, other)
    ]
    right = signature(PAYLOAD, mine, chain=True, header={"x5c": ders})
    assert verified(lone(with_signatures(PAYLOAD, [right]), tmp_path))[0] == 0
    wrong = signature(PAYLOAD, mine, chain=True, header={"x5c": ders[::-1]})
    invalid(with_signatures(PAYLOAD, [wrong]), tmp_path, key_id(other))


def test_small_rsa_key_still_verifies(tmp_path: Path) -> None:
    """Integrity is told of any key that does the sums."""
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505  weak on purpose
    path = lone(with_signatures(PAYLOAD, [signature(PAYLOAD, weak, "RS256")]), tmp_path)
    assert verified(path) == (0, {("note", "signature-valid")})


def test_several(tmp_path: Path) -> None:
    """One of each kind, all of one payload."""
    made = [signature(PAYLOAD, key(each), each) for each in ALGORITHMS]
    path = lone(with_signatures(PAYLOAD, made), tmp_path)
    assert verified(path)[0] == 0
    said = messages(path, "signature-valid")
    assert len(said) == len(ALGORITHMS)
    assert all(any(key_id(key(each)) in line for line in said) for each in ALGORITHMS)


def test_one_bad_among_several(tmp_path: Path) -> None:
    """One that does not hold is an error, whatever the others say."""
    made = [signature(PAYLOAD, key(each), each) for each in ALGORITHMS]
    made[3]["signature"] = made[4]["signature"]
    raw = with_signatures(PAYLOAD, made)
    path = lone(raw, tmp_path)
    assert len(messages(path, "signature-valid")) == len(ALGORITHMS) - 1
    invalid(raw, tmp_path, key_id(key(ALGORITHMS[3])))


def test_digest_is_of_the_payload(tmp_path: Path) -> None:
    """Signed again and again, it is the same manifest."""
    for number in range(2):
        raw = signed(PAYLOAD, key("ES256", number))
        assert raw != PAYLOAD
        done = layout("verify", lone(raw, tmp_path), "--json")
        (value,) = json.loads(done.stdout)["reports"]
        assert value["images"][0]["manifest"] == sha256(PAYLOAD)
