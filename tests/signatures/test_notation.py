"""Notation's envelopes and the certificates behind them; made by the specification.

There is no package of notation for Debian, so none of its own tools has seen these.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from tests.builders.artifacts import Built
from tests.builders.image import go_json
from tests.builders.notation import (
    CODE,
    CONTENT,
    DAY,
    NOTARY,
    authority,
    certificate,
    der,
    notation,
    pem,
    revoked,
)
from tests.builders.signatures import (
    Private,
    bundled,
    classic,
    manifest,
    private,
    public_pem,
    tagged,
)
from tests.signatures.case import BUILT_OTHER, DIGEST, ENTRY, SUBJECT, Case, layout, referrer

ROOT_KEY, MIDDLE_KEY = private("p256", 90), private("p256", 91)
ROOT, STRANGERS = authority(), authority(92, subject="strangers")
MIDDLE = certificate("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=True, depth=0)
KEY = private("p256", 93)
LEAF = certificate("team", KEY, "root", ROOT_KEY)
BELOW = certificate("team", KEY, "middle", MIDDLE_KEY)
SELF = certificate("self", KEY, "self", KEY)
TRUSTED = [pem(ROOT)]
OLD_ROOT = authority(start=-9 * DAY, end=-DAY)
PLAIN = classic(DIGEST, KEY)
CHANGED = go_json({"targetArtifact": dict(SUBJECT), "x": 1})
FULCIO = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")


def signed(leaf: Any = LEAF, *more: Any, key: Private = KEY, **how: Any) -> Built:
    return notation(SUBJECT, key, der(leaf, *(more or (ROOT,))), **how)


def of(leaf: Any, *more: Any, key: Private = KEY, **how: Any) -> Any:
    return layout(referrer(signed(leaf, *more, key=key, **how)))


def by(key: Private, form: str) -> Any:
    leaf = certificate("team", key, "root", ROOT_KEY)
    return of(leaf, key=key, form=form)


def special(**how: Any) -> Any:
    return of(certificate("team", KEY, "root", ROOT_KEY, **how))


def raw(data: bytes, kind: str = "application/cose") -> Any:
    subject = {field: SUBJECT[field] for field in ("mediaType", "digest", "size")}
    return layout(referrer(manifest([(data, kind, {})], artifact_type=NOTARY, subject=subject)))


def huge_key() -> Any:
    """A certificate with an RSA key of 16,384 bits that nobody has the other half of."""
    number = (1 << 16383) + 12345678901234567891
    public = rsa.RSAPublicNumbers(65537, number).public_key()

    class Half:
        def public_key(self) -> rsa.RSAPublicKey:
            return public

    return certificate("huge", Half(), "root", ROOT_KEY)  # type: ignore[arg-type]


def long_chain() -> Sequence[Any]:
    found, above, by_key = [ROOT], "root", ROOT_KEY
    for number in range(9):
        key = private("p256", 200 + number)
        found.insert(0, certificate(f"step{number}", key, above, by_key, ca=True))
        above, by_key = f"step{number}", key
    return [certificate("team", KEY, above, by_key), *found]


def below_no_authority() -> Any:
    """A signer's certificate that signs another one."""
    between = certificate("between", MIDDLE_KEY, "root", ROOT_KEY)
    return of(certificate("team", KEY, "between", MIDDLE_KEY), between, ROOT)


def too_deep() -> Any:
    """An authority that may have none below it, and has."""
    lower = certificate("lower", private("p256", 94), "middle", MIDDLE_KEY, ca=True)
    leaf = certificate("team", KEY, "lower", private("p256", 94))
    return of(leaf, lower, MIDDLE, ROOT)


def cosign_chain(leaf: Any, *more: Any) -> Any:
    notes = {"dev.sigstore.cosign/certificate": pem(leaf).decode()}
    if more:
        notes["dev.sigstore.cosign/chain"] = pem(*more).decode()
    built = classic(DIGEST, KEY, notes=notes)
    return layout((tagged(built, DIGEST), built))


HOLDS = [
    *(
        Case(f"{form} by {kind}", by(private(kind, 95), form), TRUSTED)
        for form in ("jws", "cose")
        for kind in ("p256", "p384", "p521", "rsa")
    ),
    Case("a chain of three", of(BELOW, MIDDLE, ROOT), TRUSTED),
    Case("a chain in cose", of(BELOW, MIDDLE, ROOT, form="cose"), TRUSTED),
    Case(
        "a certificate alone in cose",
        layout(referrer(notation(SUBJECT, KEY, der(LEAF), form="cose"))),
        TRUSTED,
    ),
    Case("an authority in the middle is trusted", of(BELOW, MIDDLE, ROOT), [pem(MIDDLE)]),
    Case("the signer's certificate itself is trusted", of(LEAF, ROOT), [pem(LEAF)]),
    Case("a certificate that signs itself", of(SELF, SELF), [pem(SELF)]),
    Case("the signer's key is trusted", of(LEAF, ROOT), [public_pem(KEY)]),
    Case("one of many authorities", of(LEAF, ROOT), [pem(STRANGERS, MIDDLE, ROOT)]),
    Case(
        "metadata that is claimed",
        of(LEAF, ROOT, claims={"build": "7"}),
        TRUSTED,
        asked={"claims": ["build=7"]},
    ),
    Case("not expired", of(LEAF, ROOT, expires=DAY), TRUSTED),
    Case("not expired, in cose", of(LEAF, ROOT, expires=DAY, form="cose"), TRUSTED),
    Case(
        "the right identity",
        of(LEAF, ROOT),
        TRUSTED,
        asked={"identity": "x509.subject: C=US, O=Example"},
    ),
    Case(
        "the right address",
        special(mail="ci@example.com"),
        TRUSTED,
        asked={"identity": "ci@example.com"},
    ),
    Case("its type alone", of(LEAF, ROOT), TRUSTED, asked={"signature": "notation"}),
    Case(
        "a list that revokes others",
        of(LEAF, ROOT),
        TRUSTED,
        files={"crls": [revoked("root", ROOT_KEY, 7)]},
    ),
    Case(
        "a list by somebody else",
        of(LEAF, ROOT),
        TRUSTED,
        files={"crls": [revoked("root", KEY, LEAF.serial_number)]},
    ),
    Case(
        "out of date, and permissive",
        special(start=-9 * DAY, end=-DAY),
        TRUSTED,
        asked={"trust_level": "permissive"},
    ),
    Case(
        "expired, and permissive",
        of(LEAF, ROOT, expires=-DAY),
        TRUSTED,
        asked={"trust_level": "permissive"},
    ),
    Case(
        "of nobody known, and audited",
        of(LEAF, ROOT),
        [pem(STRANGERS)],
        asked={"trust_level": "audit"},
    ),
    Case("cosign with a certificate", cosign_chain(LEAF), TRUSTED),
    Case("cosign with a chain", cosign_chain(BELOW, MIDDLE, ROOT), TRUSTED),
    Case(
        "cosign, by the signer's certificate",
        layout((tagged(PLAIN, DIGEST), PLAIN)),
        [pem(LEAF)],
    ),
    Case(
        "a bundle with a certificate",
        layout(referrer(bundled(SUBJECT, KEY, chain=der(LEAF)))),
        TRUSTED,
    ),
    Case(
        "a bundle with a chain",
        layout(referrer(bundled(SUBJECT, KEY, chain=der(BELOW, MIDDLE)))),
        TRUSTED,
    ),
]
FAILS = [
    Case("an authority of others", of(LEAF, ROOT), [pem(STRANGERS)], "certificate-untrusted"),
    Case(
        "a key of others", of(LEAF, ROOT), [public_pem(private("p256", 1))], "certificate-untrusted"
    ),
    Case(
        "an authority of the same name",
        of(LEAF, ROOT),
        [pem(authority(96))],
        "certificate-untrusted",
    ),
    Case("a step that is missing", of(BELOW, ROOT), TRUSTED, "certificate-untrusted"),
    Case(
        "a certificate that signs itself, and is not given",
        of(SELF, SELF),
        TRUSTED,
        "certificate-untrusted",
    ),
    Case(
        "below a certificate that is no authority",
        below_no_authority(),
        TRUSTED,
        "certificate-untrusted",
    ),
    Case(
        "below a trusted certificate that is no authority",
        below_no_authority(),
        [pem(certificate("between", MIDDLE_KEY, "root", ROOT_KEY))],
        "certificate-untrusted",
    ),
    Case("deeper than an authority allows", too_deep(), TRUSTED, "certificate-untrusted"),
    Case(
        "another identity",
        of(LEAF, ROOT),
        TRUSTED,
        "certificate-untrusted",
        asked={"identity": "C=US, O=Other"},
    ),
    Case(
        "an identity that is none",
        of(LEAF, ROOT),
        TRUSTED,
        "certificate-untrusted",
        asked={"identity": "team"},
    ),
    Case("out of date", special(start=-9 * DAY, end=-DAY), TRUSTED, "certificate-expired"),
    Case("not valid yet", special(start=DAY), TRUSTED, "certificate-expired"),
    Case(
        "an authority that is out of date",
        of(LEAF, OLD_ROOT),
        [pem(OLD_ROOT)],
        "certificate-expired",
    ),
    Case(
        "out of date, and trusted itself",
        of(certificate("old", KEY, "old", KEY, start=-9 * DAY, end=-DAY)),
        [pem(certificate("old", KEY, "old", KEY, start=-9 * DAY, end=-DAY, number=5))],
        "certificate-untrusted",
    ),
    Case(
        "cosign, by a certificate that is out of date",
        layout((tagged(PLAIN, DIGEST), PLAIN)),
        [pem(certificate("old", KEY, "root", ROOT_KEY, start=-9 * DAY, end=-DAY))],
        "certificate-expired",
    ),
    Case(
        "for servers",
        special(purposes=[ExtendedKeyUsageOID.SERVER_AUTH]),
        TRUSTED,
        "certificate-unfit",
    ),
    Case(
        "for code and for servers",
        special(purposes=[CODE, ExtendedKeyUsageOID.SERVER_AUTH]),
        TRUSTED,
        "certificate-unfit",
    ),
    Case(
        "for something else",
        special(purposes=[ObjectIdentifier("1.2.3")]),
        TRUSTED,
        "certificate-unfit",
    ),
    Case("not for signatures", special(signs=False), TRUSTED, "certificate-unfit"),
    Case(
        "an authority that signs an image",
        of(certificate("ca", KEY, "root", ROOT_KEY, ca=True)),
        TRUSTED,
        "certificate-unfit",
    ),
    Case(
        "revoked",
        of(LEAF, ROOT),
        TRUSTED,
        "certificate-revoked",
        files={"crls": [revoked("root", ROOT_KEY, LEAF.serial_number)]},
    ),
    Case(
        "revoked, and its authority not given",
        of(LEAF),
        [pem(LEAF)],
        "certificate-revoked",
        files={"crls": [revoked("root", ROOT_KEY, LEAF.serial_number)]},
    ),
    Case(
        "an authority that was revoked",
        of(BELOW, MIDDLE, ROOT),
        TRUSTED,
        "certificate-revoked",
        files={"crls": [revoked("root", ROOT_KEY, MIDDLE.serial_number)]},
    ),
    Case("a chain that is too long", of(*long_chain()), TRUSTED, "certificate-unfit"),
    Case(
        "a certificate that is too large",
        special(extra=bytes(200_000)),
        TRUSTED,
        "certificate-unfit",
    ),
    Case("a key of 16,384 bits", of(huge_key()), TRUSTED, "certificate-unfit"),
    Case(
        "an authority with a key of 16,384 bits",
        of(LEAF, huge_key(), ROOT),
        TRUSTED,
        "certificate-unfit",
    ),
    Case("a key of 1,024 bits", by(private("rsa1024", 97), "jws"), TRUSTED, "certificate-unfit"),
    Case(
        "a certificate that is none",
        layout(referrer(notation(SUBJECT, KEY, [b"\x30\x03abc"]))),
        TRUSTED,
        "certificate-unfit",
    ),
    Case(
        "a key that is another's",
        of(LEAF, ROOT, key=private("p256", 98)),
        TRUSTED,
        "signature-invalid",
    ),
    Case(
        "a changed payload",
        of(LEAF, ROOT, change=CHANGED),
        TRUSTED,
        "signature-invalid",
    ),
    Case(
        "a changed payload, in cose",
        of(LEAF, ROOT, change=CHANGED, form="cose"),
        TRUSTED,
        "signature-invalid",
    ),
    Case(
        "moved over, both here",
        layout(
            referrer(signed(at=BUILT_OTHER.entry())),
            entries=[ENTRY, BUILT_OTHER.entry()],
            parts=[BUILT_OTHER],
        ),
        TRUSTED,
        "signature-moved",
    ),
    Case(
        "moved over, alone",
        layout(
            referrer(signed(at=BUILT_OTHER.entry())),
            entries=[BUILT_OTHER.entry()],
            parts=[BUILT_OTHER],
        ),
        TRUSTED,
        "signature-stale",
    ),
    Case("expired", of(LEAF, ROOT, expires=-DAY), TRUSTED, "signature-expired"),
    Case(
        "expired, in cose", of(LEAF, ROOT, expires=-DAY, form="cose"), TRUSTED, "signature-expired"
    ),
    Case(
        "other metadata",
        of(LEAF, ROOT, claims={"build": "6"}),
        TRUSTED,
        "claim-missing",
        asked={"claims": ["build=7"]},
    ),
    Case(
        "audited, and changed",
        of(LEAF, ROOT, change=CHANGED),
        [pem(STRANGERS)],
        "signature-invalid",
        asked={"trust_level": "audit"},
    ),
    Case("skipped", of(LEAF, ROOT), TRUSTED, "signature-missing", asked={"trust_level": "skip"}),
    Case(
        "an attribute that nobody knows",
        of(LEAF, ROOT, header={"crit": ["io.cncf.notary.signingScheme", "x"], "x": 1}),
        TRUSTED,
        "bad-signature",
    ),
    Case("no algorithm", of(LEAF, ROOT, header={"alg": "none"}), TRUSTED, "bad-signature"),
    Case(
        "an algorithm of before", of(LEAF, ROOT, header={"alg": "RS256"}), TRUSTED, "bad-signature"
    ),
    Case(
        "another algorithm than the key's",
        of(LEAF, ROOT, header={"alg": "ES384"}),
        TRUSTED,
        "signature-invalid",
    ),
    Case(
        "a scheme that is not critical",
        of(LEAF, ROOT, header={"crit": []}),
        TRUSTED,
        "bad-signature",
    ),
    Case(
        "a payload of another type",
        of(LEAF, ROOT, header={"cty": "text/plain"}),
        TRUSTED,
        "bad-signature",
    ),
    Case(
        "an expiry that is no time",
        of(LEAF, ROOT, header={"io.cncf.notary.expiry": "soon"}),
        TRUSTED,
        "bad-signature",
    ),
    Case("no certificates", layout(referrer(notation(SUBJECT, KEY, []))), TRUSTED, "bad-signature"),
    Case(
        "cbor that ends early",
        raw(b"\xd2\x84\x5b\xff\xff\xff\xff\xff\xff\xff\xff"),
        TRUSTED,
        "bad-signature",
    ),
    Case("cbor that is nested deeply", raw(b"\x81" * 100_000), TRUSTED, "bad-signature"),
    Case(
        "cbor with a huge map",
        raw(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"),
        TRUSTED,
        "bad-signature",
    ),
    Case("cbor of no length", raw(b"\x9f\xff"), TRUSTED, "bad-signature"),
    Case("cbor of another thing", raw(b"\x01"), TRUSTED, "bad-signature"),
    Case("cbor with something behind it", raw(b"\x01\x01"), TRUSTED, "bad-signature"),
    Case(
        "an envelope that is no JSON", raw(b"no", "application/jose+json"), TRUSTED, "bad-signature"
    ),
    Case(
        "cosign with another's certificate",
        cosign_chain(certificate("x", private("p256", 99), "root", ROOT_KEY)),
        TRUSTED,
        "signature-invalid",
    ),
    Case(
        "cosign with a certificate of nobody known",
        cosign_chain(LEAF),
        [pem(STRANGERS)],
        "certificate-untrusted",
    ),
    Case(
        "made without a key, and no trusted root",
        cosign_chain(certificate("keyless", KEY, "fulcio", private("p256", 100), oid=FULCIO)),
        TRUSTED,
        "signature-unchecked",
    ),
]
ALL = [pytest.param(case, id=case.name) for case in (*HOLDS, *FAILS)]


@pytest.mark.parametrize("case", ALL)
def test_a_signature_holds_or_has_its_finding(case: Case, tmp_path: Path) -> None:
    case.check(tmp_path)


def test_what_is_not_enforced_is_told(tmp_path: Path) -> None:
    case = next(each for each in HOLDS if each.name == "of nobody known, and audited")
    told = {each.code: str(each.severity) for each in case.check(tmp_path).findings}
    assert told["certificate-untrusted"] == "warning"


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in (*HOLDS, *FAILS)]
    assert len(names) == len(set(names)) > 60
    assert CONTENT.endswith("+json")
