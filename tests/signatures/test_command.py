"""The command: its options, its exit statuses, what it prints, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders.image import hex_of
from tests.builders.notation import authority, pem
from tests.builders.signatures import private, public_pem
from tests.command import layout, printed, succeed, the_line
from tests.signatures.case import DIGEST, IMAGE, referrer
from tests.signatures.case import layout as layout_of
from tests.signatures.holding import KEY, PEM, PREDICATE, SIGNED, att, both, sig
from tests.signatures.test_cosign import forged_bundle
from tests.signatures.test_notation import huge_key


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "cosign.pub"
    path.write_bytes(PEM)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return both(sig(att("vuln"), suffix=".att"))(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    path = tmp_path / "stranger.pub"
    path.write_bytes(public_pem(private("p256", 1)))
    return path


def test_the_chain_is_printed(source: Path, key: Path) -> None:
    lines = " ".join(
        succeed("verify", source, "--key", key, "--require-signature").decode().split()
    )
    assert f"signed demo:1 linux/amd64 key {key} -> signature sha256:" in lines
    assert f"-> manifest {DIGEST[:19]}... -> config and layers 2 blobs -> bytes" in lines
    assert "claims env=prod" in lines
    assert "it proves that the holder of that key signed this; not when, and not who" in lines


def test_the_chain_in_json(source: Path, key: Path) -> None:
    value = printed("verify", source, "--key", key, "--attestation", "vuln")["reports"][0]
    (chain,) = value["signatures"]
    assert chain["verdict"] == "signed"
    assert chain["manifest"] == DIGEST
    assert chain["claims"] == {"env": "prod"}
    steps = [(link["step"], link["verdict"]) for link in chain["links"]]
    assert steps == [
        ("key", "trusted"),
        ("signature", "holds"),
        ("manifest", "holds"),
        ("config and layers", "holds"),
        ("bytes", "holds"),
    ]
    assert [each["image"] for each in value["attestations"]] == [DIGEST]
    assert "signatures" not in printed("verify", source)["reports"][0]


def test_bytes_that_were_not_read_are_told(source: Path, key: Path) -> None:
    value = printed("verify", source, "--key", key, "--quick")["reports"][0]
    assert value["signatures"][0]["links"][-1]["verdict"] == "not read"
    text = " ".join(succeed("verify", source, "--key", key, "--quick").decode().split())
    assert "bytes NOT READ" in text


def test_exit_statuses(source: Path, key: Path, stranger: Path, tmp_path: Path) -> None:
    assert layout("verify", source, "--key", key, "--require-signature").returncode == 0
    assert layout("verify", source, "--key", stranger).returncode == 1
    bare = layout_of()(tmp_path / "bare")
    assert layout("verify", bare, "--key", key).returncode == 0
    assert layout("verify", bare, "--key", key, "--strict").returncode == 1
    done = layout("verify", bare, "--key", key, "--require-signature")
    assert done.returncode == 1
    assert b"NOT SIGNED  demo:1" in done.stdout
    assert b"not as expected" in done.stdout


def test_an_attestation_is_printed(source: Path, key: Path, stranger: Path, tmp_path: Path) -> None:
    words = ("verify", source, "--attestation", "vuln", "-o")
    assert json.loads(succeed(*words, "-", "--key", key)) == PREDICATE
    done = layout(*words, "-", "--key", stranger)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"attestation-missing" in done.stderr
    there = tmp_path / "stated.json"
    there.write_text("old")
    assert layout(*words, there, "--key", stranger).returncode == 1
    assert there.read_text() == "old"
    succeed(*words, there, "--key", key)
    assert json.loads(there.read_text()) == PREDICATE


def test_a_damaged_image_prints_no_attestation(source: Path, key: Path) -> None:
    blob = source / "blobs/sha256" / hex_of(IMAGE.layers[0].digest)
    blob.write_bytes(blob.read_bytes().replace(b"hello", b"hullo"))
    done = layout("verify", source, "--key", key, "--attestation", "vuln", "-o", "-")
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize(
    "words",
    [
        ("--require-signature",),
        ("--signature", "cosign"),
        ("--claim", "a=b"),
        ("--crl", "x"),
        ("--identity", "x"),
        ("--issuer", "x"),
        ("--attestation", "vuln"),
        ("--output", "x"),
    ],
    ids=lambda words: words[0],
)
def test_what_needs_a_key(words: tuple[str, ...], source: Path) -> None:
    assert "--key" in the_line(layout("verify", source, *words), 2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--claim", "a"), "KEY=VALUE"),
        (("--issuer", "x"), "--trusted-root"),
        (("--output", "x"), "--attestation"),
        (("--trusted-root", "x"), "--identity"),
        (("--key", "absent.pub"), "No such file"),
        (("--crl", "{key}"), "no list"),
        (("--attestation", "vuln", "-o", "-", "--json"), "standard output"),
    ],
)
def test_what_does_not_go_together(
    words: tuple[str, ...], told: str, source: Path, key: Path
) -> None:
    filled = [word.format(key=key) for word in words]
    assert told in the_line(layout("verify", source, "--key", key, *filled), 2)
    assert key.read_bytes() == PEM


LABEL = b"ENCRYPTED SIGSTORE PRIVATE KEY"
PRIVATE = b"-----BEGIN %s-----\nAAAA\n-----END %s-----\n" % (LABEL, LABEL)


def big() -> bytes:
    return pem(huge_key())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no key"),
        (b"untrusted comment: minisign public key 1\nRWQ\n", "minisign"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "--key"),
        (b"-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n", "not base64"),
        (PRIVATE, "private key"),
        (big(), "16384 bits"),
        (public_pem(private("rsa1024")), "1024 bits"),
        (public_pem(KEY) * 65, "64 are the most"),
        (pem(authority()) * 1_001, "1000 are the most"),
        (b"x" * ((16 << 20) + 1), "16 MiB"),
    ],
    ids=[
        "empty",
        "minisign",
        "no key",
        "no base64",
        "private",
        "large",
        "small",
        "many keys",
        "many certificates",
        "a large file",
    ],
)
def test_what_is_no_key(data: bytes, told: str, source: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.pub"
    path.write_bytes(data)
    assert told in the_line(layout("verify", source, "--key", path), 2)


EXTRAS = [("cryptography", "signatures"), ("sigstore", "keyless")]


@pytest.mark.parametrize(("package", "extra"), EXTRAS)
def test_without_the_package_the_extra_is_named(
    package: str, extra: str, source: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def absent(name: str, *more: Any) -> Any:
        return None if name == package else found(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", absent)
    words = ["--trusted-root", key, "--identity", "a", "--issuer", "b"]
    done = layout("verify", source, "--key", key, *(words if package == "sigstore" else []))
    assert f"oci-layout[{extra}]" in the_line(done, 2)


def test_a_key_is_not_written_over(source: Path, key: Path) -> None:
    done = layout("verify", source, "--key", key, "--attestation", "vuln", "-o", key)
    assert "cosign.pub" in the_line(done, 5)
    assert key.read_bytes() == PEM


def test_signatures_are_bounded(source: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oci_layout.limits.ATTACHED_SIGNATURES", 1)
    done = layout("verify", source, "--key", key)
    assert done.returncode == 1
    assert b"more than 1 signatures" in done.stdout
    assert SIGNED.digest


def test_signatures_are_bounded_together(
    source: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oci_layout.limits.SIGNATURES_BYTES", 300)
    done = layout("verify", source, "--key", key)
    assert done.returncode == 0  # the signature comes first, and holds
    assert b"bad-signature" in done.stdout
    monkeypatch.setattr("oci_layout.limits.SIGNATURES_BYTES", 30)
    assert layout("verify", source, "--key", key).returncode == 1


def test_an_ed25519_key_among_others_accuses_nobody(tmp_path: Path) -> None:
    """A changed bundle of an ECDSA key is told as changed, whatever other keys are given."""
    keys = [tmp_path / "ed.pub", tmp_path / "ec.pub"]
    keys[0].write_bytes(public_pem(private("ed25519")))
    keys[1].write_bytes(PEM)
    source = layout_of(referrer(forged_bundle()))(tmp_path)
    done = layout("verify", source, *(word for path in keys for word in ("--key", path)))
    assert b"signature-invalid" in done.stdout
    alone = layout("verify", layout_of(sig(SIGNED))(tmp_path / "b"), "--key", keys[0])
    assert b"Ed25519ph" in alone.stdout


def test_a_thin_archive_is_signed_with_what_completes_it(tmp_path: Path, key: Path) -> None:
    whole = layout_of(sig(SIGNED))(tmp_path / "whole")
    thin = tmp_path / "thin.tar"
    succeed("repack", whole, "--to", "oci", "--have", whole, "--preserve-digests", "-o", thin)
    done = layout("verify", thin, "--key", key, "--json")
    (chain,) = json.loads(done.stdout)["reports"][0]["signatures"]
    assert chain["verdict"] == "damaged"
    assert chain["links"][-2]["verdict"] == "missing"
    (chain,) = printed("verify", thin, "--key", key, "--base", whole)["reports"][0]["signatures"]
    assert chain["verdict"] == "signed"
    assert chain["links"][-1]["verdict"] == "holds"
