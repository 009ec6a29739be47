"""Signatures that cosign made verify after an archive and back, and loaded images stay the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import independent
from tests.builders import make_image, write_files, write_index_layout, write_oci_layout
from tests.command import changes_of, refuse, succeed
from tests.interop.cosign import Cosign, require_cosign, signing
from tests.interop.engines import Engines
from tests.interop.shown import Engine

NAME = "example.com/signed:1"
# The format of today leaves the signature as a blob that no index lists; that of before is an
# entry of its own, marked by `kind`. An index of several platforms that is signed in the format of
# today does not verify even as cosign 3.1 saved it.
_BEFORE = ("--new-bundle-format=false",)
FORMATS = {"bundle": (), "entry": _BEFORE, "index": _BEFORE}


@pytest.fixture(scope="module")
def cosign(engines: Engines) -> Iterator[Cosign]:
    require_cosign()
    with signing(engines.host) as found:
        yield found


@pytest.fixture(scope="module")
def saved(cosign: Cosign, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A signed layout of each format."""
    made = {}
    for name, flags in FORMATS.items():
        images = [
            make_image([{"signed": name.encode()}], names=("signed:1",), architecture=architecture)
            for architecture in ("amd64", "arm64")
        ]
        source = tmp_path_factory.mktemp("signed") / name
        if name == "index":
            write_index_layout(source, images, attestations=True)
        else:
            write_oci_layout(images[:1], source)
        reference = cosign.push(source, name)
        cosign.sign(reference, *flags)
        if name == "bundle":
            cosign.attest(reference)
        made[name] = cosign.save(reference, f"saved-{name}")
        assert cosign.verifies(made[name])
        assert not cosign.verifies(made[name], key="other")
    return made


def there_and_back(source: Path, work: Path) -> Path:
    archive, back = work / "signed.tar", work / "back"
    succeed("repack", source, "--to", "oci", "--preserve-digests", "-o", archive)
    succeed("verify", archive)
    succeed("repack", archive, "--to", "oci", "--preserve-digests", "-o", back)
    return back


@pytest.mark.parametrize("name", FORMATS)
def test_a_signature_survives_an_archive_and_back(
    name: str, cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    back = there_and_back(saved[name], tmp_path)
    assert cosign.verifies(back)
    assert not cosign.verifies(back, key="other")
    before, after = independent.read_files(saved[name]), independent.read_files(back)
    blobs = {key: data for key, data in before.items() if key.startswith("blobs/")}
    assert blobs == {key: data for key, data in after.items() if key.startswith("blobs/")}


def test_an_archive_that_is_unpacked_verifies(
    cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    archive = tmp_path / "signed.tar"
    succeed("repack", saved["bundle"], "--to", "oci", "--preserve-digests", "-o", archive)
    unpacked = write_files(independent.read_files(archive), tmp_path / "unpacked")
    assert cosign.verifies(unpacked)


def test_an_attestation_survives_an_archive_and_back(
    cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    back = there_and_back(saved["bundle"], tmp_path)
    assert cosign.verifies(back, command="verify-attestation")
    assert not cosign.verifies(back, command="verify-attestation", key="other")


@pytest.mark.parametrize("name", FORMATS)
def test_a_signature_is_appended_with_its_image(
    name: str, cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    image = make_image([{"other": name.encode()}], names=("other:1",))
    dest = write_oci_layout([image], tmp_path / "dest")
    succeed("repack", saved[name], "--to", "oci", "--append", "-o", dest)
    assert cosign.verifies(dest)
    merged = tmp_path / "merged"
    succeed("merge", write_oci_layout([image], tmp_path / "plain"), saved[name], "-o", merged)
    assert cosign.verifies(merged)


@pytest.mark.parametrize("name", FORMATS)
def test_a_new_digest_is_not_passed_off_as_signed(
    name: str, cosign: Cosign, saved: dict[str, Path], tmp_path: Path
) -> None:
    """The signature cannot hold for other bytes; that is said, and cosign says so too."""
    dest = tmp_path / "zstd"
    words = ("--to", "oci", "--compression", "zstd")
    report = json.loads(succeed("repack", saved[name], *words, "--json", "-o", dest))
    told = changes_of(report)
    assert any("old digest" in line or "will not verify" in line for line in told)
    assert not cosign.verifies(dest)
    refuse(6, saved[name], *words, "--preserve-digests", "-o", tmp_path / "refused")
    shutil.rmtree(dest)
    succeed("repack", saved[name], "--to", "oci", "--attestations", "drop", "-o", dest)
    assert not cosign.verifies(dest)


@pytest.mark.parametrize("name", FORMATS)
def test_engines_load_a_signed_archive(
    name: str, engines: Engines, saved: dict[str, Path], tmp_path: Path
) -> None:
    archive = tmp_path / "named.tar"
    words = ("--preserve-digests", "--name", NAME)
    succeed("repack", saved[name], "--to", "oci", *words, "-o", archive)
    loading: list[Engine] = [engines.containerd]
    if name != "index":
        # manifest.json has no place for several platforms, which is all that the classic store of
        # Docker reads; and podman takes index.json alone only where it has a single entry.
        loading += [engines.docker, engines.podman]
    for engine in loading:
        engine.clear()
        engine.load(archive)
        assert NAME in engine.images()
