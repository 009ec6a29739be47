"""Docker's schema 1 manifests, unsigned and signed (distribution docs, manifest-v2-1.md)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import attrs

from oci_layout import limits
from oci_layout.digest import Digest
from oci_layout.finding import Findings
from oci_layout.model import jsontext
from oci_layout.model.fields import Fields, canonical
from oci_layout.model.v1 import V1Layer, is_id
from oci_layout.where import Where

_FIELDS = frozenset(
    {
        "schemaVersion",
        "mediaType",
        "name",
        "tag",
        "architecture",
        "fsLayers",
        "history",
        "signatures",
    }
)
_LATER = ("manifests", "layers", "config")  # what the manifests that came after it have
_PROTECTED_FIELDS = frozenset({"formatLength", "formatTail", "time"})
_SIGNATURE_FIELDS = frozenset({"header", "signature", "protected"})


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Signature:
    """One signature, as the document states it.

    Args:
        header: its JOSE header: ``alg``, and ``jwk`` or ``x5c``.
        protected: base64url text, part of what is signed.
        signature: the bytes.
        time: when it says it was made; empty when it does not.
    """

    header: dict[str, Any] = attrs.field(repr=False)
    protected: str = attrs.field(repr=False)
    signature: bytes = attrs.field(repr=False)
    time: str


@attrs.frozen(kw_only=True, eq=False, repr=False, match_args=False)
class Schema1:
    """A schema 1 manifest.

    Args:
        raw: the document as it was read.
        payload: what is signed, and what the digest is of; ``raw`` when unsigned.
        signatures: in order; empty when unsigned.
        layers: digest and V1 step of each entry, base first, as the document lists them.
        name: repository it says it is; not verified by anything.
        tag: tag it says it has.
        architecture: it says it runs on.
    """

    raw: bytes = attrs.field(repr=False)
    payload: bytes = attrs.field(repr=False)
    signatures: tuple[Signature, ...]
    layers: tuple[tuple[Digest, V1Layer], ...]
    name: str
    tag: str
    architecture: str

    @property
    def digest(self) -> Digest:
        """The manifest's digest: of the payload, without signatures."""
        return Digest.of(self.payload)

    @classmethod
    def from_bytes(cls, raw: bytes, where: Where, findings: Findings) -> Schema1 | None:
        """Read one; None when it is none (reported)."""
        value = jsontext.parse(raw, where, findings)
        if value is None:
            return None
        if not isinstance(value, dict):
            findings.error("wrong-type", "expected an object", where)
            return None
        fields = Fields(value, where, findings, _FIELDS)
        version = fields.integer("schemaVersion", required=True)
        if version is not None and version != 1:
            findings.error("schema-version", f"is {version}, not 1", fields.path("schemaVersion"))
        every = canonical(fields.value, frozenset(_LATER))
        for key in _LATER:
            if every.get(key) is not None:
                findings.error("two-kinds", f"a schema 1 manifest that also has {key!r}", where)
        signatures, payload = _signatures(fields, raw)
        if payload is None:
            return None
        if signatures:
            _compare(fields, payload, findings)
        return cls(
            raw=raw,
            payload=payload,
            signatures=signatures,
            layers=_layers(fields),
            name=fields.text("name") or "",
            tag=fields.text("tag") or "",
            architecture=fields.text("architecture") or "",
        )


def decode_base64url(text: str) -> bytes:
    """Base64url without padding (RFC 7515, section 2).

    Raises:
        ValueError: not that.
    """
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("not base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signatures(fields: Fields, raw: bytes) -> tuple[tuple[Signature, ...], bytes | None]:
    """The signatures, and the payload that each of them must come to."""
    if fields.raw("signatures") is None:
        return (), raw
    found = []
    payload: bytes | None = None
    payloads: dict[str, tuple[bytes, str]] = {}
    if len(fields.items("signatures")) > limits.SIGNATURES:
        fields.findings.error(
            "bad-signature",
            f"more than {limits.SIGNATURES} signatures",
            fields.path("signatures"),
        )
        return (), None
    for number, each in fields.objects("signatures", _SIGNATURE_FIELDS):
        header, protected = each.raw("header"), each.text("protected", required=True)
        text = each.text("signature", required=True)
        if protected is None or text is None or not isinstance(header, dict):
            fields.findings.error("bad-signature", "a signature that is not whole", each.where)
            return (), None
        try:
            if protected not in payloads:
                payloads[protected] = _payload(raw, protected, each)
            mine, time = payloads[protected]
            signature = decode_base64url(text)
        except (ValueError, binascii.Error) as error:
            fields.findings.error("bad-signature", str(error), each.where)
            return (), None
        if payload is not None and mine != payload:
            fields.findings.error(
                "bad-signature", f"signature {number} is of another payload", each.where
            )
            return (), None
        payload = mine
        found.append(Signature(header=header, protected=protected, signature=signature, time=time))
    if not found:
        fields.findings.error(
            "bad-signature", "has signatures that are none", fields.path("signatures")
        )
        return (), None
    return tuple(found), payload


def _payload(raw: bytes, protected: str, fields: Fields) -> tuple[bytes, str]:
    """What a signature is of (libtrust jsonsign.go): the beginning of the file, and a tail."""
    value = jsontext.parse(decode_base64url(protected), fields.where, fields.findings)
    if not isinstance(value, dict):
        raise ValueError("the protected header is not an object")
    value = canonical(value, _PROTECTED_FIELDS)
    length, tail, time = value.get("formatLength"), value.get("formatTail"), value.get("time")
    if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length <= len(raw):
        raise ValueError("formatLength is not a length within the file")
    if not isinstance(tail, str):
        raise ValueError("formatTail is not a string")
    return raw[:length] + decode_base64url(tail), time if isinstance(time, str) else ""


def _compare(fields: Fields, payload: bytes, findings: Findings) -> None:
    """What stands around the signed payload must say the same: some readers take the one."""
    signed = jsontext.parse(payload, fields.where.at("payload"), findings)
    signed = canonical(signed, _FIELDS) if isinstance(signed, dict) else signed
    outer = {key: item for key, item in fields.value.items() if key != "signatures"}
    if signed is not None and signed != outer:
        findings.error(
            "unsigned-content", "what the file says differs from what is signed", fields.where
        )


def _layers(fields: Fields) -> tuple[tuple[Digest, V1Layer], ...]:
    digests = [
        each.digest("blobSum", required=True)
        for _, each in fields.objects("fsLayers", frozenset({"blobSum"}), required=True)
    ]
    steps = []
    for _, each in fields.objects("history", frozenset({"v1Compatibility"}), required=True):
        text = each.text("v1Compatibility", required=True)
        where = each.path("v1Compatibility")
        if text is None:
            return ()
        raw = text.encode("utf-8", "surrogatepass")
        steps.append(V1Layer.from_bytes(raw, where, fields.findings))
    if len(digests) != len(steps) or not steps:
        fields.findings.error(
            "layer-count",
            f"there are {len(digests)} fsLayers and {len(steps)} history entries",
            fields.where,
        )
        return ()
    pairs = [
        (digest, step)
        for digest, step in zip(digests, steps, strict=True)
        if digest is not None and step is not None
    ]
    if len(pairs) != len(steps):
        return ()
    pairs = _without_repeats(pairs)
    _check_chain(pairs, fields)
    return tuple(reversed(pairs))


def _without_repeats(pairs: list[tuple[Digest, V1Layer]]) -> list[tuple[Digest, V1Layer]]:
    """Consecutive entries of one id count once (moby pull_v2.go, fixManifestLayers)."""
    return [
        pair
        for number, pair in enumerate(pairs)
        if not number or pair[1].id != pairs[number - 1][1].id
    ]


def _check_chain(pairs: list[tuple[Digest, V1Layer]], fields: Fields) -> None:
    """Each step's parent is the one below it; ids are 64 hex digits; nothing repeats."""
    seen: set[str] = set()
    where = fields.path("history")
    for number, (_, step) in enumerate(pairs):
        if not is_id(step.id):
            fields.findings.error(
                "bad-v1-id", f"{step.id[:80]!r} is not an id of 64 hex digits", where
            )
        if step.id in seen:
            fields.findings.error("v1-loop", f"{step.id} stands in the chain twice", where)
        seen.add(step.id)
        below = pairs[number + 1][1].id if number + 1 < len(pairs) else ""
        if step.parent != below:
            fields.findings.error(
                "v1-parent-missing",
                f"the parent of {step.id[:64]} is {step.parent[:64] or 'missing'}, and "
                f"{below or 'nothing'} lies below it",
                where,
            )
