"""Keys that prove who signed, and what is said where nothing can be proved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.builders import make_image, write_files, write_oci_layout
from tests.builders.legacy import schema1, schema1_dir, steps_of
from tests.builders.signing import (
    ALGORITHMS,
    Private,
    certificate,
    jwk,
    key,
    key_id,
    pem,
    signature,
    signed,
    with_signatures,
)
from tests.command import environment, layout, the_line
from tests.converting import images_of, messages, verified

STEPS = steps_of({"a": b"1"}, {"b": b"2"})
PAYLOAD = schema1(STEPS)


def key_file(private: Private, form: str, folder: Path) -> Path:
    data = {
        "pem": lambda: pem(private),
        "certificate": lambda: certificate(private).public_bytes(Encoding.PEM),
        "jwk": lambda: json.dumps(jwk(private)).encode(),
        "bare jwk": lambda: json.dumps(
            {name: text for name, text in jwk(private).items() if name != "kid"}
        ).encode(),
    }[form]()
    path = folder / f"{form}-{key_id(private)[:9]}"
    path.write_bytes(data)
    return path


def lone(raw: bytes, folder: Path) -> Path:
    path = folder / "manifest"
    path.write_bytes(raw)
    return path


FORMS = ["pem", "certificate", "jwk", "bare jwk"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", FORMS)
def test_trusted(algorithm: str, form: str, tmp_path: Path) -> None:
    """The key that signed is one that is trusted."""
    path = lone(signed(PAYLOAD, algorithm=algorithm), tmp_path)
    file = key_file(key(algorithm), form, tmp_path)
    assert verified(path, "--trusted-key", file) == (0, {("note", "signature-valid")})
    (message,) = messages(path, "signature-valid", "--trusted-key", file)
    assert "trusted key" in message
    assert key_id(key(algorithm)) in message
    assert "not who" not in message


@pytest.mark.parametrize("form", FORMS)
def test_not_trusted(form: str, tmp_path: Path) -> None:
    """A valid signature of somebody else is not enough."""
    path = lone(signed(PAYLOAD), tmp_path)
    file = key_file(key("ES256", 1), form, tmp_path)
    status, found = verified(path, "--trusted-key", file)
    assert status == 1
    assert found == {("note", "signature-valid"), ("error", "signature-untrusted")}


def test_a_kid_is_no_key(tmp_path: Path) -> None:
    """Who claims the id of a trusted key in the header is not believed."""
    other = key("ES256", 1)
    claimed = {**jwk(other), "kid": key_id(key())}
    made = signature(PAYLOAD, other, header={"jwk": claimed})
    path = lone(with_signatures(PAYLOAD, [made]), tmp_path)
    file = key_file(key(), "pem", tmp_path)
    status, found = verified(path, "--trusted-key", file)
    assert status == 1
    assert {("error", "signature-invalid"), ("error", "signature-untrusted")} <= found


def test_trusted_and_tampered(tmp_path: Path) -> None:
    """A trusted key in the header of a signature that does not hold."""
    path = lone(signed(PAYLOAD).replace(b"team/demo", b"evil/demo"), tmp_path)
    file = key_file(key(), "pem", tmp_path)
    status, found = verified(path, "--trusted-key", file)
    assert status == 1
    assert {("error", "signature-invalid"), ("error", "signature-untrusted")} <= found


def test_several_keys(tmp_path: Path) -> None:
    """One of the trusted keys must have made one of the signatures."""
    made = [signature(PAYLOAD, key(each), each) for each in ("ES256", "RS256")]
    path = lone(with_signatures(PAYLOAD, made), tmp_path)
    known = key_file(key("RS256"), "pem", tmp_path)
    unknown = key_file(key("ES384"), "jwk", tmp_path)
    flags = ("--trusted-key", unknown, "--trusted-key", known)
    assert verified(path, *flags)[0] == 0
    assert verified(path, "--trusted-key", unknown)[0] == 1


def test_unsigned(tmp_path: Path) -> None:
    """With keys given, a manifest without a signature is an error."""
    path = lone(PAYLOAD, tmp_path)
    file = key_file(key(), "pem", tmp_path)
    status, found = verified(path, "--trusted-key", file)
    assert status == 1
    assert found == {("error", "signature-untrusted")}


def test_in_a_dir(tmp_path: Path) -> None:
    source = write_files(schema1_dir(STEPS, signed(PAYLOAD)), tmp_path / "in")
    assert verified(source, "--trusted-key", key_file(key(), "pem", tmp_path))[0] == 0
    assert verified(source, "--trusted-key", key_file(key("ES384"), "pem", tmp_path))[0] == 1


def test_images_of_today_have_no_such_signature(tmp_path: Path) -> None:
    """The keys are for schema 1 manifests: others are neither better nor worse for them."""
    source = write_oci_layout([make_image()], tmp_path / "in")
    assert verified(source, "--trusted-key", key_file(key(), "pem", tmp_path))[0] == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"{",
        b"{}",
        b'{"kty":"EC"}',
        b'{"kty":"oct","k":"AAAA"}',
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        x25519.X25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        b"\xff\xfe\x00",
        b"{" * 100_000,
        b'{"kty":' + b"[" * 100_000,
    ],
    ids=[*"0123456789", "private", "binary", "braces", "deep"],
)
def test_files_that_are_no_key(data: bytes, tmp_path: Path) -> None:
    """A usage error that names the file, before anything is checked."""
    file = tmp_path / "key"
    file.write_bytes(data)
    line = the_line(layout("verify", lone(PAYLOAD, tmp_path), "--trusted-key", file), 2)
    assert "key" in line
    assert str(file) in line


def test_file_that_is_not_there(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    line = the_line(layout("verify", lone(PAYLOAD, tmp_path), "--trusted-key", gone), 2)
    assert str(gone) in line


# The extra package is not there: nothing of that name can be found.
_WITHOUT = """\
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cryptography":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "cryptography" else real(name, *rest)
from oci_layout.cli.main import run
run(sys.argv[1:])
"""


def without(*words: object) -> subprocess.CompletedProcess[str]:
    """Run `layout` where `cryptography` is not installed."""
    argv = [sys.executable, "-c", _WITHOUT, *map(str, words)]
    return subprocess.run(
        argv, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_without_the_extra(tmp_path: Path) -> None:
    """It is said that nothing was checked, and what to install; everything else goes on."""
    path = lone(signed(PAYLOAD), tmp_path)
    done = without("verify", path, "--json")
    (value,) = json.loads(done.stdout)["reports"]
    (finding,) = value["findings"]
    assert (done.returncode, finding["severity"]) == (0, "warning")
    assert finding["code"] == "signature-unchecked"
    assert "oci-layout[schema1]" in finding["hint"]
    assert without("verify", path, "--strict").returncode == 1
    shown = without("verify", path)
    assert "oci-layout[schema1]" in shown.stdout
    assert "not checked" in " ".join(shown.stdout.split())


def test_without_the_extra_and_with_keys(tmp_path: Path) -> None:
    """Who asks for proof gets none, and is told so."""
    file = key_file(key(), "pem", tmp_path)
    done = without("verify", lone(signed(PAYLOAD), tmp_path), "--trusted-key", file)
    assert done.returncode == 2
    assert "cryptography" in done.stderr
    assert "oci-layout[schema1]" in done.stderr


def test_without_the_extra_repack(tmp_path: Path) -> None:
    """A conversion goes on, with a warning; what needs no key is checked still."""
    source = write_files(schema1_dir(STEPS, signed(PAYLOAD)), tmp_path / "in")
    done = without("repack", source, "--to", "oci", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "oci-layout[schema1]" in done.stderr
    assert len(images_of(tmp_path / "out")) == 1
    raw = signed(PAYLOAD)[:-2] + b',\n   "extra": 1\n}'
    bad = write_files(schema1_dir(STEPS, raw), tmp_path / "bad")
    assert without("repack", bad, "--to", "oci", "-o", tmp_path / "no").returncode == 3
    assert not (tmp_path / "no").exists()


def test_without_the_extra_unsigned(tmp_path: Path) -> None:
    """What is not signed needs no package."""
    done = without("verify", lone(PAYLOAD, tmp_path), "--json")
    (value,) = json.loads(done.stdout)["reports"]
    assert [each["code"] for each in value["findings"]] == ["unsigned"]
