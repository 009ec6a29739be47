"""cosign's signatures, before version 3 and since: what holds, and all that must not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import make_image, name_annotations, write_docker_archive
from tests.builders.artifacts import Built, make_index, of_image
from tests.builders.image import go_json, hex_of, sha256
from tests.builders.signatures import (
    PAYLOAD,
    bundled,
    classic,
    envelope,
    hint,
    manifest,
    message_signature,
    payload,
    private,
    public_pem,
    statement,
    tagged,
)
from tests.signatures.case import (
    BUILT_OTHER,
    DIGEST,
    ENTRY,
    IMAGE,
    INDEX,
    INDEX_ENTRY,
    OTHER_ENTRY,
    SUBJECT,
    Case,
    changed,
    flip,
    layout,
    referrer,
)
from tests.signatures.holding import (
    BUNDLE,
    HOLDS,
    KEY,
    PEM,
    SIGNED,
    STRANGER,
    att,
    both,
    buildkit,
    converted,
    converted_bundle,
    saved,
    sig,
    unlisted,
)


def rewritten(text: bytes, note: Mapping[str, str] | None = None) -> Built:
    """A signature whose payload was changed, and every digest after it."""
    raw = next(each for each in SIGNED.below.values() if each.startswith(b'{"critical"'))
    listed = json.loads(SIGNED.document)["layers"][0]["annotations"]
    assert raw != text or note
    return manifest([(text, PAYLOAD, {**listed, **(note or {})})])


def forged_bundle(**change: Any) -> Built:
    """A bundle whose statement was changed after it was signed."""
    inner = envelope(statement(DIGEST, notes={"env": "test"}), KEY)
    other = envelope(statement(DIGEST, notes={"env": "prod"}), KEY)
    return bundled(SUBJECT, KEY, content={"dsseEnvelope": {**inner, "payload": other["payload"]}})


SIGNATURE_NOTE = "dev.cosignproject.cosign/signature"
ORIGINAL = payload(DIGEST, {"env": "prod"})
LAYER = IMAGE.layers[0].digest
ANOTHER = message_signature(KEY, BUILT_OTHER.document)
EMPTY = envelope(statement(DIGEST))
FAILS = [
    Case("another key", layout(sig(SIGNED)), [public_pem(STRANGER)], "signature-untrusted"),
    Case(
        "a key of another kind",
        layout(sig(SIGNED)),
        [public_pem(private("ed25519"))],
        "signature-untrusted",
    ),
    Case(
        "another key, of a bundle", unlisted(BUNDLE), [public_pem(STRANGER)], "signature-untrusted"
    ),
    Case(
        "a changed layer",
        changed(layout(sig(SIGNED)), flip(LAYER, b"hello", b"hullo")),
        [PEM],
        "signed-damaged",
    ),
    Case(
        "a changed layer, of a bundle",
        changed(unlisted(BUNDLE), flip(LAYER, b"hello", b"hullo")),
        [PEM],
        "signed-damaged",
    ),
    Case(
        "a missing layer",
        changed(layout(sig(SIGNED)), lambda files: files.pop(f"blobs/sha256/{hex_of(LAYER)}")),
        [PEM],
        "signed-damaged",
    ),
    Case(
        "a changed manifest",
        changed(layout(sig(SIGNED)), flip(DIGEST, b'"schemaVersion":2', b'"schemaVersion": 2')),
        [PEM],
        "signed-damaged",
    ),
    Case(
        "a changed config",
        changed(layout(sig(SIGNED)), flip(IMAGE.config_digest, b"amd64", b"arm64")),
        [PEM],
        "signed-damaged",
    ),
    Case(
        "a changed payload",
        changed(layout(sig(SIGNED)), flip(sha256(ORIGINAL), b"prod", b"test")),
        [PEM],
        "signature-invalid",
    ),
    Case(
        "a changed payload, all digests made anew",
        layout(sig(rewritten(payload(DIGEST, {"env": "test"})))),
        [PEM],
        "signature-untrusted",
    ),
    Case(
        "a changed statement, all digests made anew",
        layout(referrer(forged_bundle())),
        [PEM],
        "signature-invalid",
    ),
    Case(
        "a changed annotation",
        layout(sig(rewritten(ORIGINAL, {SIGNATURE_NOTE: "MEUCIQDxxxx="}))),
        [PEM],
        "signature-untrusted",
    ),
    Case(
        "an annotation that is no base64",
        layout(sig(rewritten(ORIGINAL, {SIGNATURE_NOTE: "\u00e4!"}))),
        [PEM],
        "bad-signature",
    ),
    Case(
        "a claim that is not made",
        layout(sig(SIGNED)),
        [PEM],
        "claim-missing",
        asked={"claims": ["team=web"]},
    ),
    Case(
        "a claim with another value",
        layout(sig(SIGNED)),
        [PEM],
        "claim-missing",
        asked={"claims": ["env=test"]},
    ),
    Case(
        "an image under a tag like a signature's",
        layout(
            sig(SIGNED),
            (tagged(BUILT_OTHER, DIGEST, "", name="other"), BUILT_OTHER),
        ),
        [PEM],
        "signature-missing",
    ),
    Case(
        "an image that says it is a signature",
        saved(SIGNED, BUILT_OTHER, words=("sigs", "sigs")),
        [PEM],
        "signature-missing",
    ),
    Case("a stripped signature", layout(), [PEM], "signature-missing"),
    Case(
        "a signature of another type",
        layout(sig(SIGNED)),
        [PEM],
        "signature-missing",
        asked={"signature": "notation"},
    ),
    Case(
        "only one image of an index is signed",
        layout(sig(SIGNED), entries=[INDEX_ENTRY], parts=[INDEX]),
        [PEM],
        "signature-missing",
    ),
    Case(
        "a docker-archive",
        lambda folder: write_docker_archive([IMAGE], folder / "image.tar"),
        [PEM],
        "signature-missing",
    ),
    Case(
        "an attestation is no signature",
        layout(sig(att("vuln"), suffix=".att")),
        [PEM],
        "signature-missing",
    ),
    Case(
        "a signature moved over",
        layout(
            sig(SIGNED),
            sig(SIGNED, BUILT_OTHER.digest, name="other"),
            entries=[ENTRY, OTHER_ENTRY],
            parts=[BUILT_OTHER],
        ),
        [PEM],
        "signature-moved",
    ),
    Case(
        "a bundle moved over",
        layout(
            referrer(bundled(BUILT_OTHER.entry(), KEY, raw=statement(DIGEST))),
            entries=[ENTRY, OTHER_ENTRY],
            parts=[BUILT_OTHER],
        ),
        [PEM],
        "signature-moved",
    ),
    Case(
        "a signature of another image, moved over alone",
        layout(sig(classic(BUILT_OTHER.digest, KEY))),
        [PEM],
        "signature-moved",
    ),
    Case(
        "a document's own signature, moved over",
        layout(referrer(bundled(SUBJECT, KEY, content=ANOTHER))),
        [PEM],
        "signature-invalid",
    ),
    Case(
        "a saved signature of something else",
        saved(classic(BUILT_OTHER.digest, KEY)),
        [PEM],
        "signature-stale",
    ),
    Case("a tag of before a conversion", converted, [PEM], "signature-stale"),
    Case("a bundle of before a conversion", converted_bundle, [PEM], "signature-stale"),
    Case(
        "a tag of what is not here",
        layout(sig(classic(BUILT_OTHER.digest, KEY), BUILT_OTHER.digest)),
        [PEM],
        "signature-stale",
    ),
    Case(
        "a bundle that names another key",
        layout(referrer(bundled(SUBJECT, STRANGER, named=hint(KEY)))),
        [PEM],
        "signature-invalid",
    ),
    Case(
        "a payload of another type",
        layout(sig(classic(DIGEST, KEY, text=payload(DIGEST, type="atomic")))),
        [PEM],
        "bad-signature",
    ),
    Case(
        "a payload with a key twice",
        layout(sig(classic(DIGEST, KEY, text=b'{"critical":{},"critical":{}}'))),
        [PEM],
        "bad-signature",
    ),
    Case(
        "a payload that is no JSON",
        layout(sig(classic(DIGEST, KEY, text=b"{"))),
        [PEM],
        "bad-signature",
    ),
    Case(
        "an envelope without signatures",
        layout(referrer(bundled(SUBJECT, KEY, content={"dsseEnvelope": EMPTY}))),
        [PEM],
        "bad-signature",
    ),
    Case(
        "an envelope of another type",
        layout(
            referrer(
                bundled(
                    SUBJECT,
                    KEY,
                    content={"dsseEnvelope": envelope(statement(DIGEST), KEY, kind="text/plain")},
                )
            )
        ),
        [PEM],
        "bad-signature",
    ),
    Case(
        "a statement of another version",
        layout(referrer(bundled(SUBJECT, KEY, raw=statement(DIGEST, version="v9")))),
        [PEM],
        "bad-signature",
    ),
    Case(
        "an attestation that is not there",
        layout(sig(SIGNED)),
        [PEM],
        "attestation-missing",
        asked={"attestation": "vuln"},
    ),
    Case(
        "an attestation of another type",
        both(sig(att("spdxjson"), suffix=".att")),
        [PEM],
        "attestation-missing",
        asked={"attestation": "vuln"},
    ),
    Case(
        "an attestation by another key",
        both(sig(att("vuln", STRANGER), suffix=".att")),
        [PEM],
        "attestation-missing",
        asked={"attestation": "vuln"},
    ),
    Case(
        "an attestation of another image",
        both(sig(att("vuln", digest=BUILT_OTHER.digest), suffix=".att")),
        [PEM],
        "attestation-missing",
        asked={"attestation": "vuln"},
    ),
    Case(
        "BuildKit's attestation in an index of another key",
        buildkit(),
        [public_pem(STRANGER)],
        "attestation-missing",
        asked={"attestation": "slsaprovenance"},
    ),
]
ALL = [pytest.param(case, id=case.name) for case in (*HOLDS, *FAILS)]


@pytest.mark.parametrize("case", ALL)
def test_a_signature_holds_or_has_its_finding(case: Case, tmp_path: Path) -> None:
    case.check(tmp_path)


def test_where_there_is_no_image_none_is_signed(tmp_path: Path) -> None:
    report = Case("", layout(sig(SIGNED), entries=()), [PEM]).run(tmp_path)
    assert report.failed
    assert "signature-missing" in {each.code for each in report.findings}


def test_without_being_required_a_signature_may_be_missing(tmp_path: Path) -> None:
    report = Case("", layout(), [PEM], require=False).run(tmp_path)
    assert not report.failed
    assert [each.code for each in report.findings] == ["signature-missing"]


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in (*HOLDS, *FAILS)]
    assert len(names) == len(set(names)) > 60
    assert go_json({}) == b"{}"


def test_many_notes_hide_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures of strangers on one image, and another that nothing signs: that is an error."""
    monkeypatch.setattr("oci_layout.limits.FINDINGS", 5)
    strangers = [bundled(SUBJECT, private("p256", number)) for number in range(400, 420)]
    other = classic(BUILT_OTHER.digest, STRANGER)
    make = layout(
        sig(SIGNED),
        *map(referrer, strangers),
        sig(other, BUILT_OTHER.digest, name="other"),
        entries=[ENTRY, OTHER_ENTRY],
        parts=[BUILT_OTHER],
    )
    report = Case("", make, [PEM]).run(tmp_path)
    assert report.failed
    assert report.left_out > 10
    told = [each for each in report.findings if each.code == "signature-untrusted"]
    assert [str(each.severity) for each in told][:2] == ["error", "note"]


def test_many_platforms_are_told_once(tmp_path: Path) -> None:
    """An index of many platforms, signed once: one note, and a chain for each platform."""
    images = [
        of_image(make_image([{"a": str(number).encode()}], architecture="amd64"))
        for number in range(300)
    ]
    index = make_index(
        [
            image.entry(platform={"os": "linux", "architecture": "amd64", "variant": f"v{number}"})
            for number, image in enumerate(images)
        ],
        *images,
    )
    entry = index.entry(annotations=name_annotations("demo:1"))
    make = layout(sig(classic(index.digest, KEY), index.digest), entries=[entry], parts=[index])
    report = Case("", make, [PEM]).run(tmp_path)
    assert not report.failed
    assert len(report.chains or ()) == 300
    assert len([each for each in report.findings if each.code == "signature-valid"]) == 1
