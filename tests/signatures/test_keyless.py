"""Bundles made without a key: what sigstore's own library says counts, and of one certificate only.

A stand-in takes the library's place: it is an extra of 80 MB, and real bundles cannot be made here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from oci_layout import verify
from oci_layout.signatures import keyless
from tests.builders.notation import certificate, der, pem
from tests.builders.signatures import bundled, classic, private, statement, tagged
from tests.signatures.case import DIGEST, SUBJECT, layout, referrer

KEY, FULCIO = private("p256", 300), private("p256", 301)
ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
LEAF = certificate("ci", KEY, "fulcio", FULCIO, oid=ISSUER)
OTHER = certificate("other", FULCIO, "fulcio", FULCIO, oid=ISSUER)


class RefusedError(Exception):
    """As sigstore.errors.Error."""


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the library was asked, and what it answers."""
    asked: dict[str, Any] = {"certificate": LEAF, "refuses": ""}

    class Verifier:
        def __init__(self, *, trusted_root: object) -> None:
            asked["root"] = trusted_root

        def verify_dsse(self, bundle: object, who: object) -> None:
            asked["who"] = who
            if asked["refuses"]:
                raise RefusedError(asked["refuses"])

    def bundle(raw: bytes) -> SimpleNamespace:
        found: x509.Certificate = asked["certificate"]
        return SimpleNamespace(signing_certificate=found)

    parts: dict[str, dict[str, object]] = {
        "sigstore": {},
        "sigstore.errors": {"Error": RefusedError},
        "sigstore.models": {
            "Bundle": SimpleNamespace(from_json=bundle),
            "TrustedRoot": SimpleNamespace(from_file=lambda path: path),
        },
        "sigstore.verify": {
            "Verifier": Verifier,
            "policy": SimpleNamespace(Identity=lambda **who: who),
        },
    }
    for name, members in parts.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(keyless, "available", lambda: True)
    return asked


def outcome(folder: Path, built: Any) -> tuple[bool, set[str]]:
    root = folder / "trusted_root.json"
    root.write_text("{}")
    source = layout(built)(folder)
    report = verify(
        str(source),
        trusted_root=str(root),
        identity="ci@example.com",
        issuer="https://issuer.example.com",
        require_signature=True,
        jobs=1,
    )
    return report.failed, {finding.code for finding in report.findings}


def test_what_the_library_takes_holds(seen: dict[str, Any], tmp_path: Path) -> None:
    failed, codes = outcome(tmp_path, referrer(bundled(SUBJECT, KEY, chain=der(LEAF))))
    assert (failed, codes) == (False, {"signature-valid"})
    assert seen["who"] == {"identity": "ci@example.com", "issuer": "https://issuer.example.com"}
    assert seen["root"].endswith("trusted_root.json")


def test_what_the_library_refuses_does_not(seen: dict[str, Any], tmp_path: Path) -> None:
    seen["refuses"] = "not in the log"
    failed, codes = outcome(tmp_path, referrer(bundled(SUBJECT, KEY, chain=der(LEAF))))
    assert (failed, codes) == (True, {"certificate-untrusted"})


def test_two_readers_must_find_one_certificate(seen: dict[str, Any], tmp_path: Path) -> None:
    seen["certificate"] = OTHER
    failed, codes = outcome(tmp_path, referrer(bundled(SUBJECT, KEY, chain=der(LEAF))))
    assert (failed, codes) == (True, {"certificate-untrusted"})


def test_a_statement_about_something_else(seen: dict[str, Any], tmp_path: Path) -> None:
    said = statement("sha256:" + "ab" * 32)
    failed, codes = outcome(tmp_path, referrer(bundled(SUBJECT, KEY, raw=said, chain=der(LEAF))))
    assert failed
    assert "signature-stale" in codes


def test_the_format_of_before_needs_cosign(seen: dict[str, Any], tmp_path: Path) -> None:
    notes = {"dev.sigstore.cosign/certificate": pem(LEAF).decode()}
    built = classic(DIGEST, KEY, notes=notes)
    failed, codes = outcome(tmp_path, (tagged(built, DIGEST), built))
    assert (failed, codes) == (True, {"signature-unchecked"})
