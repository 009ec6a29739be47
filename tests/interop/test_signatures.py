"""What cosign signs, `layout verify --key` finds signed, and what cosign refuses, it refuses.

Notation has no package for Debian: its envelopes are made in tests/signatures by the specification.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oci_layout import VerifyReport, repack, verify
from tests import independent
from tests.builders import make_image, write_files, write_index_layout, write_oci_layout
from tests.builders.notation import authority, certificate, pem
from tests.builders.signatures import SLSA, SPDX, VULN, private
from tests.interop.conftest import REQUIRED, ROOT
from tests.interop.cosign import Cosign, missing, signing
from tests.interop.engines import Engines

KINDS = ("p256", "p384", "p521", "rsa")
DIGESTS = {
    "p384": ("--signature-digest-algorithm=sha384",),
    "p521": ("--signature-digest-algorithm=sha512",),
}
_BEFORE = ("--new-bundle-format=false",)
FORMATS = {"classic": _BEFORE, "bundle": ()}
PREDICATES: dict[str, tuple[str, dict[str, Any]]] = {
    "slsaprovenance": (SLSA, {"builder": {"id": "https://ci.example.com"}, "buildType": "make"}),
    "spdxjson": (SPDX, {"spdxVersion": "SPDX-2.3", "packages": []}),
    "vuln": (
        VULN,
        {
            "invocation": {},
            "scanner": {"uri": "pkg:x", "version": "1", "db": {}, "result": {}},
            "metadata": {
                "scanStartedOn": "2024-01-01T00:00:00Z",
                "scanFinishedOn": "2024-01-01T00:00:00Z",
            },
        },
    ),
}


@pytest.fixture(scope="module")
def cosign(engines: Engines) -> Iterator[Cosign]:
    lacking = missing(ROOT)
    if lacking:
        if REQUIRED and ROOT is not None and ROOT.name == "sid":
            pytest.fail(f"{', '.join(lacking)} should be installed there (scripts/interop sid)")
        pytest.skip(f"no {', '.join(lacking)} on this host (scripts/interop sid)")
    with signing(engines.host) as found:
        for kind in (*KINDS, "ed25519"):
            pem = private(kind, 7).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            found.import_key(kind, pem)
        yield found


def image(text: str, folder: Path) -> Path:
    made = make_image([{"signed": text.encode()}], names=("signed:1",))
    return write_oci_layout([made], folder)


def checked(source: Path, cosign: Cosign, key: str, **options: Any) -> VerifyReport:
    how: dict[str, Any] = {"require_signature": True, "jobs": 1, **options}
    return verify(str(source), keys=[str(cosign.public(key))], **how)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_each_kind(kind: str, form: str, cosign: Cosign, tmp_path: Path) -> None:
    """cosign 3.1 signs with the hash of the curve, and must be told so to verify it."""
    reference = cosign.push(image(f"{kind} {form}", tmp_path / "source"), f"{form}-{kind}")
    cosign.sign(reference, *FORMATS[form], key=kind)
    saved = cosign.save(reference, f"kinds-{form}-{kind}")
    assert cosign.verifies(saved, *DIGESTS.get(kind, ()), key=kind)
    assert not checked(saved, cosign, kind).failed
    assert not cosign.verifies(saved, key="other")
    assert checked(saved, cosign, "other").failed
    archive = tmp_path / "signed.tar"
    repack(str(saved), str(archive), to="oci", preserve_digests=True)
    assert not checked(archive, cosign, kind).failed


@pytest.mark.parametrize("form", FORMATS)
def test_a_key_that_cosign_signs_with_and_does_not_verify(
    form: str, cosign: Cosign, tmp_path: Path
) -> None:
    """Ed25519ph: cosign 3.1 makes it, and takes the key for Ed25519 where it verifies."""
    reference = cosign.push(image(f"ph {form}", tmp_path / "source"), f"{form}-ph")
    cosign.sign(reference, *FORMATS[form], key="ed25519")
    saved = cosign.save(reference, f"ph-{form}")
    assert not cosign.verifies(saved, key="ed25519")
    report = checked(saved, cosign, "ed25519")
    (told,) = [each for each in report.findings if each.code == "signature-untrusted"]
    assert "Ed25519ph" in told.message


@pytest.mark.parametrize("form", FORMATS)
def test_a_certificate(form: str, cosign: Cosign, tmp_path: Path) -> None:
    """Of an authority of one's own; of a bundle with one, cosign 3.1 wants a trusted root."""
    root, key = authority(), private("p256", 7)
    files = {
        "leaf": certificate("ci", key, "root", private("p256", 90), mail="ci@example.com"),
        "root": root,
        "others": authority(92, subject="others"),
    }
    paths = {}
    for name, made in files.items():
        paths[name] = cosign.folder(f"{form}-{name}.pem")
        paths[name].write_bytes(pem(made))
    reference = cosign.push(image(f"certificate {form}", tmp_path / "source"), f"{form}-cert")
    given = (f"--certificate={paths['leaf']}", f"--certificate-chain={paths['root']}")
    cosign.sign(reference, *FORMATS[form], *given, key="p256")
    saved = cosign.save(reference, f"certificate-{form}")
    for name, holds in (("root", True), ("others", False)):
        how: dict[str, Any] = {"require_signature": True, "identity": "ci@example.com", "jobs": 1}
        assert verify(str(saved), keys=[str(paths[name])], **how).failed != holds
        if form == "classic":
            assert cosign.verifies_by(paths[name], saved) == holds


@pytest.mark.parametrize("form", FORMATS)
def test_an_index(form: str, cosign: Cosign, tmp_path: Path) -> None:
    images = [
        make_image([{"signed": form.encode()}], names=("signed:1",), architecture=architecture)
        for architecture in ("amd64", "arm64")
    ]
    source = write_index_layout(tmp_path / "source", images, attestations=True)
    reference = cosign.push(source, f"index-{form}")
    cosign.sign(reference, *FORMATS[form], "-a", "env=prod")
    saved = cosign.save(reference, f"index-{form}")
    report = checked(saved, cosign, "cosign", claims=["env=prod"])
    assert not report.failed
    assert [chain.verdict for chain in report.chains or ()] == ["signed", "signed"]
    assert checked(saved, cosign, "cosign", claims=["env=test"]).failed
    assert checked(saved, cosign, "other").failed
    # Of an index in the format of today, cosign 3.1 does not verify what it saved itself.
    if form == "classic":
        assert cosign.verifies(saved)
        assert not cosign.verifies(saved, key="other")


@pytest.mark.parametrize("kind", PREDICATES)
def test_attestations(kind: str, cosign: Cosign, tmp_path: Path) -> None:
    name, predicate = PREDICATES[kind]
    reference = cosign.push(image(kind, tmp_path / "source"), f"attested-{kind}")
    cosign.sign(reference)
    cosign.attest(reference, kind=kind, predicate=json.dumps(predicate))
    saved = cosign.save(reference, f"attested-{kind}")
    assert cosign.verifies(saved, command="verify-attestation", kind=kind)
    output = tmp_path / "stated.json"
    report = checked(saved, cosign, "cosign", attestation=kind, output=str(output))
    assert not report.failed
    assert [each.type for each in report.attestations] == [name]
    stated = json.loads(output.read_text())
    assert stated.keys() >= predicate.keys()
    assert not cosign.verifies(saved, command="verify-attestation", kind=kind, key="other")
    refused = checked(saved, cosign, "other", attestation=kind)
    assert "attestation-missing" in {finding.code for finding in refused.findings}


@pytest.fixture(scope="module")
def saved(cosign: Cosign, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for form, flags in FORMATS.items():
        source = image(f"saved {form}", tmp_path_factory.mktemp("saved") / form)
        reference = cosign.push(source, f"changed-{form}")
        cosign.sign(reference, *flags)
        found[form] = cosign.save(reference, f"changed-{form}")
    return found


def blob_with(files: dict[str, bytes], words: bytes) -> str:
    return next(name for name, data in files.items() if "blobs" in name and words in data)


SIGNED_BLOB = {"classic": b'"critical"', "bundle": b'"dsseEnvelope"'}
MANIFEST_OF = {"classic": b"simplesigning", "bundle": b'"dev.sigstore.bundle.content"'}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", ["signed blob", "stripped", "layer"])
def test_what_was_changed(
    what: str, form: str, cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    """cosign agrees, but for layers: it does not look at those of a folder."""
    files = independent.read_files(saved[form])
    if what == "signed blob":
        name = blob_with(files, SIGNED_BLOB[form])
        files[name] = files[name].replace(b"sha256", b"sha257").replace(b'"sig":"M', b'"sig":"N')
    elif what == "stripped":
        del files[blob_with(files, SIGNED_BLOB[form])]
        del files[blob_with(files, MANIFEST_OF[form])]
        index = json.loads(files["index.json"])
        index["manifests"] = index["manifests"][:1]
        files["index.json"] = json.dumps(index).encode()
    else:
        layer = blob_with(files, b"ustar")
        files[layer] = files[layer].replace(b"saved", b"other")
    changed = write_files(files, cosign.folder(f"{what}-{form}".replace(" ", "-")))
    report = checked(changed, cosign, "cosign")
    assert report.failed
    assert cosign.verifies(changed) == (what == "layer")
    codes = {finding.code for finding in report.findings if finding.severity == "error"}
    assert codes & {"signature-invalid", "signature-missing", "signed-damaged"}


def test_a_converted_image_is_not_signed(
    cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    dest = cosign.folder("converted")
    repack(str(saved["classic"]), str(dest), to="oci", compression="zstd")
    report = checked(dest, cosign, "cosign")
    assert "signature-stale" in {finding.code for finding in report.findings}
    assert report.failed
    assert not cosign.verifies(dest)
