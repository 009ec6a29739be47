"""cosign's signatures that hold, before version 3 and since, and how they lie in a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oci_layout import repack
from tests.builders import name_annotations
from tests.builders.artifacts import Built, make_index
from tests.builders.signatures import (
    CYCLONEDX,
    KINDS,
    SLSA,
    SPDX,
    VULN,
    attestations,
    bundled,
    classic,
    envelope,
    kinds,
    manifest,
    message_signature,
    private,
    public_pem,
    statement,
    tagged,
)
from tests.signatures.case import (
    BUILT,
    BUILT_ARM,
    DIGEST,
    INDEX,
    INDEX_ENTRY,
    SUBJECT,
    Case,
    Entry,
    Make,
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


def converted_bundle(folder: Path) -> Path:
    """The same with a bundle, whose subject is the new digest now."""
    dest = folder / "converted"
    repack(str(unlisted(BUNDLE)(folder)), str(dest), to="oci", compression="zstd")
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
