"""Every byte of a certificate and of an envelope changed, one at a time: none of it passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from oci_layout.signatures.bundle import read_attestation, read_bundle
from oci_layout.signatures.checking import State, check
from oci_layout.signatures.cosign import read_payload
from oci_layout.signatures.notation import COSE_TYPE, JWS_TYPE, read_envelope
from oci_layout.signatures.trust import trust_of
from oci_layout.signatures.values import BadSignatureError, Signed
from tests.builders.notation import NOW, der, notation, pem
from tests.builders.signatures import (
    SLSA,
    attestations,
    bundled,
    classic,
    envelope,
    message_signature,
    public_pem,
    statement,
)
from tests.signatures.case import BUILT, DIGEST, SUBJECT
from tests.signatures.test_notation import KEY, LEAF, ROOT


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_no_changed_byte_of_a_certificate_passes(form: str) -> None:
    """Each byte of the signer's certificate, changed: it never holds, and nothing breaks."""
    trust = trust_of({"root.pem": pem(ROOT)}, {}, now=NOW)
    (whole,) = der(LEAF)
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :]
        built = notation(SUBJECT, KEY, [changed], form=form)
        raw = next(data for data in built.below.values() if len(data) > 100)
        kind = JWS_TYPE if form == "jws" else COSE_TYPE
        assert check(read_envelope(raw, kind), trust, None).state is not State.HOLDS, at


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_no_changed_byte_of_an_envelope_passes(form: str) -> None:
    trust = trust_of({"root.pem": pem(ROOT)}, {}, now=NOW)
    built = notation(SUBJECT, KEY, der(LEAF), form=form, claims={"a": "b"})
    whole = next(data for data in built.below.values() if len(data) > 100)
    kind = JWS_TYPE if form == "jws" else COSE_TYPE
    payload = read_envelope(whole, kind)
    held = 0
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :]
        try:
            found = read_envelope(changed, kind)
        except BadSignatureError:
            continue
        if check(found, trust, None).state is State.HOLDS:  # what nobody signed, as the agent
            held += 1
            assert (found.names, found.claims) == (payload.names, payload.claims), at
    assert held < 60


@pytest.mark.parametrize("form", ["statement", "document", "envelope", "payload"])
def test_no_changed_byte_of_what_cosign_signs_passes(form: str) -> None:
    """What is read of a changed one and holds says what the whole one says, and is of the same."""
    annotations: dict[str, str] = {}
    said = statement(DIGEST, SLSA, {"builder": {"id": "x"}}, notes={"env": "prod"})
    read: Callable[[bytes], Signed] = read_bundle
    if form == "document":
        built = bundled(SUBJECT, KEY, content=message_signature(KEY, BUILT.document))
    elif form == "statement":
        built = bundled(SUBJECT, KEY, raw=said)
    elif form == "envelope":
        built = attestations((envelope(said, KEY), SLSA))
        read = partial(read_attestation, annotations=annotations)
    else:
        built = classic(DIGEST, KEY, claims={"env": "prod"})
        annotations = json.loads(built.document)["layers"][0]["annotations"]
        read = partial(read_payload, annotations=annotations)
    trust = trust_of({"key.pub": public_pem(KEY)}, {}, now=NOW)
    whole = next(data for data in built.below.values() if b"rootfs" not in data and len(data) > 100)
    expected = read(whole)
    assert check(expected, trust, BUILT.document).state is State.HOLDS
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1 :]
        try:
            found = read(changed)
        except BadSignatureError:
            continue
        if check(found, trust, BUILT.document).state is State.HOLDS:
            assert form != "payload", at
            same = (expected.names, expected.claims, expected.predicate_type, expected.predicate)
            assert (found.names, found.claims, found.predicate_type, found.predicate) == same, at
