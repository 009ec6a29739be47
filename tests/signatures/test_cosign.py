"""cosign's signatures, before version 3 and since: what holds, and all that must not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oci_layout import repack
from tests.builders import name_annotations, write_docker_archive
from tests.builders.artifacts import Built, make_index
from tests.builders.image import go_json, hex_of, sha256
from tests.builders.signatures import (
    CYCLONEDX,
    KINDS,
    PAYLOAD,
    SLSA,
    SPDX,
    VULN,
    attestations,
    bundled,
    classic,
    envelope,
    hint,
    kinds,
    manifest,
    message_signature,
    payload,
    private,
    public_pem,
    statement,
    tagged,
)
from tests.signatures.case import (
    BUILT,
    BUILT_ARM,
    BUILT_OTHER,
    DIGEST,
    ENTRY,
    IMAGE,
    INDEX,
    INDEX_ENTRY,
    OTHER_ENTRY,
    SUBJECT,
    Case,
    Entry,
    Make,
    changed,
    flip,
    layout,
    referrer,
)

KEY, STRANGER = private("p256"), private("p256", 1)
PEM = public_pem(KEY)
SIGNED = classic(DIGEST, KEY, claims={"env": "prod"})
BUNDLE = bundled(SUBJECT, KEY)
PREDICATE = {"builder": {"id": "https://ci.example.com"}, "buildType": "make"}
TYPES = {"slsaprovenance": SLSA, "spdxjson": SPDX, "cyclonedx": CYCLONEDX, "vuln": VULN}


def sig(built: Built, digest: str = DIGEST, **how: str) -> tuple[Entry, Built]:
    return tagged(built, digest, **how), built


def saved(*attached: Built, words: tuple[str, ...] = ("sigs",)) -> Make:
    """As ``cosign save`` before version 3 writes it."""
    entries = kinds([BUILT.entry(), *(each.entry() for each in attached)], "image", *words)
    return layout(entries=entries, parts=attached)


def unlisted(built: Built) -> Make:
    """As ``cosign save`` of version 3 writes it: a blob that nothing lists."""
    return layout(parts=[built])


def fallback(*built: Built) -> Make:
    """Under the tag that registries without referrers have (distribution-spec)."""
    index = make_index([each.entry() for each in built], *built)
    return layout((tagged(index, DIGEST, ""), index))


def converted(folder: Path) -> Path:
    """A signed layout whose layers were packed anew: the manifest has another digest."""
    source = layout(sig(SIGNED))(folder)
    dest = folder / "converted"
    repack(str(source), str(dest), to="oci", compression="zstd")
    return dest


def archived(make: Make) -> Make:
    """The same as an archive."""

    def after(folder: Path) -> Path:
        dest = folder / "signed.tar"
        repack(str(make(folder)), str(dest), to="oci", preserve_digests=True)
        return dest

    return after


def buildkit() -> Make:
    """BuildKit's attestations, which nobody signs, in an index that is signed."""
    text = statement(DIGEST, SLSA, PREDICATE, version="v0.1")
    notes = {"in-toto.io/predicate-type": SLSA}
    built = manifest([(text, "application/vnd.in-toto+json", notes)])
    about = {
        "vnd.docker.reference.digest": DIGEST,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    entries = [
        BUILT.entry(platform={"os": "linux", "architecture": "amd64"}),
        built.entry(annotations=about, platform={"os": "unknown", "architecture": "unknown"}),
    ]
    index = make_index(entries, BUILT, built)
    entry = index.entry(annotations=name_annotations("demo:1"))
    signature = classic(index.digest, KEY)
    return layout(sig(signature, index.digest), entries=[entry], parts=[index])


def att(kind: str, key: Any = KEY, digest: str = DIGEST) -> Built:
    said = statement(digest, TYPES[kind], PREDICATE, version="v0.1")
    return attestations((envelope(said, key), TYPES[kind]))


def both(*more: tuple[Entry, Built]) -> Make:
    return layout(sig(SIGNED), *more)


def kind_case(kind: str) -> list[Case]:
    key, pss = private(kind), kind == "rsa-pss"
    pem = [public_pem(key)]
    return [
        Case(f"classic {kind}", layout(sig(classic(DIGEST, key, pss=pss))), pem),
        Case(
            f"bundle {kind}",
            layout(
                referrer(
                    bundled(
                        SUBJECT,
                        key,
                        content={"dsseEnvelope": envelope(statement(DIGEST), key, pss=pss)},
                    )
                )
            ),
            pem,
        ),
    ]


HOLDS = [
    *(case for kind in KINDS for case in kind_case(kind)),
    Case(
        "classic p384 with SHA-384",
        layout(sig(classic(DIGEST, private("p384"), bits=384))),
        [public_pem(private("p384"))],
    ),
    Case(
        "classic p521 with SHA-512",
        layout(sig(classic(DIGEST, private("p521"), bits=512))),
        [public_pem(private("p521"))],
    ),
    Case(
        "a key of PKCS #1",
        layout(sig(classic(DIGEST, private("rsa")))),
        [public_pem(private("rsa"), pkcs1=True)],
    ),
    Case("two keys in one file", layout(sig(SIGNED)), [public_pem(STRANGER) + PEM]),
    Case("two keys in two files", layout(sig(SIGNED)), [public_pem(STRANGER), PEM]),
    Case("several signatures", layout(sig(classic(DIGEST, STRANGER, KEY))), [PEM]),
    Case("cosign save", saved(SIGNED), [PEM]),
    Case("a bundle that nothing lists", unlisted(BUNDLE), [PEM]),
    Case("a bundle under the fallback tag", fallback(BUNDLE), [PEM]),
    Case("ours beside a stranger's", fallback(bundled(SUBJECT, STRANGER), BUNDLE), [PEM]),
    Case(
        "an index",
        layout(sig(classic(INDEX.digest, KEY), INDEX.digest), entries=[INDEX_ENTRY], parts=[INDEX]),
        [PEM],
    ),
    Case(
        "each image of an index",
        layout(
            sig(SIGNED),
            sig(classic(BUILT_ARM.digest, KEY), BUILT_ARM.digest),
            entries=[INDEX_ENTRY],
            parts=[INDEX],
        ),
        [PEM],
    ),
    Case(
        "a bundle of an index",
        layout(referrer(bundled(INDEX.entry(), KEY)), entries=[INDEX_ENTRY], parts=[INDEX]),
        [PEM],
    ),
    Case("an archive", archived(layout(sig(SIGNED))), [PEM]),
    Case("an archive with a bundle", archived(unlisted(BUNDLE)), [PEM]),
    Case("a claim", layout(sig(SIGNED)), [PEM], asked={"claims": ["env=prod"]}),
    Case(
        "a claim of a bundle",
        layout(referrer(bundled(SUBJECT, KEY, raw=statement(DIGEST, notes={"env": "prod"})))),
        [PEM],
        asked={"claims": ["env=prod"]},
    ),
    Case("of one type", both(referrer(BUNDLE)), [PEM], asked={"signature": "bundle"}),
    *(
        Case(
            f"a bundle of the document itself, {kind}",
            layout(
                referrer(
                    bundled(
                        SUBJECT,
                        private(kind),
                        content=message_signature(private(kind), BUILT.document),
                    )
                )
            ),
            [public_pem(private(kind))],
        )
        for kind in ("p256", "rsa", "ed25519")
    ),
    *(
        Case(
            f"attestation {kind}",
            both(sig(att(kind), suffix=".att")),
            [PEM],
            asked={"attestation": kind},
        )
        for kind in TYPES
    ),
    *(
        Case(
            f"attestation {kind} in a bundle",
            both(referrer(bundled(SUBJECT, KEY, raw=statement(DIGEST, TYPES[kind], PREDICATE)))),
            [PEM],
            asked={"attestation": kind},
        )
        for kind in TYPES
    ),
    Case(
        "an attestation by its whole type",
        both(sig(att("vuln"), suffix=".att")),
        [PEM],
        asked={"attestation": VULN},
    ),
    Case(
        "BuildKit's attestation in a signed index",
        buildkit(),
        [PEM],
        asked={"attestation": "slsaprovenance"},
    ),
]


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


def test_without_being_required_a_signature_may_be_missing(tmp_path: Path) -> None:
    report = Case("", layout(), [PEM], require=False).run(tmp_path)
    assert not report.failed
    assert [each.code for each in report.findings] == ["signature-missing"]


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in (*HOLDS, *FAILS)]
    assert len(names) == len(set(names)) > 60
    assert go_json({}) == b"{}"
