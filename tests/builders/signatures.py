"""Sign images as cosign does, before version 3 and since (SIGNATURE_SPEC.md, BUNDLE_SPEC.md)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.builders.artifacts import EMPTY_TYPE, Built
from tests.builders.image import CONFIG_TYPE, MANIFEST_TYPE, go_json, hex_of, sha256
from tests.builders.layout import name_annotations

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KINDS = ("p256", "p384", "p521", "rsa", "rsa-pss", "ed25519")
PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
STATEMENT = "application/vnd.in-toto+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"
SLSA, SLSA1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
SPDX, CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"


@cache
def private(kind: str = "p256", number: int = 0) -> Private:
    """A private key of a kind; other numbers give others."""
    del number
    curves: dict[str, type[ec.EllipticCurve]] = {
        "p256": ec.SECP256R1,
        "p384": ec.SECP384R1,
        "p521": ec.SECP521R1,
    }
    if kind in curves:
        return ec.generate_private_key(curves[kind]())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    bits = int(kind.removeprefix("rsa").lstrip("-") or 2048) if kind != "rsa-pss" else 2048
    return rsa.generate_private_key(65537, bits)


def public_pem(key: Private, *, pkcs1: bool = False) -> bytes:
    """The public key as PEM: SubjectPublicKeyInfo, or PKCS #1 of RSA."""
    form = PublicFormat.PKCS1 if pkcs1 else PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form)


def hint(key: Private) -> str:
    """What a bundle calls a key."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def raw_sign(key: Private, message: bytes, *, pss: bool = False, bits: int = 0) -> bytes:
    """A signature as cosign makes it: SHA-256, unless other bits are asked for."""
    digest = {0: hashes.SHA256(), 256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(digest[bits]))
    if pss:
        mask = padding.MGF1(digest[bits])
        return key.sign(message, padding.PSS(mask, padding.PSS.DIGEST_LENGTH), digest[bits])
    return key.sign(message, padding.PKCS1v15(), digest[bits])


def b64(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def manifest(
    blobs: Sequence[tuple[bytes, str, Mapping[str, str]]],
    *,
    config: tuple[bytes, str] = (b"{}", EMPTY_TYPE),
    artifact_type: str = "",
    subject: Mapping[str, Any] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Built:
    """A manifest of blobs, each with its type and annotations."""
    value: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE["oci"]}
    data, kind = config
    value["config"] = {"mediaType": kind, "digest": sha256(data), "size": len(data)}
    value["layers"] = [
        {
            "mediaType": media_type,
            "digest": sha256(raw),
            "size": len(raw),
            **({"annotations": dict(notes)} if notes else {}),
        }
        for raw, media_type, notes in blobs
    ]
    if annotations:
        value["annotations"] = dict(annotations)
    if artifact_type:
        value["artifactType"] = artifact_type
    if subject is not None:
        value["subject"] = dict(subject)
    below = {sha256(data): data, **{sha256(raw): raw for raw, _, _ in blobs}}
    return Built(go_json(value), MANIFEST_TYPE["oci"], below)


def payload(digest: str, claims: Mapping[str, str] | None = None, **more: Any) -> bytes:
    """What cosign signs for an image."""
    critical = {
        "identity": {"docker-reference": "registry.example.com/demo"},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
        **more,
    }
    return go_json({"critical": critical, "optional": dict(claims) if claims else None})


def classic(
    digest: str,
    *keys: Private,
    claims: Mapping[str, str] | None = None,
    pss: bool = False,
    bits: int = 0,
    notes: Mapping[str, str] | None = None,
    signature: bytes | None = None,
    text: bytes | None = None,
) -> Built:
    """What cosign pushes under a ``.sig`` tag: a payload and a signature for each key.

    Args:
        digest: of what is signed.
        keys: that sign.
        claims: annotations that are signed along.
        pss: of RSA.
        bits: of the hash.
        notes: annotations beside the signature.
        signature: other bytes in its place.
        text: another payload.
    """
    blobs = []
    for number, key in enumerate(keys):
        more = {"number": str(number)} if number else {}
        raw = text if text is not None else payload(digest, {**(claims or {}), **more})
        made = raw_sign(key, raw, pss=pss, bits=bits) if signature is None else signature
        note = {"dev.cosignproject.cosign/signature": b64(made), **(notes or {})}
        blobs.append((raw, PAYLOAD, note))
    config = {"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}}
    return manifest(blobs, config=(go_json({**config, "config": {}}), CONFIG_TYPE["oci"]))


def pae(kind: str, raw: bytes) -> bytes:
    """What DSSE signs."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(raw), raw)


def statement(
    digest: str,
    predicate_type: str = SIGN,
    predicate: Any = None,
    *,
    version: str = "v1",
    notes: Mapping[str, str] | None = None,
) -> bytes:
    """A statement of in-toto about one digest."""
    subject: dict[str, Any] = {"digest": {"sha256": hex_of(digest)}}
    if notes:
        subject["annotations"] = dict(notes)
    return go_json(
        {
            "_type": f"https://in-toto.io/Statement/{version}",
            "subject": [subject],
            "predicateType": predicate_type,
            "predicate": {} if predicate is None else predicate,
        }
    )


def envelope(
    raw: bytes, *keys: Private, kind: str = STATEMENT, pss: bool = False
) -> dict[str, Any]:
    """A DSSE envelope."""
    signatures = [{"sig": b64(raw_sign(key, pae(kind, raw), pss=pss))} for key in keys]
    return {"payload": b64(raw), "payloadType": kind, "signatures": signatures}


def bundle(
    content: Mapping[str, Any], key: Private, *, chain: Sequence[bytes] = (), named: str = ""
) -> bytes:
    """A bundle.

    Args:
        content: ``dsseEnvelope`` or ``messageSignature``.
        key: that is named.
        chain: DER certificates that stand in it instead.
        named: another hint than the key's.
    """
    material: dict[str, Any] = {"publicKey": {"hint": named or hint(key)}}
    if len(chain) == 1:
        material = {"certificate": {"rawBytes": b64(chain[0])}}
    elif chain:
        certificates = [{"rawBytes": b64(each)} for each in chain]
        material = {"x509CertificateChain": {"certificates": certificates}}
    return go_json({"mediaType": BUNDLE, "verificationMaterial": material, **content})


def bundled(
    subject: Mapping[str, Any],
    key: Private,
    *,
    raw: bytes | None = None,
    content: Mapping[str, Any] | None = None,
    chain: Sequence[bytes] = (),
    named: str = "",
) -> Built:
    """What cosign 3 attaches: a bundle around a statement about its subject.

    Args:
        subject: descriptor of what it is attached to.
        key: that signs.
        raw: another statement.
        content: of the bundle, in the place of an envelope.
        chain: certificates in it.
        named: another hint than the key's.
    """
    said = statement(subject["digest"]) if raw is None else raw
    inner = {"dsseEnvelope": envelope(said, key)} if content is None else content
    text = bundle(inner, key, chain=chain, named=named)
    predicate = json.loads(said)["predicateType"]
    notes = {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicate,
    }
    lean = {name: subject[name] for name in ("mediaType", "digest", "size")}
    return manifest([(text, BUNDLE, {})], artifact_type=BUNDLE, subject=lean, annotations=notes)


def message_signature(key: Private, document: bytes) -> dict[str, Any]:
    """What a bundle has that signs a document itself."""
    digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(document).digest())}
    signature = b64(raw_sign(key, document))
    return {"messageSignature": {"messageDigest": digest, "signature": signature}}


def attestations(*envelopes: tuple[Mapping[str, Any], str]) -> Built:
    """What cosign pushed under an ``.att`` tag: envelopes, each with its predicate's type."""
    blobs = [
        (
            go_json(value),
            ENVELOPE,
            {"predicateType": kind, "dev.cosignproject.cosign/signature": ""},
        )
        for value, kind in envelopes
    ]
    config = go_json({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": []}})
    return manifest(blobs, config=(config, CONFIG_TYPE["oci"]))


def tagged(built: Built, digest: str, suffix: str = ".sig", name: str = "demo") -> dict[str, Any]:
    """The entry of a layout under a tag that is made of a digest."""
    tag = digest.replace(":", "-") + suffix
    return built.entry(annotations=name_annotations(f"{name}:{tag}"))


def kinds(entries: Iterable[dict[str, Any]], *words: str) -> list[dict[str, Any]]:
    """Entries as ``cosign save`` marks them: ``image``, ``imageIndex``, ``sigs``, ``atts``."""
    return [
        {**entry, "annotations": {"kind": f"dev.cosignproject.cosign/{word}"}}
        for entry, word in zip(entries, words, strict=True)
    ]
